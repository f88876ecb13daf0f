//! `demo`: the main job from nothing to a served post, through the same commands that an
//! operator has.

mod with_model;

use std::path::{Path, PathBuf};
use std::time::Instant;

use callboard_core::address::Address;
use callboard_core::app::{App, SeenVersions};
use callboard_core::operations::OperationError;
use callboard_core::operations::gates::{Decision, GateVerdict};
use callboard_core::operations::runs::{RunStatus, RunView};
use callboard_core::outcome::Patch;
use callboard_core::workspace::{self, Files};
use callboard_factory::operations::memory::{self, Memory};
use callboard_factory::operations::tasks::{self, TaskView};
use clap::Args;
use serde_json::Value as Json;
use tokio::sync::watch;

use self::with_model::Servers;
use super::documents::{DemoDocument, ExportedSite, PolicyEnded};
use super::exit::Exit;
use super::output::Answered;
use super::watch::length;
use super::{Context, Failure, init, interrupt, posts, run, serve, supervised};

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// A git repository; the one you stand in if absent.
    #[arg(value_name = "REPO", conflicts_with = "repo")]
    repository: Option<PathBuf>,

    /// The same, as an option.
    #[arg(long, value_name = "PATH")]
    repo: Option<PathBuf>,

    /// The UTC day to write about, `YYYY-MM-DD`; the latest with substance if absent.
    #[arg(long, default_value = "latest")]
    date: String,

    /// Stop when everything is done instead of serving the site.
    #[arg(long)]
    once: bool,

    /// Write the published site into this folder, too.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Make the workspace here and keep it; `-w` does the same. A temporary folder if absent.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Where to serve the site; a free port of this machine if absent.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: Address,

    /// Where to serve the console, an address of this machine alone; a free port if absent.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    console: Address,

    #[command(flatten)]
    with_model: Servers,
}

/// Who decides at the gates.
const BY: &str = "demo";

/// The demo's own values in the factory's policies, so that a young repository has
/// something old enough: all of the memory may be collapsed, and the oldest tenth of the
/// commits is let go, which leaves embeddings without a source.
const COLLAPSE: &str = "embeddings_collapse_commits";
const KEEP: &str = "commits_keep_newest";
const ORPHANS: &str = "embeddings_orphan_prune_commits";

impl Demo {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        if context.database_is_named {
            return Err(Failure::usage(
                "a demo has a database of its own, in its own folder; leave `--database` out",
            )
            .help("`callboard init` makes a workspace that can have its database anywhere"));
        }
        let repository = self.repository()?;
        let temporary = tempfile::tempdir()
            .map_err(|error| Failure::usage(format!("no temporary folder: {error}")))?;
        let folder = context.folder(self.keep.clone(), "--keep")?;
        let folder = folder.unwrap_or_else(|| temporary.path().join("factory"));
        let app = set_up(context, &folder).await?;
        let (run, mut published) = self.main_job(context, &app, &repository).await?;
        let article = self.with_model.article(context, &app, &folder).await?;
        published &= article.as_ref().is_none_or(|(_, done)| *done);
        let (policies, memory) = upkeep(context, &app, &folder, &repository).await?;
        let mut told = DemoDocument {
            workspace: folder,
            run,
            article: article.map(|(article, _)| article),
            policies,
            memory,
            exported: None,
            serving: None,
        };
        if let Some(out) = &self.out {
            let files = posts::export(context, &app, out).await?.files;
            let folder = out.clone();
            told.exported = Some(ExportedSite { folder, files });
        }
        if self.once || !published {
            app.close().await;
            let answered = context.output.json(&told);
            return Ok(if published {
                answered
            } else {
                answered.with(Exit::Failed)
            });
        }
        let listeners =
            serve::BoundListeners::open(Some(self.listen), Some(self.console), app.config())
                .await?;
        let signals = interrupt::Listener::start();
        let stop = signals.stop.clone();
        let (seen, changes) = watch::channel(SeenVersions::default());
        let looking = serve::start_look(&app, seen, &stop);
        let told = |serving| {
            told.serving = Some(serving);
            context.output.json(&told)
        };
        let serves = serve::site(context, &app, listeners, (&stop, changes), told);
        let answered = supervised::until_given_up(&app, &stop, serves).await?;
        supervised::join(looking).await;
        app.close().await;
        Ok(answered)
    }

    fn repository(&self) -> Result<PathBuf, Failure> {
        let named = self.repository.clone().or_else(|| self.repo.clone());
        let path = named.unwrap_or_else(|| PathBuf::from("."));
        std::path::absolute(&path)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    }

    /// Write about the day, approve and publish; says whether all went well. A day without
    /// substance is fine, too.
    async fn main_job(
        &self,
        context: &Context,
        app: &App,
        repository: &Path,
    ) -> Result<(RunView, bool), Failure> {
        step(
            context,
            "Write a post about a day of the repository (pipeline dev_diary)",
        );
        let mut input = Patch::new();
        input.insert("repository".into(), Json::from(text(repository)?));
        input.insert("date".into(), Json::from(self.date.as_str()));
        let run = run::start(app, context, "dev_diary", input).await?;
        match run.status {
            RunStatus::Gated => {}
            // A shallow clone lacks the day. What is no repository at all can't be remembered either.
            RunStatus::NothingToDo | RunStatus::Unavailable => {
                let label = format!("{}: ", run.status);
                context.output.whole(&label, &run.detail);
                return Ok((run, true));
            }
            _ => return Err(ended_badly(&run)),
        }
        step(
            context,
            "Approve it, as an editor would (callboard tasks approve)",
        );
        let Some(task) = tasks::of_run(app, &run.id).await? else {
            return Err(Failure::new(
                Exit::Failed,
                "the run stands before a gate without a task",
            ));
        };
        approve(context, app, &task).await
    }
}

/// Say yes at the gate of a task, and have its run go on; says whether it is done.
async fn approve(
    context: &Context,
    app: &App,
    task: &TaskView,
) -> Result<(RunView, bool), Failure> {
    let verdict = GateVerdict {
        decision: Decision::Approved,
        part: None,
        feedback: String::new(),
        by: BY.to_owned(),
        seen: None,
    };
    let decided = tasks::decide(app, &task.id, verdict).await?;
    let run = run::carry_out(app, context, &decided.run).await?;
    context
        .output
        .say(format_args!("{}: {}", run.status, task.topic));
    let done = run.status == RunStatus::Done;
    Ok((run, done))
}

fn ended_badly(run: &RunView) -> Failure {
    let code = match run.status {
        RunStatus::Unavailable => Exit::Unavailable,
        _ => Exit::Failed,
    };
    Failure::new(code, format!("{}: {}", run.status, run.detail))
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str()
        .ok_or_else(|| Failure::usage(format!("{} is no UTF-8 path", path.display())))
}

fn step(context: &Context, text: &str) {
    context.output.progress("");
    context.output.progress(format_args!("== {text}"));
}

/// Write the factory workspace and apply it.
async fn set_up(context: &Context, folder: &Path) -> Result<App, Failure> {
    step(
        context,
        "Make a workspace and call the roll (callboard init, apply)",
    );
    let started = Instant::now();
    workspace::write(folder, &init::bundled())?;
    // What the environment says is about another workspace.
    let app = App::open(folder, None).await?;
    let applied = app.apply("the factory as it comes").await?;
    context.output.say(format_args!(
        "revision {} is active; all {} references answer ({})",
        applied.revision,
        applied.roll.asked(),
        length(started.elapsed()),
    ));
    Ok(app)
}

/// Fill the memory from the repository's history and run the retention plugins on it.
async fn upkeep(
    context: &Context,
    app: &App,
    folder: &Path,
    repository: &Path,
) -> Result<(Vec<PolicyEnded>, Memory), Failure> {
    step(
        context,
        "Remember the repository's history (pipeline remember)",
    );
    let mut input = Patch::new();
    input.insert("repository".into(), Json::from(text(repository)?));
    let run = run::start(app, context, "remember", input).await?;
    if !matches!(run.status, RunStatus::Done | RunStatus::NothingToDo) {
        return Err(ended_badly(&run));
    }
    step(
        context,
        "Keep the memory in shape (policies; two of them are WebAssembly plugins)",
    );
    let total = memory::counts(app).await?.commits;
    young_policies(app, folder, total).await?;
    let mut ended = Vec::new();
    for policy in [KEEP, ORPHANS, COLLAPSE] {
        let run = run::start(
            app,
            context,
            &callboard_core::policy::pipeline(policy),
            Patch::new(),
        )
        .await?;
        let label = format!("{policy}: {} ", run.status);
        context.output.whole(&label, &run.detail);
        if !matches!(run.status, RunStatus::Done | RunStatus::NothingToDo) {
            return Err(ended_badly(&run));
        }
        ended.push(PolicyEnded {
            policy,
            status: run.status,
            detail: run.detail,
        });
    }
    let memory = memory::counts(app).await?;
    context.output.say(format_args!(
        "the memory holds {} embeddings and {} summaries",
        memory.embeddings, memory.summaries
    ));
    Ok((ended, memory))
}

/// Apply a second revision in which a young repository has something to clean up.
async fn young_policies(app: &App, folder: &Path, commits: u64) -> Result<(), Failure> {
    let keep = i64::try_from(commits - commits / 10)
        .unwrap_or(i64::MAX)
        .max(1);
    let mut changed = Files::new();
    let all = app.read()?.files;
    for (policy, key, value) in [(COLLAPSE, "age_days", 0), (KEEP, "keep", keep)] {
        let path = format!("policies/{policy}.toml");
        let content = all
            .get(&path)
            .ok_or_else(|| Failure::usage(format!("{path} is missing")))?;
        let text = with_config(&String::from_utf8_lossy(content), key, value)
            .map_err(|error| Failure::usage(format!("{path}: {error}")))?;
        changed.insert(path, text.into_bytes());
    }
    for (path, content) in changed {
        kept(folder, &path, &content)?;
    }
    app.apply("upkeep for a young repository").await?;
    Ok(())
}

/// Write a file of the workspace.
fn kept(folder: &Path, path: &str, content: &[u8]) -> Result<(), Failure> {
    let written = std::fs::write(folder.join(path), content);
    written.map_err(|error| OperationError::unwritten(path, &error).into())
}

/// A policy's text with another number in its `config`.
fn with_config(text: &str, key: &str, value: i64) -> Result<String, toml::de::Error> {
    let mut policy: toml::Table = toml::from_str(text)?;
    if let Some(config) = policy.get_mut("config").and_then(toml::Value::as_table_mut) {
        config.insert(key.to_owned(), toml::Value::Integer(value));
    }
    Ok(policy.to_string())
}
