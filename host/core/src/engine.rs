//! The engine: carries runs out, durably.
//!
//! An [`Executor`](executor::Executor) hands out a run under a lease. What it does next is
//! found from its checkpoints ([`plan`]); stages are executed side by side ([`stage`]), and
//! what came of each is kept ([`checkpoint`]): the outcome, the deferred writes and what
//! becomes of the run commit in one transaction. After a crash the lease runs out, another
//! claim finds the same checkpoints, and the run goes on from there.

mod advance;
mod checkpoint;
mod clock;
mod concerns;
mod damage;
pub mod executor;
pub mod gate;
mod heard;
mod held_leases;
pub mod ledger;
pub mod local;
pub mod operate;
pub mod plan;
mod progress_log;
pub mod schedule;
mod settle;
mod stage;
pub mod worker;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use self::clock::DatabaseClock;
pub use self::clock::after;
use self::executor::Executor;
use self::held_leases::HeldLeases;
use self::local::Local;
use crate::bounded;
use crate::config::EngineRules;
use crate::fault;
use crate::handler::Resources;
use crate::outcome::Patch;
use crate::pipeline::Pipeline;
use crate::registry::Registry;
use crate::rollcall::Reference;
use crate::settings::Snapshot;
use crate::store::granted::DeferredWriter;
pub use crate::store::runs::Run;
use crate::store::runs::{self, RunLimits, RunOrigin, RunStatus};
pub use crate::store::stage_runs::StageRun;
use crate::store::{Store, StoreError, StoreErrorKind, storable};
use crate::value::Statement;

/// Everything a run of one revision needs: definitions, handlers, and what they may reach.
pub struct RunnableRevision {
    pub revision: i64,
    pub pipelines: BTreeMap<String, Arc<Pipeline>>,
    pub registry: Arc<Registry>,
    /// Each plugin as its deferred writes run: what it may do and take.
    pub writers: BTreeMap<String, DeferredWriter>,
    pub settings: Arc<Snapshot>,
    /// The digest of `settings`.
    pub digest: String,
    pub resources: Arc<dyn Resources>,
    /// References that do not answer, as the roll was last called.
    pub misses: Vec<Reference>,
}

/// Finds the runnable revision of a revision, so that a run in flight stays on the one it began with.
pub trait RunnableRevisions: Send + Sync {
    /// With the settings as they stand now or, for a run that has begun, with those of the
    /// digest.
    fn at<'a>(
        &'a self,
        revision: i64,
        settings: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<RunnableRevision>, EngineError>>;
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
    #[error("no run of `{pipeline}` can have this input: {problem}")]
    Input { pipeline: String, problem: String },
    #[error("pipeline `{pipeline}` has no stage `{stage}`; it has {known}")]
    NoStage {
        pipeline: String,
        stage: String,
        known: String,
    },
    #[error("run {0} is in the hands of another worker, or has ended")]
    NotClaimable(String),
    #[error("run {run} {problem}")]
    Refused { run: String, problem: String },
    #[error(
        "what stage `{stage}` came to cannot be kept: {error}; mend that, then `callboard runs resume`, which \
         carries the stage out once more"
    )]
    Unkept { stage: String, error: StoreError },
    #[error("the lease on run {0} is lost; another worker has it")]
    Lost(String),
}

/// Is told what a run does, as it does it.
pub trait Watcher: Send + Sync {
    fn stage_started(&self, _run: &Run, _stage: &str, _handler: &str) {}
    fn stage_ended(&self, _run: &Run, _row: &StageRun) {}
    fn attempt_failed(&self, _run: &Run, _stage: &str, _detail: &str, _pause: Duration) {}
    /// Another process carries it out, which `elsewhere` names; only its end is heard of here.
    fn followed(&self, _elsewhere: &str) {}
}

/// Watches nothing.
pub struct Unwatched;
impl Watcher for Unwatched {}

/// Carries runs out. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub store: Store,
    pub executor: Arc<dyn Executor>,
    pub runnables: Arc<dyn RunnableRevisions>,
    pub watcher: Arc<dyn Watcher>,
    pub rules: EngineRules,
    /// The worker's name, for people.
    pub worker: String,
    /// Told when the process is to stop: runs in hand come to a checkpoint and are given back.
    pub stop: CancellationToken,
    leases: Arc<HeldLeases>,
    clock: Arc<DatabaseClock>,
}

impl Engine {
    /// An engine on the store. Needs a runtime.
    pub fn new(
        store: &Store,
        runnables: Arc<dyn RunnableRevisions>,
        watcher: Arc<dyn Watcher>,
        rules: EngineRules,
    ) -> Self {
        let worker = worker_name();
        let executor = Arc::new(Local::new(store, &worker, &rules));
        Self::on(store, executor, runnables, watcher, rules, worker)
    }

    /// An engine on any executor. Needs a runtime.
    pub fn on(
        store: &Store,
        executor: Arc<dyn Executor>,
        runnables: Arc<dyn RunnableRevisions>,
        watcher: Arc<dyn Watcher>,
        rules: EngineRules,
        worker: String,
    ) -> Self {
        Self {
            store: store.clone(),
            leases: HeldLeases::start(Arc::clone(&executor), rules.lease.0),
            executor,
            runnables,
            watcher,
            rules,
            worker,
            stop: CancellationToken::new(),
            clock: Arc::default(),
        }
    }

    /// Queue a run of `pipeline` on a runnable revision. Input keys are checked and defaults filled in.
    pub async fn queue(
        &self,
        runnable: &RunnableRevision,
        pipeline: &str,
        input: Patch,
        origin: RunOrigin,
    ) -> Result<Run, EngineError> {
        let run = new_run(runnable, pipeline, input, origin)?;
        self.queue_with(run, Vec::new()).await
    }

    /// Queue a run that is not stored yet, in one commit with what a tenant writes about it.
    pub async fn queue_with(&self, run: Run, writes: Vec<Statement>) -> Result<Run, EngineError> {
        let insert = runs::insert(&run, self.store.dialect())?;
        let all: Vec<_> = std::iter::once(insert).chain(writes).collect();
        let insert = self.store.write(move |transaction| {
            Box::pin(async move {
                for statement in all {
                    let wanted = statement.rows;
                    let touched = transaction.execute(statement).await?;
                    if wanted.is_some_and(|wanted| wanted != touched) {
                        let text = "somebody else was faster; nothing was begun";
                        return Err(StoreError::new(StoreErrorKind::Busy, text));
                    }
                }
                Ok(())
            })
        });
        insert.await?;
        self.store.wake().await;
        Ok(run)
    }

    /// Carry out a queued, waiting or abandoned run as far as it goes now.
    pub async fn carry_out(&self, run: &str) -> Result<Run, EngineError> {
        let claim = self.executor.claim_one(run).await?;
        let claim = claim.ok_or_else(|| EngineError::NotClaimable(run.to_owned()))?;
        self.clock.set(claim.now);
        let sought = claim.run.clone();
        damage::advance(self, claim, self.runnable(&sought), None).await?;
        let stored = runs::by_id(&self.store, run).await?;
        stored.ok_or_else(|| EngineError::NotClaimable(run.to_owned()))
    }

    async fn runnable(&self, run: &Run) -> Result<Arc<RunnableRevision>, EngineError> {
        fault::point("after-claim");
        self.runnables
            .at(run.revision, run.settings.as_deref())
            .await
    }
}

/// What this process is called as a worker.
pub fn worker_name() -> String {
    format!("{}/{}", host_name(), std::process::id())
}

fn host_name() -> String {
    let read = bounded::text_of(Path::new("/proc/sys/kernel/hostname"), 4 << 10);
    let name = read.or_else(|_| std::env::var("HOSTNAME"));
    name.map_or_else(|_| "host".to_owned(), |name| name.trim().to_owned())
}

/// A run that is not stored yet.
pub fn new_run(
    runnable: &RunnableRevision,
    pipeline: &str,
    input: Patch,
    origin: RunOrigin,
) -> Result<Run, EngineError> {
    let definition = runnable.pipelines.get(pipeline);
    let definition = definition.ok_or_else(|| EngineError::NoPipeline(pipeline.to_owned()))?;
    let run = run_of(definition, runnable.revision, input, origin)?;
    let mut given = run.input.iter();
    let misfit = given.find_map(|(key, value)| {
        let misfit = runnable.registry.unfit(definition, key, value)?;
        let wanted = misfit.mend("value");
        Some(format!("{}; {wanted}", misfit.of(&format!("`{key}`"))))
    });
    misfit.map_or(Ok(run), |problem| Err(unfit(definition, problem)))
}

/// A run of a definition that is not stored yet.
fn run_of(
    definition: &Pipeline,
    revision: i64,
    input: Patch,
    origin: RunOrigin,
) -> Result<Run, EngineError> {
    let input = complete_input(definition, input)?;
    let now = Timestamp::now();
    Ok(Run {
        id: uuid::Uuid::now_v7().to_string(),
        pipeline: definition.name().to_owned(),
        revision,
        status: RunStatus::Queued,
        detail: String::new(),
        limits: limits(definition, &input)?,
        input,
        settings: None,
        origin,
        priority: definition.priority,
        created_at: now,
        started_at: None,
        wake_at: now,
        spent: Duration::ZERO,
        finished_at: None,
    })
}

fn limits(pipeline: &Pipeline, input: &Patch) -> Result<RunLimits, EngineError> {
    let written = &pipeline.limits;
    let key = written.key_of(pipeline.name(), input);
    let length = key.as_ref().map_or(0, String::len);
    if length > storable::LONGEST_KEY {
        let (most, name) = (storable::LONGEST_KEY, written.key.as_ref());
        let name = name.map_or(pipeline.name(), |name| name.get_ref());
        let problem = format!(
            "`{name}` is the key of its limits and has {length} bytes; {most} are the most"
        );
        return Err(unfit(pipeline, problem));
    }
    Ok(RunLimits {
        key,
        at_once: written.at_once,
        rate: written.rate,
        rate_window: written.rate.map(|_| {
            let minute = Duration::from_secs(60);
            written.per.map_or(minute, |window| window.0)
        }),
    })
}

/// Input that no run can be started with.
fn unfit(pipeline: &Pipeline, problem: String) -> EngineError {
    EngineError::Input {
        pipeline: pipeline.name().to_owned(),
        problem,
    }
}

/// Names for a person.
fn listed(names: &[impl std::fmt::Display]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn complete_input(pipeline: &Pipeline, mut input: Patch) -> Result<Patch, EngineError> {
    if let Some(key) = input.keys().find(|key| !pipeline.input.contains_key(*key)) {
        let known: Vec<_> = pipeline.input.keys().collect();
        return Err(EngineError::UnknownInput {
            pipeline: pipeline.name().to_owned(),
            key: key.clone(),
            known: listed(&known),
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
    match storable::patch(&input) {
        Ok(_) => Ok(input),
        Err(error) => Err(unfit(pipeline, error.message)),
    }
}
