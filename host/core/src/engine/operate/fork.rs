//! Fork a run: the same beginning, another end.

use super::{By, Scene};
use crate::engine::{Engine, EngineError, new_run, plan};
use crate::outcome::Patch;
use crate::pipeline::Stage;
use crate::store::runs::{Origin, Run};
use crate::store::steering::{self, table::Signal};

/// Queue a new run on the same revision that begins at a stage: what does not come after it
/// counts as in the other run, with its gates decided. `input` changes keys of the other run's
/// input. The other run is left alone.
pub async fn fork(
    engine: &Engine,
    run: &Run,
    from: &str,
    input: Patch,
    by: &By,
) -> Result<Run, EngineError> {
    let scene = Scene::of(engine, run).await?;
    scene.takes(Signal::Fork)?;
    let (line_up, pipeline) = scene.pipeline(engine).await?;
    let behind = scene.can_begin_at(&pipeline, from)?;
    let mut keys = scene.run.input.clone();
    keys.extend(input);
    let origin = Origin::Fork(run.id.clone());
    let mut fork = new_run(&line_up, &run.pipeline, keys, origin)?;
    fork.detail = by.detail(&format!("forked from `{from}`"));
    let copied = pipeline.stages.iter().map(Stage::id);
    let copied = copied.filter(|stage| !behind.contains(*stage));
    let copies = steering::fork::Fork {
        run: fork.clone(),
        of: run.id.clone(),
        newest: plan::newest(&scene.rows),
        stages: copied.map(str::to_owned).collect(),
    };
    steering::fork::fork(&engine.store, copies).await?;
    engine.store.wake().await;
    Ok(fork)
}
