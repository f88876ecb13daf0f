//! Fork a run: the same beginning, another end.

use super::{Actor, StoredRun};
use crate::engine::{Engine, EngineError, new_run, plan};
use crate::outcome::Patch;
use crate::pipeline::Stage;
use crate::store::runs::{Run, RunOrigin};
use crate::store::steering::{self, table::Signal};

/// Queue a new run on the same revision that begins at a stage: what does not come after it
/// counts as in the other run, with its gates decided. `input` changes keys of the other run's
/// input. The other run is left alone.
pub async fn fork(
    engine: &Engine,
    run: &Run,
    from: &str,
    input: Patch,
    by: &Actor,
) -> Result<Run, EngineError> {
    let stored = StoredRun::of(engine, run).await?;
    stored.takes(Signal::Fork)?;
    let (runnable, pipeline) = stored.pipeline(engine).await?;
    let behind = stored.can_begin_at(&pipeline, from)?;
    let mut keys = stored.run.input.clone();
    keys.extend(input);
    let origin = RunOrigin::Fork(run.id.clone());
    let mut fork = new_run(&runnable, &run.pipeline, keys, origin)?;
    fork.detail = by.detail(&format!("forked from `{from}`"));
    let copied = pipeline.stages.iter().map(Stage::id);
    let copied = copied.filter(|stage| !behind.contains(*stage));
    let copies = steering::fork::ForkPlan {
        run: fork.clone(),
        of: run.id.clone(),
        newest: plan::newest(&stored.rows),
        stages: copied.map(str::to_owned).collect(),
    };
    steering::fork::fork(&engine.store, copies).await?;
    engine.store.wake().await;
    Ok(fork)
}
