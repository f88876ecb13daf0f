//! `tasks`: content in the making, and the decisions of a person about it.

use callboard_core::app::App;
use callboard_core::outcome::Fallback;
use callboard_core::store::gates::{self, Decision, Gate, Verdict};
use callboard_core::store::named::Short;
use callboard_core::store::runs::RunStatus;
use callboard_core::store::unreadable::Entry;
use callboard_core::store::{runs, stage_runs};
use callboard_factory::tables::TASK;
use callboard_factory::tables::drafts;
use callboard_factory::tables::drafts::Draft;
use callboard_factory::tables::tasks::{self, Task, TaskStatus};
use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::gates::{Comment, Feedback, Part};
use super::output::{self, Answered, time};
use super::{Context, Failure, find, run};

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
        match self {
            Tasks::List { limit } => {
                let all = tasks::list(app.store(), None, limit).await?;
                let header = ["task", "status", "topic", "updated"];
                let known = || all.iter().filter_map(Entry::known);
                let ids = known().map(|task| task.id.as_str());
                let short = Short::of(app.store(), &TASK, ids).await?;
                let row = |entry: &Entry<Task>| match entry {
                    Entry::Known(task) => row(task, &short),
                    Entry::Broken(broken) => output::broken(broken, header.len()),
                };
                let rows = all.iter().map(row).collect();
                let answered = context.output.show(&header, rows, &all);
                if known().any(|task| task.status == TaskStatus::AwaitingApproval) {
                    context.output.next("tasks approve TASK");
                }
                Ok(answered)
            }
            Tasks::Show { id } => show(context, &app, &find::task(app.store(), &id).await?).await,
            Tasks::Approve { id, verdict } => {
                let task = find::task(app.store(), &id).await?;
                let verdict = verdict.verdict(Decision::Approved);
                let run = decide(&app, context, &task, verdict).await?;
                Ok(run::report(context, &run))
            }
            Tasks::Reject { id, verdict } => {
                let task = find::task(app.store(), &id).await?;
                let verdict = verdict.verdict(Decision::Rejected, None);
                let run = decide(&app, context, &task, verdict).await?;
                Ok(rejected(context, &task, &run))
            }
            Tasks::Regenerate { id, part, verdict } => {
                let task = find::task(app.store(), &id).await?;
                let verdict = verdict.verdict(Decision::Regenerated, Some(part));
                let run = decide(&app, context, &task, verdict).await?;
                Ok(run::report(context, &run))
            }
        }
    }
}

/// Approve the gate of a task and carry its run on.
pub(super) async fn approve(
    app: &App,
    context: &Context,
    task: &Task,
    by: &str,
) -> Result<runs::Run, Failure> {
    let verdict = Verdict {
        decision: Decision::Approved,
        part: None,
        feedback: String::new(),
        by: by.to_owned(),
    };
    decide(app, context, task, verdict).await
}

/// Decide the gate of a task and carry its run on; a worker that is faster has it.
async fn decide(
    app: &App,
    context: &Context,
    task: &Task,
    verdict: Verdict,
) -> Result<runs::Run, Failure> {
    let gate = open_gate(app, task).await?;
    super::gates::decide(app, context, &gate, verdict).await
}

/// The end of a task is what was asked for; a run that went back in a loop is told of.
fn rejected(context: &Context, task: &Task, run: &runs::Run) -> Answered {
    if run.status != RunStatus::Rejected {
        return run::report(context, run);
    }
    context.output.say(format_args!("rejected: {}", task.topic));
    let json = json!({ "task": task.id, "decision": "rejected" });
    context.output.json(&json)
}

async fn open_gate(app: &App, task: &Task) -> Result<Gate, Failure> {
    let gate = gates::about(app.store(), &task.id).await?;
    if let Some(gate) = gate.filter(|gate| gate.decision.is_none()) {
        return Ok(gate);
    }
    let short = Short::of(app.store(), &TASK, [task.id.as_str()]).await?;
    let (task, status) = (short.show(&task.id), task.status.name());
    let problem = format!("task {task} stands before no gate; it is {status}");
    Err(Failure::usage(problem))
}

async fn show(context: &Context, app: &App, task: &Task) -> Result<Answered, Failure> {
    let draft = drafts::latest(app.store(), &task.id).await?;
    let fallbacks = fallbacks(app, task).await?;
    context.output.say(format_args!("task     {}", task.id));
    context
        .output
        .say(format_args!("status   {}", task.status.name()));
    context
        .output
        .say(format_args!("subject  {}", task.subject));
    context.output.say(format_args!("run      {}", task.run));
    for (stage, fallback) in &fallbacks {
        context
            .output
            .say(format_args!("fallback {stage}: {fallback}"));
    }
    for note in draft.iter().flat_map(notes) {
        let told = |(_, fallback): &(String, Fallback)| note.contains(&fallback.why);
        if !fallbacks.iter().any(told) {
            context.output.say(format_args!("note     {note}"));
        }
    }
    if let Some(draft) = &draft {
        context.output.say(format_args!(
            "draft    {} by {}",
            draft.number, draft.written_by
        ));
        context.output.say("");
        context.output.say(format_args!("# {}", draft.title));
        context.output.say("");
        context.output.text(&draft.markdown);
    }
    let fallbacks: Vec<_> = fallbacks.iter().map(|(_, fallback)| fallback).collect();
    let json = json!({ "task": task, "draft": draft, "fallbacks": fallbacks });
    Ok(context.output.json(&json))
}

/// What a person should know of a draft before approving it.
fn notes(draft: &Draft) -> Vec<String> {
    let report: Json = serde_json::from_str(&draft.report).unwrap_or_default();
    let notes = report["notes"].as_array().into_iter().flatten();
    notes
        .filter_map(|note| note.as_str().map(str::to_owned))
        .collect()
}

/// What stages of the task's run did in a lesser way, by stage.
async fn fallbacks(app: &App, task: &Task) -> Result<Vec<(String, Fallback)>, Failure> {
    let rows = stage_runs::of_run(app.store(), &task.run).await?;
    let live = rows.into_iter().filter(|row| !row.superseded);
    let fallbacks = live.flat_map(|row| {
        let fallbacks = row.outcome.fallbacks().to_vec();
        fallbacks
            .into_iter()
            .map(move |fallback| (row.stage.clone(), fallback))
    });
    Ok(fallbacks.collect())
}

fn row(task: &Task, short: &Short) -> Vec<String> {
    let updated = time(task.updated_at);
    vec![
        short.show(&task.id).to_owned(),
        task.status.name().to_owned(),
        task.topic.clone(),
        updated,
    ]
}
