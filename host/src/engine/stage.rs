//! Execute one stage: its input, its deadline, its attempts, and the check of its output.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::checkpoint::{self, Ended};
use super::{Engine, EngineError, LineUp, plan};
use crate::handler::{Call, Contract};
use crate::outcome::{FailureKind, Outcome, Patch, Stop};
use crate::pipeline::{Pipeline, Stage};
use crate::registry::Entry;
use crate::store::runs::{Claim, Run};
use crate::store::stage_runs::StageRun;

/// What every stage of a run is executed with.
pub(super) struct Work<'a> {
    pub(super) engine: &'a Engine,
    pub(super) line_up: &'a LineUp,
    pub(super) pipeline: &'a Pipeline,
}

impl Work<'_> {
    /// Execute a stage and keep its checkpoint; gives the run as it stands then.
    pub(super) async fn execute(
        &self,
        claim: &Claim,
        stage: &Stage,
        rows: &[StageRun],
    ) -> Result<Run, EngineError> {
        let handler = stage.handler.as_ref().map_or("", |name| name.get_ref());
        let started_at = Timestamp::now();
        let clock = Instant::now();
        self.engine
            .watcher
            .stage_started(&claim.run, stage.id(), handler);
        let (outcome, attempts) = match self.line_up.registry.get(handler) {
            Some(entry) => self.attempt(claim, stage, entry, rows).await,
            None => (missing(handler), 0),
        };
        let ended = Ended {
            stage,
            handler,
            attempts,
            outcome,
            started_at,
            spent: claim.run.spent + clock.elapsed(),
        };
        checkpoint::keep(self, claim, rows, ended).await
    }

    async fn attempt(
        &self,
        claim: &Claim,
        stage: &Stage,
        entry: &Entry,
        rows: &[StageRun],
    ) -> (Outcome, u32) {
        let left = self.pipeline.budget.0.saturating_sub(claim.run.spent);
        let run_deadline = Instant::now() + left;
        let mut attempt = 1;
        loop {
            let deadline = match &stage.timeout {
                Some(timeout) => run_deadline.min(Instant::now() + timeout.get_ref().0),
                None => run_deadline,
            };
            let call = self.call(claim, stage, rows, attempt, deadline);
            let input = visible(&entry.contract, &claim.run.input, rows);
            let outcome = call_once(entry, &call, stage.config.get_ref().clone(), input).await;
            let Some(pause) = pause(stage, attempt, &outcome, run_deadline) else {
                return (outcome, attempt);
            };
            let detail = outcome.detail();
            self.engine
                .watcher
                .attempt_failed(&claim.run, stage.id(), &detail, pause);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn call(
        &self,
        claim: &Claim,
        stage: &Stage,
        rows: &[StageRun],
        attempt: u32,
        deadline: Instant,
    ) -> Call {
        Call {
            run: claim.run.id.clone(),
            stage: stage.id().to_owned(),
            visit: plan::next_visit(rows, stage.id()),
            attempt,
            deadline,
            now: Timestamp::now(),
            settings: self.line_up.settings.clone(),
            resources: self.line_up.resources.clone(),
        }
    }
}

/// How long to wait before another attempt; `None` if there is none.
fn pause(stage: &Stage, attempt: u32, outcome: &Outcome, deadline: Instant) -> Option<Duration> {
    let Outcome::Stopped(Stop::Failed(failure)) = outcome else {
        return None;
    };
    if !failure.retryable || attempt >= stage.retry.attempts {
        return None;
    }
    let pause = stage.retry.pause(attempt);
    (Instant::now() + pause < deadline).then_some(pause)
}

fn missing(handler: &str) -> Outcome {
    let message = format!("no handler `{handler}` is registered; run `callboard check`");
    Outcome::Stopped(Stop::failed(FailureKind::Config, message))
}

/// One call. A panic and a passed deadline are failures of their own kind.
async fn call_once(entry: &Entry, call: &Call, config: Json, input: Patch) -> Outcome {
    if call.remaining().is_zero() {
        let message = "the run's budget is spent; raise `budget` in the pipeline";
        return Outcome::Stopped(Stop::failed(FailureKind::Timeout, message));
    }
    let work = AssertUnwindSafe(entry.handler.call(call, config, input)).catch_unwind();
    let outcome = match tokio::time::timeout(call.remaining(), work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => {
            let message = format!("panicked: {}", panic_text(&*panic));
            Outcome::Stopped(Stop::failed(FailureKind::Internal, message))
        }
        Err(_) => {
            let message = "no answer before the deadline";
            Outcome::Stopped(Stop::retryable(FailureKind::Timeout, message))
        }
    };
    checked(&entry.contract, outcome)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a text")
}

/// The keys a handler reads, from the run's input and the patches of the stages before it.
fn visible(contract: &Contract, input: &Patch, rows: &[StageRun]) -> Patch {
    let mut keys = input.clone();
    for row in plan::live(rows) {
        if let Outcome::Done(done) = &row.outcome {
            keys.extend(done.patch.clone());
        }
    }
    keys.retain(|key, _| contract.reads["properties"].get(key).is_some());
    keys
}

/// An output that breaks its own contract is a failure, before anything is kept of it.
fn checked(contract: &Contract, outcome: Outcome) -> Outcome {
    let Outcome::Done(done) = &outcome else {
        return outcome;
    };
    let undeclared = done
        .patch
        .keys()
        .find(|key| contract.writes["properties"].get(key).is_none());
    let problem = match undeclared {
        Some(key) => Some(format!("key `{key}` is not declared")),
        None => jsonschema::validate(&contract.writes, &Json::Object(done.patch.clone()))
            .err()
            .map(|error| format!("{error} at `{}`", error.instance_path())),
    };
    match problem {
        None => outcome,
        Some(problem) => {
            let message = format!(
                "the patch of {} breaks its schema: {problem}",
                contract.name
            );
            Outcome::Stopped(Stop::failed(FailureKind::Internal, message))
        }
    }
}
