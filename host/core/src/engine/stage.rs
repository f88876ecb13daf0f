//! Execute one stage: its input, its deadline, its attempts, and the check of its output.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::{Engine, RunnableRevision, heard, plan};
use crate::fault;
use crate::handler::{Call, Fallbacks, Tally, schema};
use crate::lines::{Line, VisitLines};
use crate::outcome::{FailureKind, Outcome, Patch, Stop};
use crate::pipeline::{Pipeline, Stage};
use crate::registry::HandlerEntry;
use crate::store::runs::Run;
use crate::store::stage_runs::StageRun;
use crate::store::storable;
use crate::supervision;

/// What the stages of one run are executed with.
#[derive(Clone)]
pub(super) struct RunContext {
    pub(super) engine: Engine,
    pub(super) runnable: Arc<RunnableRevision>,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) run: Arc<Run>,
    /// What it was started with.
    pub(super) asked: Arc<Patch>,
    /// When the run's budget is spent.
    pub(super) deadline: Instant,
}

/// A stage that has been executed and is not kept yet.
pub(super) struct ExecutedStage {
    /// Its place in the pipeline.
    pub(super) index: usize,
    pub(super) visit: u32,
    /// The newest checkpoint when it began.
    pub(super) since: i64,
    pub(super) attempts: u32,
    pub(super) outcome: Outcome,
    /// The time that it had left.
    pub(super) left: Duration,
    /// What was said meanwhile.
    pub(super) log: Vec<Line>,
    pub(super) started_at: Timestamp,
}

/// One stage, ready to be executed.
pub(super) struct StageExecution {
    work: RunContext,
    index: usize,
    visit: u32,
    sent_back: bool,
    /// The newest checkpoint when it was made ready.
    pub(super) since: i64,
    /// Cancelled when nothing of it can count any more.
    pub(super) outdated: CancellationToken,
    input: Patch,
    lines: VisitLines,
}

impl StageExecution {
    pub(super) fn new(work: &RunContext, stage: &Stage, rows: &[StageRun]) -> Option<Self> {
        let mut stages = work.pipeline.stages.iter();
        let index = stages.position(|known| known.id() == stage.id())?;
        Some(Self {
            work: work.clone(),
            index,
            visit: plan::next_visit(rows, stage.id()),
            sent_back: plan::is_sent_back(rows, stage.id()),
            since: plan::newest(rows),
            outdated: CancellationToken::new(),
            input: heard::keys(&work.runnable.registry, &work.run.input, stage, rows),
            lines: VisitLines::default(),
        })
    }

    /// The stage's id.
    pub(super) fn stage(&self) -> &str {
        self.work.pipeline.stages[self.index].id()
    }

    /// Execute it, with its attempts, for as long as it may count.
    pub(super) async fn execute(self) -> ExecutedStage {
        let (engine, stage) = (&self.work.engine, &self.work.pipeline.stages[self.index]);
        let handler = stage.handler.as_ref().map_or("", |name| name.get_ref());
        let started_at = engine.clock.now();
        let watcher = &engine.watcher;
        watcher.stage_started(&self.work.run, stage.id(), handler);
        fault::point("before-handler");
        let (outcome, attempts, left) = match self.work.runnable.registry.get(handler) {
            Some(entry) => tokio::select! {
                attempted = self.attempt(stage, entry) => attempted,
                () = self.outdated.cancelled() => (outdated(), 1, Duration::ZERO),
            },
            None => (missing(handler), 0, Duration::ZERO),
        };
        fault::point("after-handler");
        ExecutedStage {
            index: self.index,
            visit: self.visit,
            since: self.since,
            attempts,
            outcome,
            left,
            log: self.lines.take(),
            started_at,
        }
    }

    /// What it came to, after how many attempts, with how much time left.
    async fn attempt(&self, stage: &Stage, entry: &HandlerEntry) -> (Outcome, u32, Duration) {
        if let Err(problem) = entry.checks.reads(&self.input) {
            let failure = Stop::failed(FailureKind::Input, problem);
            return (Outcome::Stopped(failure).bounded(), 0, Duration::ZERO);
        }
        let input = schema::whole_keys(self.input.clone());
        let mut attempt = 1;
        loop {
            let call = self.call(stage, attempt);
            let config = schema::whole(stage.config.get_ref().clone());
            let outcome = call_once(entry, &call, config, input.clone()).await;
            let Some(pause) = pause(stage, attempt, &outcome, self.work.deadline) else {
                return (outcome, attempt, call.remaining());
            };
            let (watcher, detail) = (&self.work.engine.watcher, outcome.detail());
            watcher.attempt_failed(&self.work.run, stage.id(), &detail, pause);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn call(&self, stage: &Stage, attempt: u32) -> Call {
        let run_deadline = self.work.deadline;
        let own = stage.timeout.as_ref();
        let own = own.and_then(|own| Instant::now().checked_add(own.get_ref().0));
        Call {
            run: self.work.run.id.clone(),
            asked: Arc::clone(&self.work.asked),
            pipeline: self.work.run.pipeline.clone(),
            stage: stage.id().to_owned(),
            visit: self.visit,
            sent_back: self.sent_back,
            attempt,
            deadline: own.map_or(run_deadline, |own| own.min(run_deadline)),
            now: self.work.engine.clock.now(),
            settings: self.work.runnable.settings.clone(),
            resources: self.work.runnable.resources.clone(),
            lines: self.lines.clone(),
            fallbacks: Fallbacks::default(),
            tally: Tally::default(),
        }
    }
}

/// How long to wait before another attempt; `None` if there is none.
fn pause(stage: &Stage, attempt: u32, outcome: &Outcome, deadline: Instant) -> Option<Duration> {
    let Outcome::Stopped(Stop::Failed(failure)) = outcome else {
        return None;
    };
    let hopeless = matches!(
        failure.kind,
        FailureKind::Config | FailureKind::Input | FailureKind::Denied
    );
    if hopeless || !failure.retryable || attempt >= stage.retry.attempts {
        return None;
    }
    let pause = stage.retry.jittered(attempt, chance());
    (Instant::now() + pause < deadline).then_some(pause)
}

/// Any number: without it pauses are merely longer.
fn chance() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => 0,
    }
}

fn outdated() -> Outcome {
    Outcome::Stopped(Stop::nothing_to_do("stopped: the run went back behind it"))
}

fn missing(handler: &str) -> Outcome {
    let message = format!("no handler `{handler}` is registered; run `callboard check`");
    Outcome::Stopped(Stop::failed(FailureKind::Config, message))
}

/// One call. A panic and a passed deadline are failures of their own kind.
async fn call_once(entry: &HandlerEntry, call: &Call, config: Json, input: Patch) -> Outcome {
    if call.remaining().is_zero() {
        let message = "the run's budget is spent; raise `budget` in the pipeline";
        return Outcome::Stopped(Stop::failed(FailureKind::Timeout, message));
    }
    let work = AssertUnwindSafe(entry.handler.call(call, config, input)).catch_unwind();
    let outcome = match tokio::time::timeout(call.remaining(), work).await {
        Ok(Ok(outcome)) => with_fallbacks(outcome, call),
        Ok(Err(panic)) => {
            let message = supervision::panicked(&*panic);
            Outcome::Stopped(Stop::failed(FailureKind::Internal, message))
        }
        Err(_) => {
            let message = "no answer before the deadline";
            Outcome::Stopped(Stop::retryable(FailureKind::Timeout, message))
        }
    };
    fault::point("before-check");
    storable(entry, entry.checked(outcome)).bounded()
}

/// What was done, with the providers that others stood in for.
fn with_fallbacks(mut outcome: Outcome, call: &Call) -> Outcome {
    if let Outcome::Done(done) = &mut outcome {
        done.fallbacks.extend(call.fallbacks.take());
    }
    outcome
}

/// An output that no database would keep is a failure before anything is kept of it.
fn storable(entry: &HandlerEntry, mut outcome: Outcome) -> Outcome {
    match storable::outcome(&mut outcome) {
        Ok(()) => outcome,
        Err(error) => {
            let name = &entry.contract.name;
            let message = format!("what {name} reports cannot be kept: {error}");
            Outcome::Stopped(Stop::failed(FailureKind::Internal, message))
        }
    }
}
