//! The engine: carries runs out, durably.
//!
//! A run is claimed with a lease, its next stage is found from its checkpoints
//! ([`plan`]), executed ([`stage`]), and recorded ([`checkpoint`]): the stage's outcome, its
//! deferred writes and what becomes of the run commit in one transaction. After a crash the
//! lease runs out, another claim finds the same checkpoints, and the run goes on from there.

mod checkpoint;
pub mod gate;
pub mod plan;
pub mod schedule;
mod stage;
pub mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use self::plan::Next;
use crate::grants::Grants;
use crate::handler::Resources;
use crate::outcome::Patch;
use crate::pipeline::Pipeline;
use crate::registry::Registry;
use crate::settings::Snapshot;
use crate::store::runs::{self, Claim, Run, RunStatus};
use crate::store::{Store, StoreError, stage_runs};

/// Everything a run of one revision needs: definitions, handlers, and what they may reach.
pub struct LineUp {
    pub revision: i64,
    pub pipelines: BTreeMap<String, Arc<Pipeline>>,
    pub registry: Arc<Registry>,
    /// What each plugin may do; its deferred writes run under it.
    pub grants: BTreeMap<String, Grants>,
    pub settings: Arc<Snapshot>,
    pub resources: Arc<dyn Resources>,
}

/// Finds the line-up of a revision, so that a run in flight stays on the one it began with.
pub trait LineUps: Send + Sync {
    fn at(&self, revision: i64) -> BoxFuture<'_, Result<Arc<LineUp>, EngineError>>;
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("revision {revision} does not load: {problem}")]
    Revision { revision: i64, problem: String },
    #[error("there is no pipeline `{0}`; `callboard pipelines list` names them")]
    NoPipeline(String),
    #[error("input `{0}` is missing; pass `--input {0}=VALUE`")]
    MissingInput(String),
    #[error("pipeline `{pipeline}` has no input `{key}`; it takes {known}")]
    UnknownInput {
        pipeline: String,
        key: String,
        known: String,
    },
    #[error("run {0} is in the hands of another worker, or has ended")]
    NotClaimable(String),
}

/// Tells whoever watches what a run does, as it does it.
pub trait Watcher: Send + Sync {
    fn stage_started(&self, _run: &Run, _stage: &str, _handler: &str) {}
    fn stage_ended(&self, _run: &Run, _row: &stage_runs::StageRun) {}
    fn attempt_failed(&self, _run: &Run, _stage: &str, _detail: &str, _pause: Duration) {}
}

/// Watches nothing.
pub struct Unwatched;
impl Watcher for Unwatched {}

/// Carries runs out.
#[derive(Clone)]
pub struct Engine {
    pub store: Store,
    pub line_ups: Arc<dyn LineUps>,
    pub watcher: Arc<dyn Watcher>,
}

impl Engine {
    /// Queue a run of `pipeline` on a line-up. Input keys are checked and defaults filled in.
    pub async fn queue(
        &self,
        line_up: &LineUp,
        pipeline: &str,
        input: Patch,
    ) -> Result<Run, EngineError> {
        let run = new_run(line_up, pipeline, input)?;
        self.store.execute(runs::insert(&run)?).await?;
        Ok(run)
    }

    /// Carry out a queued, waiting or abandoned run as far as it goes now.
    pub async fn carry_out(&self, run: &str) -> Result<Run, EngineError> {
        let claim = runs::claim(&self.store, Some(run)).await?;
        let claim = claim.ok_or_else(|| EngineError::NotClaimable(run.to_owned()))?;
        self.advance(claim).await
    }

    /// Execute stage after stage until the run ends, waits or stands before a gate.
    pub async fn advance(&self, mut claim: Claim) -> Result<Run, EngineError> {
        let line_up = self.line_ups.at(claim.run.revision).await?;
        let pipeline = line_up.pipelines.get(&claim.run.pipeline).cloned();
        let pipeline =
            pipeline.ok_or_else(|| EngineError::NoPipeline(claim.run.pipeline.clone()))?;
        let heartbeat = tokio::spawn(keep_lease(self.store.clone(), claim.clone()));
        let _stop = AbortOnDrop(heartbeat);
        loop {
            let rows = stage_runs::of_run(&self.store, &claim.run.id).await?;
            let step = match plan::next(&pipeline, &rows) {
                Next::Ended(end) => checkpoint::finish(self, &claim, end).await?,
                Next::Gate(stage) => checkpoint::open_gate(self, &claim, stage, &rows).await?,
                Next::Stage(stage) => {
                    let work = stage::Work {
                        engine: self,
                        line_up: &line_up,
                        pipeline: &pipeline,
                    };
                    work.execute(&claim, stage, &rows).await?
                }
            };
            claim.run = step;
            if claim.run.status != RunStatus::Running {
                return Ok(claim.run);
            }
        }
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Renew the lease until it is lost. Whoever lost it learns so at the next checkpoint.
async fn keep_lease(store: Store, claim: Claim) {
    let mut ticks = tokio::time::interval(runs::LEASE / 3);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        match runs::heartbeat(&store, &claim).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(run = claim.run.id, %error, "heartbeat failed"),
        }
    }
}

/// A run that is not stored yet.
pub fn new_run(line_up: &LineUp, pipeline: &str, input: Patch) -> Result<Run, EngineError> {
    let definition = line_up.pipelines.get(pipeline);
    let definition = definition.ok_or_else(|| EngineError::NoPipeline(pipeline.to_owned()))?;
    let now = Timestamp::now();
    Ok(Run {
        id: uuid::Uuid::now_v7().to_string(),
        pipeline: pipeline.to_owned(),
        revision: line_up.revision,
        status: RunStatus::Queued,
        detail: String::new(),
        input: complete_input(definition, input)?,
        settings: line_up.settings.digest(),
        created_at: now,
        wake_at: now,
        spent: Duration::ZERO,
        finished_at: None,
    })
}

fn complete_input(pipeline: &Pipeline, mut input: Patch) -> Result<Patch, EngineError> {
    if let Some(key) = input.keys().find(|key| !pipeline.input.contains_key(*key)) {
        let known: Vec<_> = pipeline
            .input
            .keys()
            .map(|known| format!("`{known}`"))
            .collect();
        return Err(EngineError::UnknownInput {
            pipeline: pipeline.name().to_owned(),
            key: key.clone(),
            known: if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            },
        });
    }
    for (key, declared) in &pipeline.input {
        if input.contains_key(key) {
            continue;
        }
        match &declared.default {
            Some(default) => {
                input.insert(key.clone(), default.clone());
            }
            None if declared.required => return Err(EngineError::MissingInput(key.clone())),
            None => {}
        }
    }
    Ok(input)
}
