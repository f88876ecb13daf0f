//! A task that a person asks for: it is there before its run begins, once a key.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value as Json;

use callboard_core::app::App;
use callboard_core::operations::{OperationError, runs};
use callboard_core::outcome::Patch;

use super::{TaskView, viewed};
use crate::diary::id::derived;
use crate::tables::tasks::{self, NewTask, TASKS, Task, TaskEvent};
use crate::tables::transitions::{At, Happening, StoredWord as _};

/// The key of a pipeline's input that says what is asked for, if the pipeline takes it.
const TOPIC: &str = "topic";

/// What is asked for.
#[derive(Debug)]
pub struct TaskRequest<'a> {
    pub topic: &'a str,
    pub pipeline: &'a str,
    /// The input of its run.
    pub input: Patch,
    /// The folder at which relative paths of the input begin.
    pub folder: &'a Path,
    /// What whoever asks calls it, so that asking twice makes one.
    pub key: Option<&'a str>,
    /// Whether what was asked for before, and ended, is made by a new run if its own is gone.
    pub anew: bool,
    /// Who asks.
    pub by: &'a str,
}

/// A task that was asked for.
#[derive(Debug, Clone)]
pub struct Created {
    pub task: TaskView,
    /// Whether it was asked for before.
    pub was_there: bool,
    /// Whether its pipeline takes the topic. Otherwise it is what the task is called until it has
    /// a draft, and no more.
    pub takes_topic: bool,
}

/// Make a task and queue its run, in one commit. The same key gives the same task again.
pub async fn create(app: &App, asked: TaskRequest<'_>) -> Result<Created, OperationError> {
    if asked.topic.trim().is_empty() {
        return Err(OperationError::usage("a task without a topic is none"));
    }
    let takes_topic = takes_topic(app, asked.pipeline).await?;
    if let Some(there) = there(app, &asked, takes_topic).await? {
        if !asked.anew {
            return Ok(there);
        }
        let before = there.task.run.clone();
        begins_anew(app, &there.task).await?;
        let begun = begin(app, &asked, takes_topic, Some(&there.task.id)).await;
        // Somebody else had it begun in the same moment.
        let by_another = begun.is_err() && again_in_hand(app, &there.task.id, &before).await?;
        return match begun {
            Err(_) if by_another => Ok(Created {
                task: super::show(app, &there.task.id).await?.task,
                ..there
            }),
            begun => begun,
        };
    }
    match begin(app, &asked, takes_topic, None).await {
        // Somebody else asked for it in the same moment.
        Err(error) => match there(app, &asked, takes_topic).await? {
            Some(there) => Ok(there),
            None => Err(error),
        },
        begun => begun,
    }
}

/// Why a task is not to be made by another run, if it is not: its own may go on.
async fn begins_anew(app: &App, task: &TaskView) -> Result<(), OperationError> {
    let (short, status) = (&task.short, task.status.word());
    let refused = |why: String, mend: String| Err(OperationError::usage(why).mend(mend));
    if TASKS.to(Some(task.status), TaskEvent::Resume).is_none() {
        let why = format!("task {short} is {status}, and is not made anew");
        return refused(why, format!("callboard tasks show {short}"));
    }
    if runs::pipeline_of(app, &task.run).await?.is_some() {
        let why = format!("task {short} is {status}, and its run is there: that goes on again");
        return refused(why, format!("callboard tasks retry {short}"));
    }
    Ok(())
}

/// Whether a task has another run than it had.
async fn again_in_hand(app: &App, id: &str, before: &str) -> Result<bool, OperationError> {
    let task = app.store().read_first(tasks::by_id(id)).await?;
    Ok(task.is_some_and(|task| task.run != before))
}

/// Queue a run with its task: a new one, or one that is there and whose run is not.
async fn begin(
    app: &App,
    asked: &TaskRequest<'_>,
    takes_topic: bool,
    again: Option<&str>,
) -> Result<Created, OperationError> {
    let mut input = asked.input.clone();
    if takes_topic {
        let topic = Json::from(asked.topic);
        let said = input.insert(TOPIC.to_owned(), topic.clone());
        if said.is_some_and(|said| said != topic) {
            let problem = "input `topic` says something else than the topic";
            return Err(OperationError::usage(problem).mend("leave it out of the input"));
        }
    }
    let start = runs::Start {
        pipeline: asked.pipeline,
        input,
        folder: asked.folder,
    };
    let run = runs::start_with(app, start, |run| {
        let id = id_of(run);
        let happening = Happening {
            event: again.map_or(TaskEvent::Create, |_| TaskEvent::Resume),
            who: asked.by,
            detail: "",
            at: At::Moment(Timestamp::now()),
        };
        if let Some(again) = again {
            let [moved, noted] = tasks::step(again, &happening, &[("run", run.into())]);
            return vec![moved.exactly(1), noted];
        }
        let new = NewTask {
            id: &id,
            key: asked.key,
            subject: &format!("task:{id}"),
            asked: asked.topic,
            topic: asked.topic,
            run,
            pipeline: asked.pipeline,
            draft: 0,
        };
        tasks::insert(&new, &happening).into()
    });
    let run = run.await?.id;
    let id = again.map_or_else(|| id_of(&run), str::to_owned);
    let task = app.store().read_first(tasks::by_id(&id)).await?;
    let task = task.ok_or_else(|| OperationError::failed(format!("task {id} was not kept")))?;
    Ok(Created {
        task: viewed(app, task).await?,
        was_there: false,
        takes_topic,
    })
}

fn id_of(run: &str) -> String {
    derived(&["task", run])
}

/// The task that was asked for under the same key. It has to be the same that is asked for now.
async fn there(
    app: &App,
    asked: &TaskRequest<'_>,
    takes_topic: bool,
) -> Result<Option<Created>, OperationError> {
    let Some(key) = asked.key else {
        return Ok(None);
    };
    let Some(task) = app.store().read_first(tasks::by_key(key)).await? else {
        return Ok(None);
    };
    let view = viewed(app, task.clone()).await?;
    is_the_same(app, (&task, &view.short), asked).await?;
    Ok(Some(Created {
        task: view,
        was_there: true,
        takes_topic,
    }))
}

async fn is_the_same(
    app: &App,
    (task, short): (&Task, &str),
    asked: &TaskRequest<'_>,
) -> Result<(), OperationError> {
    let key = asked.key.unwrap_or_default();
    let other = |what: &str, was: &str, is: &str| {
        let problem =
            format!("key `{key}` is that of task {short}, whose {what} is `{was}`, not `{is}`");
        Err(OperationError::usage(problem).mend("choose another key for another task"))
    };
    if task.asked != asked.topic {
        return other("topic", &task.asked, asked.topic);
    }
    if task.pipeline != asked.pipeline {
        return other("pipeline", &task.pipeline, asked.pipeline);
    }
    let start = runs::Start {
        pipeline: asked.pipeline,
        input: asked.input.clone(),
        folder: asked.folder,
    };
    match runs::differs(app, &task.run, start).await? {
        Some(name) => {
            let problem = format!(
                "key `{key}` is that of task {short}, which was asked for with another `{name}`"
            );
            Err(OperationError::usage(problem).mend("choose another key for another task"))
        }
        None => Ok(()),
    }
}

async fn takes_topic(app: &App, pipeline: &str) -> Result<bool, OperationError> {
    let runnable = app.runnable().await?;
    let pipeline = runnable.pipelines.get(pipeline);
    Ok(pipeline.is_some_and(|pipeline| pipeline.input.contains_key(TOPIC)))
}
