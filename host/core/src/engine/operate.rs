//! What a person does to runs: cancel, pause, resume, and, below, have a part done again, fork
//! one, or move one to another revision.

pub mod fork;
pub mod migrate;
pub mod retry;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Engine, EngineError, RunnableRevision, listed, plan};
use crate::pipeline::{Pipeline, Stage};
use crate::store::Store;
use crate::store::history;
use crate::store::holders::{self, Holder};
use crate::store::leases::StopRequest;
use crate::store::runs::{self, Run};
use crate::store::stage_runs::{self, StageRun};
use crate::store::steering::table::{self, RunState, Signal};
use crate::store::steering::{self, RunVersion, SteerRefusal, SteerResult, Steered, StopReason};

/// Who steers a run, and why.
#[derive(Debug, Clone)]
pub struct Actor {
    pub name: String,
    pub reason: String,
}

impl Actor {
    fn stops(&self, what: &str) -> StopReason {
        StopReason {
            by: self.name.clone(),
            detail: self.detail(what),
        }
    }

    fn detail(&self, what: &str) -> String {
        let reason = if self.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", self.reason)
        };
        format!("{what} by {}{reason}", self.name)
    }
}

/// End a run as cancelled. One under way is told, and ends in a moment; what its stages have
/// in hand is not kept.
pub async fn cancel(store: &Store, run: &Run, by: &Actor) -> Result<Steered, EngineError> {
    end(store, &run.id, by).await
}

/// The same for a run whose row cannot be read.
pub async fn cancel_unread(store: &Store, run: &str, by: &Actor) -> Result<Steered, EngineError> {
    end(store, run, by).await
}

async fn end(store: &Store, run: &str, by: &Actor) -> Result<Steered, EngineError> {
    let refused = |problem| EngineError::Refused {
        run: run.to_owned(),
        problem,
    };
    let reason = by.stops("cancelled");
    let answer = match steering::stop(store, run, StopRequest::Cancel, reason).await {
        Err(_) if history::is_orphaned(store, run).await? => {
            let problem = "belongs to a revision that is not in the database, and cannot be kept \
                without it; put a backup back that has it, or remove the run with";
            return Err(refused(format!("{problem} `callboard runs prune {run}`")));
        }
        answer => answer?,
    };
    store.wake().await;
    answer.map_err(|refusal| refused(refusal.to_string()))
}

/// Stop a run for a while. Stages under way come to their checkpoints first.
pub async fn pause(store: &Store, run: &Run, by: &Actor) -> Result<Steered, EngineError> {
    let reason = by.stops("paused");
    let answer = steering::stop(store, &run.id, StopRequest::Pause, reason).await?;
    taken(store, run, answer).await
}

/// Queue a run that is paused, blocked or waiting, or whose worker fell silent, for it to go on
/// now. One that is asked to pause goes on as if it had not been asked.
pub async fn resume(store: &Store, run: &Run, by: &Actor) -> Result<Steered, EngineError> {
    let answer = steering::resume(store, &run.id, by.detail("resumed")).await?;
    if answer == Err(SteerRefusal::Held)
        && let Some(holder) = holders::of(store, &run.id).await?
    {
        return Err(refused(run, held(run, &holder)));
    }
    taken(store, run, answer).await
}

/// Why a run cannot be taken from its worker, and until when.
fn held(run: &Run, holder: &Holder) -> String {
    let worker = holder.worker.as_deref().unwrap_or("of no name");
    let until = holder.lease_until.map_or_else(String::new, |until| {
        let until = until.strftime("%Y-%m-%d %H:%M:%S");
        format!("; if that worker is dead, resume the run after {until} UTC")
    });
    let id = &run.id;
    format!("is in the hands of worker {worker}; follow it with `callboard runs tail {id}`{until}")
}

/// What came of a signal; a refusal names the run.
async fn taken(store: &Store, run: &Run, answer: SteerResult) -> Result<Steered, EngineError> {
    let steered = answer.map_err(|refusal| refused(run, refusal.to_string()))?;
    store.wake().await;
    Ok(steered)
}

fn refused(run: &Run, problem: impl Into<String>) -> EngineError {
    EngineError::Refused {
        run: run.id.clone(),
        problem: problem.into(),
    }
}

/// A run with all that counts when its course is changed.
struct StoredRun {
    run: Run,
    holder: Holder,
    rows: Vec<StageRun>,
}

impl StoredRun {
    /// The run as it stands now.
    async fn of(engine: &Engine, run: &Run) -> Result<Self, EngineError> {
        let gone = || refused(run, "is gone");
        let store = &engine.store;
        // The holder first: what changes after that is noticed by its fence.
        let holder = holders::of(store, &run.id).await?.ok_or_else(gone)?;
        Ok(Self {
            rows: stage_runs::of_run(store, &run.id).await?,
            run: runs::by_id(store, &run.id).await?.ok_or_else(gone)?,
            holder,
        })
    }

    /// Whether the run takes a signal as it stands; asked again when it comes.
    fn takes(&self, signal: Signal) -> Result<(), EngineError> {
        let holder = &self.holder;
        let state = RunState::of(
            self.run.status,
            holder.told.stop_request,
            holder.lease_until.is_some(),
        );
        let answer = table::answer(signal, state);
        answer.map_err(|refusal| refused(&self.run, refusal.to_string()))?;
        Ok(())
    }

    fn seen(&self) -> RunVersion {
        RunVersion {
            fence: self.holder.fence,
            signals: self.holder.told.signals,
        }
    }

    /// Its pipeline, on the revision it is pinned to.
    async fn pipeline(
        &self,
        engine: &Engine,
    ) -> Result<(Arc<RunnableRevision>, Arc<Pipeline>), EngineError> {
        let runnable = engine.runnables.at(self.run.revision, None).await?;
        let pipeline = pipeline_of(&runnable, &self.run)?;
        Ok((runnable, pipeline))
    }

    fn settled(&self, stage: &str) -> bool {
        plan::live(&self.rows).any(|row| row.stage == stage && !row.is_held())
    }

    /// The stages that ended the run.
    fn ends(&self) -> impl Iterator<Item = &str> {
        let ends = plan::live(&self.rows).filter(|row| plan::ended_by(row).is_some());
        ends.map(|row| row.stage.as_str())
    }

    /// Whether the run can go on from a stage: what it needs has ended well, and what ended
    /// the run is not left as it is.
    fn can_begin_at(
        &self,
        pipeline: &Pipeline,
        from: &str,
    ) -> Result<BTreeSet<String>, EngineError> {
        let stage = stage_of(pipeline, from)?;
        if let Some(need) = stage.needed().find(|need| !self.settled(need)) {
            let problem = format!("did not come to `{from}`; it needs `{need}` first");
            return Err(refused(&self.run, problem));
        }
        let behind = pipeline.downstream(from);
        if let Some(end) = self.ends().find(|end| !behind.contains(*end)) {
            let problem = format!(
                "was ended by `{end}`, which does not come after `{from}`; \
                 name `{end}` or a stage before it"
            );
            return Err(refused(&self.run, problem));
        }
        Ok(behind)
    }
}

fn pipeline_of(runnable: &RunnableRevision, run: &Run) -> Result<Arc<Pipeline>, EngineError> {
    let pipeline = runnable.pipelines.get(&run.pipeline);
    let missing = || EngineError::NoPipeline(run.pipeline.clone());
    Ok(Arc::clone(pipeline.ok_or_else(missing)?))
}

/// The stage of an id.
pub fn stage_of<'p>(pipeline: &'p Pipeline, id: &str) -> Result<&'p Stage, EngineError> {
    pipeline.stage(id).ok_or_else(|| EngineError::NoStage {
        pipeline: pipeline.name().to_owned(),
        stage: id.to_owned(),
        known: listed(&pipeline.stages.iter().map(Stage::id).collect::<Vec<_>>()),
    })
}
