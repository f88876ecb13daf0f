//! `tasks`: content in the making, and the decisions of a person about it.

mod create;
mod edit;
mod picture;
mod show;

pub(super) use self::show::tell;

use callboard_core::app::App;
use callboard_core::operations::gates::{Decision, GateVerdict};
use callboard_core::operations::runs::RunStatus;
use callboard_core::operations::{Actor, ListEntry};
use callboard_factory::operations::tasks::{self, TaskStatus, TaskView};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::gates::{Comment, Feedback, Part};
use super::output::{self, Answered, time};
use super::runs::Who;
use super::{Context, Failure, run};

#[derive(Debug, Subcommand)]
pub(super) enum Tasks {
    /// Ask for a piece of content: the task is there at once, and a worker carries its run out.
    Create(create::Create),
    /// The newest tasks.
    List {
        /// Only those of one status.
        #[arg(long, value_parser = PossibleValuesParser::new(tasks::statuses()))]
        status: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// A task and its latest draft.
    Show(NamedTask),
    /// Write another version of its draft, in $EDITOR or from a file; it is what is published.
    Edit(edit::Edit),
    /// What changed from one draft to another.
    Diff {
        #[command(flatten)]
        which: NamedTask,
        /// The older draft, by number; the one that the newest was made from, if absent.
        #[arg(requires = "new")]
        old: Option<i64>,
        /// The newer one.
        new: Option<i64>,
    },
    /// Say yes at the gate the task stands before; its run goes on here.
    Approve {
        #[command(flatten)]
        which: NamedTask,
        #[command(flatten)]
        verdict: Comment,
        /// The draft that was looked at, by number: a newer one is not approved in its place.
        #[arg(long, value_name = "NUMBER")]
        draft: Option<i64>,
    },
    /// Say no; what follows is what the pipeline says in `on.rejected`, or the end of the task
    /// and its run as rejected.
    Reject {
        #[command(flatten)]
        which: NamedTask,
        #[command(flatten)]
        verdict: Feedback,
    },
    /// Have a part of the task made anew, and be asked again.
    Regenerate {
        #[command(flatten)]
        which: NamedTask,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        verdict: Feedback,
    },
    /// Make a picture of the task anew, in its draft and its post.
    RegenImage(picture::RegenImage),
    /// Have the run of a task that ended go on again, here, with a fresh budget.
    Retry {
        #[command(flatten)]
        which: NamedTask,
        /// The stage to begin at; those that ended it, if absent.
        #[arg(long, value_name = "STAGE")]
        from: Option<String>,
        #[command(flatten)]
        why: Why,
    },
    /// End a task, with its run if that goes on.
    Cancel {
        #[command(flatten)]
        which: NamedTask,
        #[command(flatten)]
        why: Why,
    },
    /// All that happened to a task, oldest first.
    History(NamedTask),
}

/// A task.
#[derive(Debug, Args)]
pub(super) struct NamedTask {
    /// The task's id as `tasks list` shows it, enough of its beginning or end, or `latest`.
    id: String,
}

/// Who does it, and why.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// Why; it is kept with the run.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

impl Why {
    fn actor(self) -> Actor {
        Actor {
            name: self.who.by,
            reason: self.reason,
        }
    }
}

impl Tasks {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let (id, verdict) = match self {
            Tasks::Create(create) => return create.run(context, &app).await,
            Tasks::List { status, limit } => {
                return list(context, &app, status.as_deref(), limit).await;
            }
            Tasks::Show(which) => return show::task(context, &app, &which.id).await,
            Tasks::Edit(edit) => return edit.run(context, &app).await,
            Tasks::RegenImage(picture) => return picture.run(context, &app).await,
            Tasks::Diff { which, old, new } => {
                return show::diff(context, &app, &which.id, old.zip(new)).await;
            }
            Tasks::History(which) => return show::history(context, &app, &which.id).await,
            Tasks::Retry { which, from, why } => {
                return retry(context, &app, (&which.id, from.as_deref()), &why.actor()).await;
            }
            Tasks::Cancel { which, why } => {
                return cancel(context, &app, &which.id, &why.actor()).await;
            }
            Tasks::Approve {
                which,
                verdict,
                draft,
            } => {
                let mut verdict = verdict.verdict(Decision::Approved);
                verdict.seen = draft;
                (which.id, verdict)
            }
            Tasks::Reject { which, verdict } => {
                (which.id, verdict.verdict(Decision::Rejected, None))
            }
            Tasks::Regenerate {
                which,
                part,
                verdict,
            } => (which.id, verdict.verdict(Decision::Regenerated, Some(part))),
        };
        decide(context, &app, &id, verdict).await
    }
}

async fn decide(
    context: &Context,
    app: &App,
    id: &str,
    verdict: GateVerdict,
) -> Result<Answered, Failure> {
    let decision = verdict.decision;
    let decided = tasks::decide(app, id, verdict).await?;
    let run = run::carry_out(app, context, &decided.run).await?;
    // The end of a task is what was asked for; a run that went back in a loop is told of.
    if decision == Decision::Rejected && run.status == RunStatus::Rejected {
        let task = &decided.task;
        context.output.say(format_args!("rejected: {}", task.topic));
        return Ok(context.output.json(&run));
    }
    Ok(run::report(context, &run))
}

async fn retry(
    context: &Context,
    app: &App,
    (id, from): (&str, Option<&str>),
    by: &Actor,
) -> Result<Answered, Failure> {
    let run = tasks::retry(app, id, from, by).await?;
    let run = run::carry_out(app, context, &run).await?;
    Ok(run::report(context, &run))
}

async fn cancel(context: &Context, app: &App, id: &str, by: &Actor) -> Result<Answered, Failure> {
    let cancelled = tasks::cancel(app, id, by).await?;
    let topic = &cancelled.task.topic;
    if cancelled.asked {
        let say = "the worker that has its run is asked to end it";
        context.output.say(format_args!("{topic}: {say}"));
    } else {
        context.output.say(format_args!("cancelled: {topic}"));
    }
    Ok(context.output.json(&cancelled))
}

async fn list(
    context: &Context,
    app: &App,
    status: Option<&str>,
    limit: u32,
) -> Result<Answered, Failure> {
    let all = tasks::list(app, status, limit).await?;
    let header = ["task", "status", "topic", "updated"];
    let row = |entry: &ListEntry<TaskView>| match entry {
        ListEntry::Known(task) => row(task),
        ListEntry::Broken(broken) => output::broken(broken, header.len()),
    };
    let answered = context.output.newest(&header, &all, row);
    let mut known = all.rows.iter().filter_map(ListEntry::known);
    if known.any(|task| task.status == TaskStatus::AwaitingApproval) {
        context.output.next("tasks approve TASK");
    }
    Ok(answered)
}

fn row(task: &TaskView) -> Vec<String> {
    vec![
        task.short.clone(),
        tasks::word(task.status).to_owned(),
        task.topic.clone(),
        time(task.updated_at),
    ]
}
