//! `tasks`: content in the making, and the decisions of a person about it.

use callboard_core::app::App;
use callboard_core::operations::ListEntry;
use callboard_core::operations::gates::Decision;
use callboard_core::operations::runs::RunStatus;
use callboard_factory::operations::tasks::{self, StageFallback, TaskStatus, TaskView};
use clap::Subcommand;

use super::gates::{Comment, Feedback, Part};
use super::output::{self, Answered, time};
use super::{Context, Failure, run};

#[derive(Debug, Subcommand)]
pub(super) enum Tasks {
    /// The newest tasks.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// A task and its latest draft.
    Show {
        /// Its id as `tasks list` shows it, enough of its beginning or end, or `latest`.
        id: String,
    },
    /// Say yes at the gate the task stands before; its run goes on here.
    Approve {
        /// The task's id as `tasks list` shows it, enough of its beginning or end, or `latest`.
        id: String,
        #[command(flatten)]
        verdict: Comment,
    },
    /// Say no; what follows is what the pipeline says in `on.rejected`, or the end of the task
    /// and its run as rejected.
    Reject {
        /// The task's id as `tasks list` shows it, enough of its beginning or end, or `latest`.
        id: String,
        #[command(flatten)]
        verdict: Feedback,
    },
    /// Have a part of the task made anew, and be asked again.
    Regenerate {
        /// The task's id as `tasks list` shows it, enough of its beginning or end, or `latest`.
        id: String,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        verdict: Feedback,
    },
}

impl Tasks {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let (id, verdict) = match self {
            Tasks::List { limit } => return list(context, &app, limit).await,
            Tasks::Show { id } => return show(context, &app, &id).await,
            Tasks::Approve { id, verdict } => (id, verdict.verdict(Decision::Approved)),
            Tasks::Reject { id, verdict } => (id, verdict.verdict(Decision::Rejected, None)),
            Tasks::Regenerate { id, part, verdict } => {
                (id, verdict.verdict(Decision::Regenerated, Some(part)))
            }
        };
        let decision = verdict.decision;
        let decided = tasks::decide(&app, &id, verdict).await?;
        let run = run::carry_out(&app, context, &decided.run).await?;
        // The end of a task is what was asked for; a run that went back in a loop is told of.
        if decision == Decision::Rejected && run.status == RunStatus::Rejected {
            let task = &decided.task;
            context.output.say(format_args!("rejected: {}", task.topic));
            return Ok(context.output.json(&run));
        }
        Ok(run::report(context, &run))
    }
}

async fn list(context: &Context, app: &App, limit: u32) -> Result<Answered, Failure> {
    let all = tasks::list(app, limit).await?;
    let header = ["task", "status", "topic", "updated"];
    let row = |entry: &ListEntry<TaskView>| match entry {
        ListEntry::Known(task) => row(task),
        ListEntry::Broken(broken) => output::broken(broken, header.len()),
    };
    let answered = context
        .output
        .show(&header, all.iter().map(row).collect(), &all);
    let mut known = all.iter().filter_map(ListEntry::known);
    if known.any(|task| task.status == TaskStatus::AwaitingApproval) {
        context.output.next("tasks approve TASK");
    }
    Ok(answered)
}

fn row(task: &TaskView) -> Vec<String> {
    vec![
        task.short.clone(),
        task.status.name().to_owned(),
        task.topic.clone(),
        time(task.updated_at),
    ]
}

async fn show(context: &Context, app: &App, id: &str) -> Result<Answered, Failure> {
    let details = tasks::show(app, id).await?;
    let (output, task) = (context.output, &details.task);
    output.say(format_args!("task     {}", task.id));
    output.say(format_args!("status   {}", task.status.name()));
    output.say(format_args!("subject  {}", task.subject));
    output.say(format_args!("run      {}", task.run));
    for fallback in &details.fallbacks {
        let StageFallback { stage, what, why } = fallback;
        output.say(format_args!(
            "fallback {stage}: {what} did not do it: {why}"
        ));
    }
    if let Some(draft) = &details.draft {
        for note in &draft.notes {
            let mut fallbacks = details.fallbacks.iter();
            if !fallbacks.any(|fallback| note.contains(&fallback.why)) {
                output.say(format_args!("note     {note}"));
            }
        }
        let (number, by) = (draft.number, &draft.written_by);
        output.say(format_args!("draft    {number} by {by}"));
        output.say("");
        output.say(format_args!("# {}", draft.title));
        output.say("");
        output.text(&draft.markdown);
    }
    Ok(output.json(&details))
}
