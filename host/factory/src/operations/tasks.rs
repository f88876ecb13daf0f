//! Tasks: content in the making, and the decisions of a person about it.

mod create;
mod edit;
mod picture;
mod view;

use std::collections::BTreeSet;

use callboard_core::app::App;
use callboard_core::operations::gates::{self, Decision, GateVerdict};
use callboard_core::operations::runs::StopRequest;
use callboard_core::operations::{
    Actor, ErrorKind, ListEntry, Newest, OperationError, named, runs,
};
use callboard_core::store::named::Short;
use callboard_core::store::timestamp;

use crate::markdown::pictures::{KEPT, shown};
use crate::media::{Media, PUT_BACK_OR_MAKE, absent, missing, names};
use crate::tables::TASK;
use crate::tables::tasks::{self, Task};
use crate::tables::transitions::{At, Happening, StoredWord};
use crate::tables::{drafts, media, sources};

pub use self::create::{Created, TaskRequest, create};
pub use self::edit::{Edit, diff, edit};
pub use self::picture::{Regenerated, WhichPicture, regen_image};
pub use self::view::{
    Cancelled, DiffView, DraftView, StageFallback, TaskDetails, TaskMoveView, TaskPicture,
    TaskSource, TaskView,
};
pub use crate::rails::aggregate::{RailRow, RailsReport};
pub use crate::tables::drafts::DraftOrigin;
pub use crate::tables::tasks::{TASKS, TaskEvent, TaskStatus};

/// A task whose gate was decided.
#[derive(Debug, Clone)]
pub struct DecidedTask {
    pub task: TaskView,
    /// The id of its run, which goes on by itself or with
    /// [`carry_out`](callboard_core::operations::runs::carry_out()).
    pub run: String,
}

/// The word of a status or an event.
pub fn word(of: impl StoredWord) -> &'static str {
    of.word()
}

/// The statuses of tasks, as they are written.
pub fn statuses() -> impl Iterator<Item = &'static str> {
    TaskStatus::ALL.iter().map(|status| status.word())
}

/// Tasks, newest first, of one status or of all; one that cannot be read is among them.
pub async fn list(
    app: &App,
    status: Option<&str>,
    limit: u32,
) -> Result<Newest<ListEntry<TaskView>>, OperationError> {
    let all = TaskStatus::ALL.iter().copied();
    let status = status.and_then(|name| all.clone().find(|status| status.word() == name));
    let asked = tasks::newest(status, Newest::<Task>::asked(limit));
    let all = app.store().entries("id", asked).await?;
    let all = Newest::of(all, limit);
    let ids = all.rows.iter().filter_map(ListEntry::known);
    let short = Short::of(app.store(), &TASK, ids.map(|task| task.id.as_str())).await?;
    let view = |entry: ListEntry<Task>| entry.map(|task| TaskView::of(task, &short));
    Ok(all.map(view))
}

/// The task that `wanted` names, with the text that is published once it is approved.
pub async fn show(app: &App, wanted: &str) -> Result<TaskDetails, OperationError> {
    let task = found(app, wanted).await?;
    let draft = drafts::numbered(&task.id, task.draft);
    let draft = app.store().read_first(draft).await?;
    let sources = app.store().read(sources::about(&task.subject)).await?;
    Ok(TaskDetails {
        fallbacks: fallbacks(app, &task).await?,
        pictures: pictures(app, draft.as_ref()).await?,
        sources: sources.into_iter().map(Into::into).collect(),
        draft: draft.map(Into::into),
        models: runs::models(app, &task.run).await?,
        task,
    })
}

/// The kept pictures that a draft shows, the one that stands for it first, each once.
async fn pictures(
    app: &App,
    draft: Option<&drafts::DraftVersion>,
) -> Result<Vec<TaskPicture>, OperationError> {
    let Some(draft) = draft else {
        return Ok(Vec::new());
    };
    // One that cannot be read is told where it is shown.
    let featured = draft.text().ok().and_then(|text| text.featured);
    let featured = featured.map(|image| (WhichPicture::Featured, image.src));
    let inline = shown(&draft.markdown).unwrap_or_default();
    let inline = (1..).zip(inline);
    let inline = inline.map(|(number, picture)| (WhichPicture::Inline(number), picture.src));
    let mut pictures: Vec<TaskPicture> = Vec::new();
    for (which, src) in featured.into_iter().chain(inline) {
        let name = src.strip_prefix(KEPT);
        let Some(name) = name.filter(|_| pictures.iter().all(|it| it.src != src)) else {
            continue;
        };
        let row = media::shown(name, &draft.task, which);
        let row = app.store().read_first(row).await?;
        pictures.extend(row.map(|row| TaskPicture::of(src.clone(), row)));
    }
    Ok(pictures)
}

/// All that happened to the task that `wanted` names, oldest first.
pub async fn history(app: &App, wanted: &str) -> Result<Vec<TaskMoveView>, OperationError> {
    let task = found(app, wanted).await?;
    let moves = app.store().read(tasks::history(&task.id)).await?;
    Ok(moves.into_iter().map(Into::into).collect())
}

/// Decide the gate that a task stands before. What is approved is its draft as it is now, unless
/// the verdict says which one was looked at; a newer one is not approved in its place.
pub async fn decide(
    app: &App,
    wanted: &str,
    mut verdict: GateVerdict,
) -> Result<DecidedTask, OperationError> {
    let task = found(app, wanted).await?;
    verdict.seen = verdict.seen.or((task.draft > 0).then_some(task.draft));
    if verdict.decision == Decision::Approved {
        has_its_pictures(app, &task).await?;
    }
    if let Some(run) = gates::decide_about(app, &task.id, verdict).await? {
        return Ok(DecidedTask { task, run });
    }
    let (short, status) = (&task.short, task.status.word());
    let problem = format!("task {short} stands before no gate; it is {status}");
    Err(OperationError::usage(problem))
}

/// Refuse what `publish.post` would not publish, while the task can still be edited.
async fn has_its_pictures(app: &App, task: &TaskView) -> Result<(), OperationError> {
    let draft = drafts::numbered(&task.id, task.draft);
    let draft = app.store().read_first(draft).await?;
    // One that is not there, or cannot be read, is refused where it is approved or published.
    let Some(text) = draft.and_then(|draft| draft.text().ok()) else {
        return Ok(());
    };
    let names = names(&text.markdown, text.featured.as_ref());
    let names: BTreeSet<_> = names.into_iter().collect();
    if names.is_empty() {
        return Ok(());
    }
    let absent = absent(Media::of(app).await?.as_ref(), &names).await?;
    missing(&absent, names.len()).map_or(Ok(()), |problem| {
        let problem = format!("draft {} of task {}: {problem}", task.draft, task.short);
        Err(OperationError::new(ErrorKind::Unavailable, problem).mend(PUT_BACK_OR_MAKE))
    })
}

/// Have the run of a task go on again, from a stage or from what ended it. Gives the run's id.
pub async fn retry(
    app: &App,
    wanted: &str,
    from: Option<&str>,
    by: &Actor,
) -> Result<String, OperationError> {
    let task = found(app, wanted).await?;
    if task.status == TaskStatus::Published {
        let problem = format!(
            "task {} is published, and nothing of it is made anew",
            task.short
        );
        let error = OperationError::usage(problem);
        if runs::show(app, &task.run).await.is_err() {
            return Err(error);
        }
        let mend = format!(
            "what its run does behind the post is repeated by `callboard runs retry {} --from STAGE`",
            task.run
        );
        return Err(error.mend(mend));
    }
    if runs::pipeline_of(app, &task.run).await?.is_none() {
        return Err(removed(app, &task).await?);
    }
    let (run, _) = runs::retry(app, &task.run, from, by).await?;
    Ok(run)
}

/// The error of a task whose run was removed, and its input with it.
async fn removed(app: &App, task: &TaskView) -> Result<OperationError, OperationError> {
    let short = &task.short;
    let row = app.store().read_first(tasks::by_id(&task.id)).await?;
    let Task {
        pipeline, asked, ..
    } = row.ok_or_else(|| named::gone("task", &task.id))?;
    let problem = format!(
        "the run of task {short} was removed from the history, and its input with it: nothing of it \
        can go on"
    );
    let mend = match &task.key {
        Some(key) => format!(
            "have a new run make it: `callboard tasks create` with the topic and the input as they \
            were, and `--pipeline {pipeline} --key {key} --anew`"
        ),
        None if asked.is_empty() => format!(
            "`callboard run {pipeline}` with the same input takes the task up, if it comes to its subject"
        ),
        None => format!(
            "ask for another one: `callboard tasks create` with the topic, and `--pipeline {pipeline}`"
        ),
    };
    Ok(OperationError::usage(problem).mend(mend))
}

/// End a task, with its run if that goes on.
pub async fn cancel(app: &App, wanted: &str, by: &Actor) -> Result<Cancelled, OperationError> {
    let task = found(app, wanted).await?;
    let (id, short) = (task.id.as_str(), &task.short);
    let mut asked = false;
    if runs::is_open(app, &task.run).await? {
        let steered = runs::cancel(app, &task.run, by).await?;
        asked = steered.asked == Some(StopRequest::Cancel);
    } else {
        let happening = Happening {
            event: TaskEvent::Cancel,
            who: &by.name,
            detail: &by.reason,
            at: At::Moment(timestamp(now())),
        };
        if !moved(app, id, &happening).await? {
            let status = task.status.word();
            let problem = format!("task {short} is {status}, and cannot be cancelled");
            return Err(OperationError::usage(problem));
        }
    }
    let task = found(app, id).await?;
    Ok(Cancelled { task, asked })
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Move a task by itself; says whether it could be.
async fn moved(
    app: &App,
    id: &str,
    happening: &Happening<'_, TaskEvent>,
) -> Result<bool, OperationError> {
    let [step, note] = tasks::step(id, happening, &[]);
    let moved = app.store().write(move |transaction| {
        Box::pin(async move {
            let moved = transaction.execute(step).await? == 1;
            transaction.execute(note).await?;
            Ok(moved)
        })
    });
    Ok(moved.await?)
}

/// The task that a run makes, if there is one.
pub async fn of_run(app: &App, run: &str) -> Result<Option<TaskView>, OperationError> {
    match app.store().read_first(tasks::made_by(run)).await? {
        Some(task) => Ok(Some(viewed(app, task).await?)),
        None => Ok(None),
    }
}

/// The task of an id, if there is one.
pub async fn by_id(app: &App, id: &str) -> Result<Option<TaskView>, OperationError> {
    match app.store().read_first(tasks::by_id(id)).await? {
        Some(task) => Ok(Some(viewed(app, task).await?)),
        None => Ok(None),
    }
}

/// The task that is named.
async fn found(app: &App, wanted: &str) -> Result<TaskView, OperationError> {
    let id = named::key(app.store(), &TASK, wanted).await?;
    let task = app.store().read_first(tasks::by_id(&id)).await?;
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
