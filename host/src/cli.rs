//! The command line: every command is a variant here, an arm in [`run`], and a file below
//! `cli/`.

mod apply;
mod check;
mod complete;
mod demo;
mod doctor;
mod failure;
mod findings;
mod gates;
mod handlers;
mod init;
mod output;
mod pipelines;
mod plugins;
mod policies;
mod posts;
mod prune;
mod reference;
mod revisions;
mod run;
mod runs;
mod schedules;
mod serve;
mod settings;
mod tasks;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{Parser, Subcommand, ValueEnum};

pub use self::failure::Failure;
use self::output::Output;
use crate::app::{App, AppError};
use crate::telemetry;

/// A host for handlers that runs an autonomous content factory.
///
/// A workspace is a folder of definitions: pipelines, policies, plugins, prompts and site
/// templates. `callboard init` makes one, `callboard check` says whether every reference in
/// it has an answer, `callboard apply` makes it the active revision, and `callboard run` or
/// `callboard serve` carries it out.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Cli {
    /// The folder of the workspace.
    #[arg(
        short,
        long,
        global = true,
        env = "CALLBOARD_WORKSPACE",
        default_value = "."
    )]
    workspace: PathBuf,

    /// The database, instead of the one that callboard.toml names: `sqlite:PATH` or
    /// `postgres://USER@HOST/NAME`.
    #[arg(
        long,
        global = true,
        env = "CALLBOARD_DATABASE",
        hide_env_values = true
    )]
    database: Option<String>,

    /// How to print what is found.
    #[arg(long, global = true, value_enum, default_value = "table")]
    format: Format,

    /// How the log on standard error is written; `CALLBOARD_LOG` says which lines: `debug`,
    /// or `warn,callboard::engine=debug`. By itself `serve` and `work` tell what they do, and
    /// other commands warn.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORM"
    )]
    log_format: LogFormat,

    /// Print the digests of revision, settings and registry as this command sees them, and
    /// stop. They are the same for every command and mode.
    #[arg(long, global = true)]
    print_digest: bool,

    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  callboard demo                 everything at once, on the repository you stand in
  callboard init factory         a workspace of your own
  callboard -w factory apply     call the roll and make it the active revision
  callboard -w factory run dev_diary --input repository=PATH

Exit codes:
  0  done, or nothing to do
  1  a decision or a failure: a miss at the roll call, a run that failed or was rejected
  2  wrong usage or input
  3  something it depends on is not available: the database, a repository, a model
  4  a run waits: for a person at a gate, or for something that is not there right now";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables and sentences for people.
    Table,
    /// One JSON document for programs.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON document a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the bundled factory workspace into a new folder.
    Init(init::Init),
    /// Call the roll: does every reference have an answer? Keeps nothing.
    Check(check::Check),
    /// Call the roll and make the workspace the active revision.
    Apply(apply::Apply),
    /// The revisions that were applied.
    #[command(subcommand)]
    Revisions(revisions::Revisions),
    /// Serve the site and the console, and work on runs and policies.
    Serve(serve::Serve),
    /// Work on runs and policies without serving anything.
    Work(serve::Work),
    /// Start a run of a pipeline and carry it out here.
    Run(run::Run),
    /// The runs and their stages; stop them, send them on, follow them.
    #[command(subcommand)]
    Runs(runs::Runs),
    /// The pieces of content in the making, and the gates they stand before.
    #[command(subcommand)]
    Tasks(tasks::Tasks),
    /// The questions to a person that runs wait for, and the decisions.
    #[command(subcommand)]
    Gates(gates::Gates),
    /// What is published.
    #[command(subcommand)]
    Posts(posts::Posts),
    /// The handlers, native and of plugins.
    #[command(subcommand)]
    Handlers(handlers::Handlers),
    /// The plugins, what they ask for and what they get.
    #[command(subcommand)]
    Plugins(plugins::Plugins),
    /// The pipelines and their stages.
    #[command(subcommand)]
    Pipelines(pipelines::Pipelines),
    /// The upkeep: retention and the like.
    #[command(subcommand)]
    Policies(policies::Policies),
    /// What starts by itself, when, and how it fared.
    #[command(subcommand)]
    Schedules(schedules::Schedules),
    /// What was noticed, until somebody resolves it.
    #[command(subcommand)]
    Findings(findings::Findings),
    /// Say what is wrong, and the mend. Changes nothing.
    Doctor(doctor::Doctor),
    /// The declared settings and their values.
    #[command(subcommand)]
    Settings(settings::Settings),
    /// Set up a workspace, write a post from a repository, publish and serve it.
    Demo(demo::Demo),
    /// Print the completions for a shell.
    Completions(complete::Completions),
    /// Write the reference of commands, handlers and configuration as Markdown.
    #[command(hide = true)]
    Reference(reference::Reference),
}

/// What every command is given.
pub struct Context {
    workspace: PathBuf,
    database: Option<String>,
    output: Output,
    opened: OnceLock<App>,
}

impl Context {
    async fn app(&self) -> Result<App, AppError> {
        let app = App::open(&self.workspace, self.database.as_deref()).await?;
        Ok(self.opened.get_or_init(|| app).clone())
    }

    /// Close the database, which brings all that was written into its one file.
    async fn close(&self) {
        if let Some(app) = self.opened.get() {
            app.store().close().await;
        }
    }
}

/// Carry out a command line; the exit code is as `--help` says.
pub async fn main(cli: Cli) -> ExitCode {
    start_log(&cli);
    let output = Output::new(cli.format == Format::Json);
    let result = tokio::select! {
        result = run(cli, output) => result,
        () = interrupted() => Err(Failure::interrupted()),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            failure.code()
        }
    }
}

/// A daemon tells what it does; a command tells by itself, and its log only warns.
fn start_log(cli: &Cli) {
    let form = match cli.log_format {
        LogFormat::Text => telemetry::Form::Text {
            colours: Output::coloured_errors(),
        },
        LogFormat::Json => telemetry::Form::Json,
    };
    let level = match cli.command {
        Command::Serve(_) | Command::Work(_) => "info",
        _ => "warn",
    };
    telemetry::start(form, level);
}

/// Ctrl-C ends every command but those that handle it themselves, such as `serve`.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() || serve::handles_interrupt() {
        std::future::pending::<()>().await;
    }
}

async fn run(cli: Cli, output: Output) -> Result<ExitCode, Failure> {
    let context = Context {
        workspace: cli.workspace,
        database: cli.database,
        output,
        opened: OnceLock::new(),
    };
    let result = if cli.print_digest {
        print_digest(&context).await
    } else {
        dispatch(cli.command, &context).await
    };
    context.close().await;
    result
}

async fn dispatch(command: Command, context: &Context) -> Result<ExitCode, Failure> {
    match command {
        Command::Init(command) => command.run(context),
        Command::Check(command) => command.run(context).await,
        Command::Apply(command) => command.run(context).await,
        Command::Revisions(command) => command.run(context).await,
        Command::Serve(command) => command.run(context).await,
        Command::Work(command) => command.run(context).await,
        Command::Run(command) => command.run(context).await,
        Command::Runs(command) => command.run(context).await,
        Command::Tasks(command) => command.run(context).await,
        Command::Gates(command) => command.run(context).await,
        Command::Posts(command) => command.run(context).await,
        Command::Handlers(command) => command.run(context).await,
        Command::Plugins(command) => command.run(context).await,
        Command::Pipelines(command) => command.run(context).await,
        Command::Policies(command) => command.run(context).await,
        Command::Schedules(command) => command.run(context).await,
        Command::Findings(command) => command.run(context).await,
        Command::Doctor(command) => command.run(context).await,
        Command::Settings(command) => command.run(context).await,
        Command::Demo(command) => command.run(context).await,
        Command::Completions(command) => command.run(context),
        Command::Reference(command) => command.run(context),
    }
}

async fn print_digest(context: &Context) -> Result<ExitCode, Failure> {
    let digests = context.app().await?.digests().await?;
    let rows = digests
        .iter()
        .map(|(name, digest)| vec![(*name).to_owned(), digest.clone()]);
    let json = digests
        .iter()
        .map(|(name, digest)| ((*name).to_owned(), digest.clone().into()));
    context.output.show(
        &["of", "digest"],
        rows.collect(),
        &serde_json::Value::Object(json.collect()),
    );
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
