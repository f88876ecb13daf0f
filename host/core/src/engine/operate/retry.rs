//! Have a part of a run done again.

use std::collections::BTreeSet;

use super::{Actor, StoredRun, refused, taken};
use crate::engine::{Engine, EngineError, listed, plan};
use crate::pipeline::Pipeline;
use crate::store::runs::{Run, RunStatus};
use crate::store::steering::{self, table::Signal};

/// Let a run go on again from a stage; without one, from those that ended or hold it. What comes
/// before is not repeated. Gives the stages it goes on from; none, if it goes on where it stood.
///
/// It gets a fresh budget, the settings as they stand now and, for loops, all visits again:
/// a person has looked at it and mended something.
pub async fn retry(
    engine: &Engine,
    run: &Run,
    from: Option<&str>,
    by: &Actor,
) -> Result<Vec<String>, EngineError> {
    let stored = StoredRun::of(engine, run).await?;
    stored.takes(Signal::Retry)?;
    let (_, pipeline) = stored.pipeline(engine).await?;
    let stages = match from {
        Some(stage) => vec![stage.to_owned()],
        None => by_default(&stored)?,
    };
    let superseded = behind(&stored, &pipeline, &stages)?;
    let what = match stages.as_slice() {
        [] => "sent on".to_owned(),
        stages => format!("sent on from {}", listed(stages)),
    };
    let retry = steering::retry::RetryPlan {
        run: run.id.clone(),
        seen: stored.seen(),
        superseded: superseded.into_iter().collect(),
        detail: by.detail(&what),
    };
    let answer = steering::retry::retry(&engine.store, retry).await?;
    taken(&engine.store, run, answer).await?;
    Ok(stages)
}

/// The stages that ended the run, or hold it. A cancelled one goes on where it stood.
fn by_default(stored: &StoredRun) -> Result<Vec<String>, EngineError> {
    let run = &stored.run;
    if matches!(run.status, RunStatus::Done | RunStatus::NothingToDo) {
        let problem = format!("ended as {}; name the stage with `--from`", run.status);
        return Err(refused(run, problem));
    }
    let held = plan::live(&stored.rows).filter(|row| row.is_held());
    let held = held.map(|row| row.stage.as_str());
    let stages: BTreeSet<&str> = stored.ends().chain(held).collect();
    if stages.is_empty() && run.status != RunStatus::Cancelled {
        let problem = "was stopped by no stage of its own; name one with `--from`, \
            or let it go on with `callboard runs resume`";
        return Err(refused(run, problem));
    }
    Ok(stages.into_iter().map(str::to_owned).collect())
}

/// All that is visited anew.
fn behind(
    stored: &StoredRun,
    pipeline: &Pipeline,
    stages: &[String],
) -> Result<BTreeSet<String>, EngineError> {
    if let [from] = stages {
        return stored.can_begin_at(pipeline, from);
    }
    let behind = stages.iter().map(|stage| pipeline.downstream(stage));
    Ok(behind.flatten().collect())
}
