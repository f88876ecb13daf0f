//! The command line: every command is a variant here, an arm in [`run`], and a file below
//! `cli/`.

mod apply;
mod backup;
mod cassette;
mod check;
mod complete;
mod demo;
mod diary;
mod doctor;
pub mod documents;
mod exit;
mod failure;
mod findings;
mod gates;
mod handlers;
mod init;
mod interrupt;
mod models;
mod output;
mod pipelines;
mod plugins;
mod policies;
mod posts;
mod prompts;
mod prune;
mod rails;
mod reference;
mod renewing;
mod revisions;
mod run;
mod runs;
mod schedules;
mod serve;
mod settings;
mod supervised;
mod tasks;
mod test;
mod watch;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use callboard_core::app::{App, AppError};
use callboard_core::operations::revisions as applied;
use callboard_core::shown::Shown;
use callboard_core::{standard_error, telemetry};
use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use futures_util::FutureExt as _;

use self::exit::Exit;
pub use self::failure::Failure;
pub use self::output::tell_panics;
use self::output::{Answered, Output};

/// A host for handlers that runs an autonomous content factory.
///
/// A workspace is a folder of definitions: pipelines, policies, plugins, prompts and site
/// templates. `callboard init` makes one, `callboard check` says whether every reference in
/// it has an answer, `callboard apply` makes it the active revision, and `callboard run` or
/// `callboard serve` carries it out.
#[derive(Debug, Parser)]
#[command(version, after_help = after_help(), max_term_width = 100)]
pub struct Cli {
    /// The folder of the workspace.
    #[arg(
        short,
        long,
        global = true,
        env = "CALLBOARD_WORKSPACE",
        hide_env_values = true,
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

    /// Whether the command line names the database, rather than the environment.
    #[arg(skip)]
    database_is_named: bool,

    /// How to print what is found.
    #[arg(long, global = true, value_enum, default_value = "table")]
    format: Format,

    /// How the log, and whatever else is on standard error, is written; `CALLBOARD_LOG` says which
    /// lines of the log: `debug`, or `warn,callboard_core::engine=debug`. By itself `serve` and
    /// `work` tell what they do, and other commands warn.
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

/// How often a process that does not work looks whether something is new.
const LOOK: Duration = Duration::from_secs(2);

const START: &str = "\
Start here:
  callboard demo                 everything at once, on the repository you stand in
  callboard init factory         a workspace of your own
  callboard -w factory apply     call the roll and make it the active revision
  callboard -w factory run dev_diary --input repository=PATH";

fn after_help() -> String {
    format!("{START}\n\n{}", exit::table())
}

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
    /// Run the workspace's own tests, each in a workspace and a database of its own.
    Test(test::Test),
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
    /// What the diary would say of a repository.
    #[command(subcommand)]
    Diary(diary::Diary),
    /// The handlers, native and of plugins.
    #[command(subcommand)]
    Handlers(handlers::Handlers),
    /// The plugins, what they ask for and what they get.
    #[command(subcommand)]
    Plugins(plugins::Plugins),
    /// The pipelines and their stages.
    #[command(subcommand)]
    Pipelines(pipelines::Pipelines),
    /// The prompts, and what they say once they are filled in.
    #[command(subcommand)]
    Prompts(prompts::Prompts),
    /// The upkeep: retention and the like.
    #[command(subcommand)]
    Policies(policies::Policies),
    /// What judges drafts, and what it looks for.
    #[command(subcommand)]
    Rails(rails::Rails),
    /// What starts by itself, when, and how it fared.
    #[command(subcommand)]
    Schedules(schedules::Schedules),
    /// The models that are asked, by role, and what they take.
    #[command(subcommand)]
    Models(models::Models),
    /// What was noticed, until a person resolves it.
    #[command(subcommand)]
    Findings(findings::Findings),
    /// Say what is wrong, and the mend. Changes nothing.
    Doctor(doctor::Doctor),
    /// Write all that is in the database into one file, whatever works on it.
    Backup(backup::Backup),
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
    /// The folder of `-w`, if the command line names one.
    named: Option<PathBuf>,
    database: Option<String>,
    /// Whether the command line names the database, rather than the environment.
    database_is_named: bool,
    output: Output,
    opened: OnceLock<App>,
}

impl Context {
    /// The workspace as it is: looking at it makes no database.
    async fn app(&self) -> Result<App, AppError> {
        let app = App::open_as_it_is(&self.workspace, self.database.as_deref()).await?;
        // The workspace's own comes with the first `apply`; a name may be mistyped.
        if let Some(named) = self.database.as_ref().filter(|_| app.is_nowhere()) {
            self.output.warn(format_args!(
                "there is no database {named} yet, so nothing is in it; `callboard apply` makes it"
            ));
        }
        Ok(self.opened.get_or_init(|| app).clone())
    }

    /// The workspace, whose database is made if it is not there, and brought up to date.
    async fn app_made(&self) -> Result<App, AppError> {
        let app = App::open(&self.workspace, self.database.as_deref()).await?;
        Ok(self.opened.get_or_init(|| app).clone())
    }

    /// The folder of a new workspace: that of the command's own argument `what`, or that of `-w`
    /// on the command line. What the environment says is about a workspace that is there.
    fn folder(&self, own: Option<PathBuf>, what: &str) -> Result<Option<PathBuf>, Failure> {
        match (own, &self.named) {
            (Some(own), Some(named)) if !same(&own, named) => {
                let (own, named) = (own.display(), named.display());
                let problem = format!("`-w {named}` and {what} `{own}` are two folders");
                Err(Failure::usage(problem).help("name the folder once"))
            }
            (own, named) => Ok(own.or_else(|| named.clone())),
        }
    }

    /// Close the database, which brings all that was written into its one file.
    async fn close(&self) {
        if let Some(app) = self.opened.get() {
            app.close().await;
        }
    }
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((std::path::absolute(one), std::path::absolute(other)), (Ok(one), Ok(other)) if one == other)
}

/// Carry out the command line of this process; the exit code is as `--help` says.
pub async fn main() -> i32 {
    let arguments: Vec<_> = std::env::args_os().collect();
    let exit = match read(&arguments) {
        Ok((cli, named)) => carry_out(cli, named).await,
        Err(error) => {
            // What is said of arguments quotes them: it is said of arguments that can be shown.
            let shown = arguments
                .iter()
                .map(|it| Shown::line(it.to_string_lossy()).to_string());
            let error = read(shown).err().unwrap_or(error);
            if asks_for_json(&arguments, "--log-format") {
                output::write_documents();
            }
            output::usage(&error, asks_for_json(&arguments, "--format"))
        }
    };
    standard_error::written();
    output::lost().unwrap_or(exit).code().into()
}

/// How a process ends that gets no thread.
pub fn without_threads(error: &std::io::Error) -> u8 {
    let arguments: Vec<_> = std::env::args_os().collect();
    if asks_for_json(&arguments, "--log-format") {
        output::write_documents();
    }
    let problem = format!("the system gives this process too few threads: {error}");
    let failure = Failure::new(Exit::Unavailable, problem)
        .help("raise what bounds them: `ulimit -u` for its user, or the `pids` of its container");
    Output::new(asks_for_json(&arguments, "--format")).failure(&failure);
    standard_error::written();
    failure.exit().code()
}

/// A command line, and the folder that it names itself as the workspace.
fn read(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<(Cli, Option<PathBuf>), clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    let named = matches.value_source("workspace") == Some(ValueSource::CommandLine);
    let mut cli = Cli::from_arg_matches(&matches)?;
    cli.database_is_named = matches.value_source("database") == Some(ValueSource::CommandLine);
    let named = named.then(|| cli.workspace.clone());
    Ok((cli, named))
}

/// Whether a command line that cannot be read asks for JSON by this option all the same.
fn asks_for_json(arguments: &[OsString], option: &str) -> bool {
    let pairs = arguments.windows(2);
    let mut apart = pairs.filter(|pair| pair[0] == option);
    let together = format!("{option}=json");
    apart.any(|pair| pair[1] == "json") || arguments.iter().any(|it| *it == *together)
}

async fn carry_out(cli: Cli, named: Option<PathBuf>) -> Exit {
    let output = Output::new(cli.format == Format::Json);
    if cli.log_format == LogFormat::Json {
        output::write_documents();
    }
    if let Err(problem) = start_log(&cli) {
        let failure =
            Failure::usage(problem).help("write `debug`, or `warn,callboard_core::engine=debug`");
        output.failure(&failure);
        return failure.exit();
    }
    // A defect is told like any other failure, once its panic has been.
    let work = AssertUnwindSafe(run(cli, named, output)).catch_unwind();
    let result = tokio::select! {
        result = work => result.unwrap_or_else(|_| Err(defect())),
        () = interrupted() => Err(Failure::interrupted()),
        () = unheard() => Ok(output.lines_end()),
    };
    match result {
        Ok(answered) => answered.exit(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit()
        }
    }
}

fn defect() -> Failure {
    Failure::new(Exit::Defect, "callboard panicked, which is a defect of it")
        .help("what was committed is kept; the lines above say where it was")
}

/// A daemon tells what it does; a command tells by itself, and its log only warns.
fn start_log(cli: &Cli) -> Result<(), String> {
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
    telemetry::start(form, level)
}

/// Ctrl-C ends every command but those that handle it themselves, such as `serve`.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() || interrupt::is_handled() {
        std::future::pending::<()>().await;
    }
}

/// An answer that is not read ends every command, in good order where it can.
async fn unheard() {
    output::until_lost().await;
    if interrupt::is_handled() {
        std::future::pending::<()>().await;
    }
}

async fn run(cli: Cli, named: Option<PathBuf>, output: Output) -> Result<Answered, Failure> {
    let context = Context {
        workspace: cli.workspace,
        named,
        database: cli.database,
        database_is_named: cli.database_is_named,
        output,
        opened: OnceLock::new(),
    };
    let result = if cli.print_digest {
        print_digest(&context).await
    } else {
        let may_change = renewing::may_change(&cli.command);
        let result = dispatch(cli.command, &context).await;
        if may_change {
            renewing::after(&context).await;
        }
        result
    };
    context.close().await;
    result
}

async fn dispatch(command: Command, context: &Context) -> Result<Answered, Failure> {
    match command {
        Command::Init(command) => command.run(context),
        Command::Check(command) => command.run(context).await,
        Command::Apply(command) => command.run(context).await,
        Command::Revisions(command) => command.run(context).await,
        Command::Serve(command) => command.run(context).await,
        Command::Work(command) => command.run(context).await,
        Command::Run(command) => command.run(context).await,
        Command::Test(command) => Box::pin(command.run(context)).await,
        Command::Runs(command) => command.run(context).await,
        Command::Tasks(command) => command.run(context).await,
        Command::Gates(command) => command.run(context).await,
        Command::Posts(command) => command.run(context).await,
        Command::Diary(command) => command.run(context).await,
        Command::Handlers(command) => command.run(context).await,
        Command::Plugins(command) => command.run(context).await,
        Command::Pipelines(command) => command.run(context).await,
        Command::Prompts(command) => command.run(context).await,
        Command::Policies(command) => command.run(context).await,
        Command::Rails(command) => command.run(context).await,
        Command::Schedules(command) => command.run(context).await,
        Command::Models(command) => command.run(context).await,
        Command::Findings(command) => command.run(context).await,
        Command::Doctor(command) => command.run(context).await,
        Command::Backup(command) => command.run(context).await,
        Command::Settings(command) => command.run(context).await,
        Command::Demo(command) => command.run(context).await,
        Command::Completions(command) => command.run(context),
        Command::Reference(command) => command.run(context),
    }
}

async fn print_digest(context: &Context) -> Result<Answered, Failure> {
    let digests = applied::digests(&context.app().await?).await?;
    let rows = [
        ("revision", &digests.revision),
        ("settings", &digests.settings),
        ("registry", &digests.registry),
    ];
    let rows = rows.map(|(name, digest)| vec![name.to_owned(), digest.clone()]);
    let header = ["of", "digest"];
    Ok(context.output.show(&header, rows.into(), &digests))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
