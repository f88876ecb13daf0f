//! Tasks: content in the making, and the decisions of a person about it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use callboard_core::app::App;
use callboard_core::operations::gates::{self, Verdict};
use callboard_core::operations::{ListEntry, OperationError, named, runs};
use callboard_core::store::named::Short;

use crate::tables::TASK;
use crate::tables::drafts::{self, Draft};
use crate::tables::tasks::{self, Task};

pub use crate::tables::tasks::TaskStatus;

/// One piece of content to be made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Task")]
pub struct TaskView {
    /// Its id, a UUID that sorts by time.
    pub id: String,
    /// What lists show of the id.
    pub short: String,
    /// What it is about, once: `dev_diary:<identity>:<day>`.
    pub subject: String,
    /// The title of its newest draft.
    pub topic: String,
    /// The run that made its newest draft.
    pub run: String,
    pub status: TaskStatus,
    /// When its first draft was kept.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A task with its newest draft.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TaskDetails {
    /// The task itself.
    pub task: TaskView,
    /// Its newest draft.
    pub draft: Option<DraftView>,
    /// What stages of its run did in a lesser way than they should have.
    pub fallbacks: Vec<StageFallback>,
}

/// One text of a task.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Draft")]
pub struct DraftView {
    /// Its id.
    pub id: String,
    /// Counted from 1 within its task.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// What lists show of the text.
    pub excerpt: String,
    /// The text.
    pub markdown: String,
    /// The built-in composer, or the model.
    pub written_by: String,
    /// What a person should know before approving it.
    pub notes: Vec<String>,
    /// What the rails said, by rail, and the notes.
    pub report: Json,
    /// When it was kept.
    pub created_at: Timestamp,
}

/// What a stage did in a lesser way.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StageFallback {
    /// The stage's id.
    pub stage: String,
    /// What did not do it: `role writer`.
    pub what: String,
    /// Why it did not.
    pub why: String,
}

/// A task whose gate was decided.
#[derive(Debug, Clone)]
pub struct Decided {
    pub task: TaskView,
    /// The id of its run, which goes on by itself or with
    /// [`carry_out`](callboard_core::operations::runs::carry_out()).
    pub run: String,
}

/// Tasks, newest first; one that cannot be read is among them.
pub async fn list(app: &App, limit: u32) -> Result<Vec<ListEntry<TaskView>>, OperationError> {
    let all = tasks::list(app.store(), None, limit).await?;
    let ids = all.iter().filter_map(ListEntry::known);
    let short = Short::of(app.store(), &TASK, ids.map(|task| task.id.as_str())).await?;
    let view = |entry: ListEntry<Task>| entry.map(|task| TaskView::of(task, &short));
    Ok(all.into_iter().map(view).collect())
}

/// The task that `wanted` names, with the text that is published once it is approved: that of the
/// run that asks. A plugin may be granted to write `tasks` and `drafts`, and says nothing here.
pub async fn show(app: &App, wanted: &str) -> Result<TaskDetails, OperationError> {
    let mut task = found(app, wanted).await?;
    if let Some(run) = gates::asked_by(app, &task.id).await? {
        task.run = run;
    }
    let draft = draft(app, &task).await?;
    if let Some(draft) = &draft {
        task.topic.clone_from(&draft.title);
    }
    Ok(TaskDetails {
        fallbacks: fallbacks(app, &task).await?,
        draft,
        task,
    })
}

/// The draft that the run of a task has. Only if it has none, as one that was pruned, the newest
/// that was kept.
async fn draft(app: &App, task: &TaskView) -> Result<Option<DraftView>, OperationError> {
    let mut keys = runs::keys(app, &task.run).await?;
    let mut take = |key| keys.remove(key).unwrap_or_default();
    let own = take("draft");
    if own.is_null() {
        let kept = drafts::latest(app.store(), &task.id).await?;
        return Ok(kept.map(Into::into));
    }
    // Shown in its place, a row would be approved, and the run's own text published.
    let own: crate::draft::Draft = serde_json::from_value(own).map_err(|error| {
        let run = &task.run;
        OperationError::failed(format!("the draft of run {run} cannot be read: {error}")).mend(
            format!("`callboard --format json runs show {run}` has it as it is"),
        )
    })?;
    let id = take("draft_id").as_str().unwrap_or_default().to_owned();
    let kept = drafts::by_id(app.store(), &id).await?;
    Ok(Some(DraftView {
        number: kept.as_ref().map_or(1, |kept| kept.number),
        created_at: kept.map_or(task.updated_at, |kept| kept.created_at),
        report: own.report(&take("citations")),
        id,
        title: own.title,
        excerpt: own.excerpt,
        markdown: own.markdown,
        written_by: own.written_by,
        notes: own.notes,
    }))
}

/// Decide the gate that a task stands before.
pub async fn decide(app: &App, wanted: &str, verdict: Verdict) -> Result<Decided, OperationError> {
    let task = found(app, wanted).await?;
    if let Some(run) = gates::decide_about(app, &task.id, verdict).await? {
        return Ok(Decided { task, run });
    }
    let (short, status) = (&task.short, task.status.name());
    let problem = format!("task {short} stands before no gate; it is {status}");
    Err(OperationError::usage(problem))
}

/// The task that a run makes, if there is one.
pub async fn of_run(app: &App, run: &str) -> Result<Option<TaskView>, OperationError> {
    match tasks::of_run(app.store(), run).await? {
        Some(task) => Ok(Some(viewed(app, task).await?)),
        None => Ok(None),
    }
}

/// The task of an id, if there is one.
pub async fn by_id(app: &App, id: &str) -> Result<Option<TaskView>, OperationError> {
    match tasks::by_id(app.store(), id).await? {
        Some(task) => Ok(Some(viewed(app, task).await?)),
        None => Ok(None),
    }
}

/// The task that is named.
async fn found(app: &App, wanted: &str) -> Result<TaskView, OperationError> {
    let id = named::key(app.store(), &TASK, wanted).await?;
    let task = tasks::by_id(app.store(), &id).await?;
    viewed(app, task.ok_or_else(|| named::gone("task", &id))?).await
}

async fn viewed(app: &App, task: Task) -> Result<TaskView, OperationError> {
    let short = Short::of(app.store(), &TASK, [task.id.as_str()]).await?;
    Ok(TaskView::of(task, &short))
}

async fn fallbacks(app: &App, task: &TaskView) -> Result<Vec<StageFallback>, OperationError> {
    let stages = runs::stages(app, &task.run).await?;
    let live = stages.into_iter().filter(|stage| !stage.superseded);
    let fallbacks = live.flat_map(|stage| {
        let fallbacks = stage.outcome.fallbacks().to_vec();
        fallbacks.into_iter().map(move |fallback| StageFallback {
            stage: stage.stage.clone(),
            what: fallback.what,
            why: fallback.why,
        })
    });
    Ok(fallbacks.collect())
}

impl TaskView {
    fn of(task: Task, short: &Short) -> Self {
        Self {
            short: short.show(&task.id).to_owned(),
            id: task.id,
            subject: task.subject,
            topic: task.topic,
            run: task.run,
            status: task.status,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

impl From<Draft> for DraftView {
    fn from(draft: Draft) -> Self {
        let (report, notes) = match serde_json::from_str::<Json>(&draft.report) {
            Ok(report) => {
                let notes = report["notes"].as_array().into_iter().flatten();
                let notes = notes.filter_map(|note| note.as_str().map(str::to_owned));
                let notes = notes.collect();
                (report, notes)
            }
            Err(error) => {
                let note = format!("the report of this draft cannot be read: {error}");
                (Json::Null, vec![note])
            }
        };
        Self {
            notes,
            report,
            id: draft.id,
            number: draft.number,
            title: draft.title,
            excerpt: draft.excerpt,
            markdown: draft.markdown,
            written_by: draft.written_by,
            created_at: draft.created_at,
        }
    }
}
