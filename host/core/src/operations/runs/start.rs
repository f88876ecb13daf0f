//! Runs that begin: of a pipeline, or as forks of others.

use std::path::Path;
use std::sync::Arc;

use super::{RunView, viewed};
use crate::app::App;
use crate::engine::operate::{self, Actor};
use crate::engine::{RunnableRevision, Unwatched, new_run};
use crate::operations::{OperationError, named};
use crate::outcome::Patch;
use crate::store::runs::{self, RunOrigin};
use crate::value::Statement;

/// A run to start.
#[derive(Debug)]
pub struct Start<'a> {
    pub pipeline: &'a str,
    pub input: Patch,
    /// The folder at which relative paths of the input begin.
    pub folder: &'a Path,
}

/// Queue a run of a pipeline of the active revision. A worker takes it, or
/// [`carry_out`](super::carry_out()).
pub async fn start(app: &App, start: Start<'_>) -> Result<RunView, OperationError> {
    start_with(app, start, |_| Vec::new()).await
}

/// The same in one commit with what a tenant writes about the run, whose id it is told: both are
/// there, or neither.
pub async fn start_with(
    app: &App,
    start: Start<'_>,
    writes: impl FnOnce(&str) -> Vec<Statement>,
) -> Result<RunView, OperationError> {
    let runnable = app.runnable().await?;
    let (pipeline, mut input) = (start.pipeline, start.input);
    if !runnable.pipelines.contains_key(pipeline) {
        let known = runnable.pipelines.keys().map(String::as_str);
        let list = "callboard pipelines list";
        return Err(named::unknown("pipeline", pipeline, known, list));
    }
    settle_paths(&runnable, pipeline, &mut input, start.folder);
    let engine = app.engine(Arc::new(Unwatched));
    let run = new_run(&runnable, pipeline, input, RunOrigin::Cli)?;
    let writes = writes(&run.id);
    let run = engine.queue_with(run, writes).await?;
    Ok(viewed(app.store(), run).await?)
}

/// A key of its input in which a run differs from one that `start` would begin, if there is one. A run that
/// is gone differs in none, and neither does a key that is left to its default.
pub async fn differs(
    app: &App,
    run: &str,
    start: Start<'_>,
) -> Result<Option<String>, OperationError> {
    let Some(run) = runs::by_id(app.store(), run).await? else {
        return Ok(None);
    };
    let runnable = app.runnable().await?;
    let mut input = start.input;
    settle_paths(&runnable, start.pipeline, &mut input, start.folder);
    let mut said = input.into_iter();
    let other = said.find(|(key, value)| run.input.get(key) != Some(value));
    Ok(other.map(|(key, _)| key))
}

/// Queue a run that begins at the stage `from` of another one, with the checkpoints before it and
/// keys of its input changed. Gives the new run, and the id of the other.
pub async fn fork(
    app: &App,
    wanted: &str,
    from: &str,
    (mut input, folder): (Patch, &Path),
    by: &Actor,
) -> Result<(RunView, String), OperationError> {
    let found = named::run(app.store(), wanted).await?;
    let runnable = app.runnable().await?;
    settle_paths(&runnable, &found.pipeline, &mut input, folder);
    let engine = app.engine(Arc::new(Unwatched));
    let fork = operate::fork::fork(&engine, &found, from, input, by).await?;
    Ok((viewed(app.store(), fork).await?, found.id))
}

fn settle_paths(runnable: &RunnableRevision, pipeline: &str, input: &mut Patch, folder: &Path) {
    if let Some(definition) = runnable.pipelines.get(pipeline) {
        runnable.registry.settle_paths(definition, input, folder);
    }
}
