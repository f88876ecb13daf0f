//! What is kept of a stage, and what becomes of its run. No IO.

use std::time::Duration;

use jiff::Timestamp;

use super::clock::after;
use super::plan;
use super::stage::{Ended, Work};
use crate::grants::Grants;
use crate::lines;
use crate::outcome::{Failure, FailureKind, Outcome, Stop};
use crate::pipeline::{Follow, Pipeline, Stage};
use crate::registry::Registry;
use crate::store::effects::Effect;
use crate::store::gates::Gate;
use crate::store::runs::Run;
use crate::store::stage_runs::{StageRun, What};
use crate::store::{StoreError, StoreErrorKind};
use crate::value::Statement;

/// The first pause of a held stage; it doubles up to [`LONGEST_HOLD`].
const FIRST_HOLD: Duration = Duration::from_secs(5);
const LONGEST_HOLD: Duration = Duration::from_secs(300);

/// A stage's checkpoint as it will be kept.
pub(super) struct Kept {
    pub(super) row: StageRun,
    /// The newest checkpoint when it began.
    since: i64,
    /// Stages that are visited anew.
    pub(super) superseded: Vec<String>,
    pub(super) writes: Vec<Statement>,
    pub(super) plugin: Option<(String, Grants)>,
    /// The time that its stage has left for the writes.
    pub(super) left: Duration,
}

impl Kept {
    /// The same, after checkpoints that were not known when the stage ended.
    pub(super) fn after(&mut self, pipeline: &Pipeline, rows: &[StageRun]) {
        self.row.step = next_step(rows);
        if plan::went_back(pipeline, rows, &self.row.stage, self.since) {
            self.discard();
        }
    }

    /// The run went back behind it while it was under way: nothing of it counts.
    fn discard(&mut self) {
        let reason = "not kept: the run went back while the stage was under way";
        self.row.outcome = Outcome::Stopped(Stop::nothing_to_do(reason));
        self.row.follow = Follow::Skip;
        self.row.wake_at = None;
        self.row.superseded = true;
        self.superseded.clear();
        self.writes.clear();
    }
}

/// What is kept of a stage that ended, after the checkpoints so far.
pub(super) fn keep(work: &Work, rows: &[StageRun], mut ended: Ended, now: Timestamp) -> Kept {
    let stage = &work.pipeline.stages[ended.index];
    let writes = match &mut ended.outcome {
        Outcome::Done(done) => std::mem::take(&mut done.writes),
        Outcome::Stopped(_) => Vec::new(),
    };
    let (outcome, follow) = follow(&work.pipeline, stage, rows, ended.outcome);
    let held = rows
        .iter()
        .find(|row| row.stage == stage.id() && row.visit == ended.visit && row.is_held());
    let started_at = held.map_or(ended.started_at, |held| held.started_at);
    let follow = match follow {
        // Waiting has no right to more time than the whole run has.
        Follow::Hold if now.duration_since(started_at).unsigned_abs() > work.pipeline.budget.0 => {
            Follow::End
        }
        other => other,
    };
    let holds = held.map_or(0, |held| held.holds + 1);
    let wake_at = (follow == Follow::Hold).then(|| wake(&outcome, holds, now));
    let superseded = match &follow {
        Follow::Goto(target) => work.pipeline.downstream(target).into_iter().collect(),
        _ => Vec::new(),
    };
    let row = StageRun {
        run: work.run.id.clone(),
        stage: stage.id().to_owned(),
        visit: ended.visit,
        step: next_step(rows),
        what: What::of(stage),
        attempts: ended.attempts,
        holds,
        outcome,
        follow,
        undone: None,
        superseded: false,
        log: lines::joined(held.map_or(&[], |held| &held.log), ended.log),
        wake_at,
        started_at,
        finished_at: now,
    };
    let mut kept = Kept {
        plugin: plugin_of(work, stage),
        left: ended.left,
        row,
        since: ended.since,
        superseded,
        writes,
    };
    kept.after(&work.pipeline, rows);
    kept
}

/// The outcome and what follows in fact: a loop past its bound is a failure.
fn follow(
    pipeline: &Pipeline,
    stage: &Stage,
    rows: &[StageRun],
    outcome: Outcome,
) -> (Outcome, Follow) {
    let follow = stage.follow(outcome.name());
    match plan::bounded(pipeline, rows, follow) {
        Ok(follow) => (outcome, follow),
        Err(problem) => {
            let detail = format!("{}; {problem}", outcome.detail());
            let failure = Stop::failed(FailureKind::Config, detail);
            (Outcome::Stopped(failure), Follow::End)
        }
    }
}

pub(super) fn next_step(rows: &[StageRun]) -> i64 {
    plan::newest(rows) + 1
}

fn wake(outcome: &Outcome, holds: u32, now: Timestamp) -> Timestamp {
    if let Outcome::Stopped(Stop::Deferred { until, .. }) = outcome {
        return *until;
    }
    let doubled = 1_u32.checked_shl(holds).unwrap_or(u32::MAX);
    after(now, FIRST_HOLD.saturating_mul(doubled).min(LONGEST_HOLD))
}

fn plugin_of(work: &Work, stage: &Stage) -> Option<(String, Grants)> {
    let handler = stage.handler.as_ref()?;
    let entry = work.line_up.registry.get(handler.get_ref())?;
    let name = entry.origin.plugin()?;
    let grants = work.line_up.grants.get(name).cloned();
    Some((name.to_owned(), grants.unwrap_or_default()))
}

/// A stage whose conditions do not hold: nothing to do, and the run goes on.
pub(super) fn skipped(
    run: &Run,
    stage: &Stage,
    why: &str,
    rows: &[StageRun],
    now: Timestamp,
) -> StageRun {
    let reason = format!("its condition does not hold: {why}");
    StageRun {
        run: run.id.clone(),
        stage: stage.id().to_owned(),
        visit: plan::next_visit(rows, stage.id()),
        step: next_step(rows),
        what: What::of(stage),
        attempts: 0,
        holds: 0,
        outcome: Outcome::Stopped(Stop::nothing_to_do(reason)),
        follow: Follow::Skip,
        undone: None,
        superseded: false,
        log: Vec::new(),
        wake_at: None,
        started_at: now,
        finished_at: now,
    }
}

/// The question of a gate.
pub(super) fn gate(run: &Run, stage: &Stage, rows: &[StageRun], now: Timestamp) -> Gate {
    let question = stage.gate.as_ref();
    Gate {
        run: run.id.clone(),
        stage: stage.id().to_owned(),
        visit: plan::next_visit(rows, stage.id()),
        question: question.map_or(String::new(), |gate| gate.get_ref().clone()),
        task: task_of(rows),
        opened_at: now,
        expires_at: stage.expiry.map(|expiry| after(now, expiry.after.0)),
        decision: None,
        part: None,
        feedback: None,
        decided_by: None,
        decided_at: None,
    }
}

/// The task that a stage before the gate wrote as key `task`.
fn task_of(rows: &[StageRun]) -> Option<String> {
    plan::live(rows).find_map(|row| match &row.outcome {
        Outcome::Done(done) => done.patch.get("task")?.as_str().map(str::to_owned),
        Outcome::Stopped(_) => None,
    })
}

/// What the ledger learns of stages of a run. Of one that did not start by itself it learns only
/// of handlers that may fall back: those that ask a model, those of plugins, and those that did.
pub(super) fn effects<'r>(
    run: &Run,
    rows: impl Iterator<Item = &'r StageRun>,
    registry: &Registry,
) -> Vec<Effect> {
    let noted = rows.filter(|row| !row.superseded);
    noted.filter_map(|row| effect(run, row, registry)).collect()
}

fn effect(run: &Run, row: &StageRun, registry: &Registry) -> Option<Effect> {
    let handler = row.what.handler()?;
    let may_fall_back = registry.get(handler).is_some_and(|entry| {
        let needs = &entry.contract.needs;
        entry.origin.plugin().is_some() || !needs.roles.is_empty() || !needs.role_keys.is_empty()
    });
    let fallbacks = row.outcome.fallbacks().iter().map(ToString::to_string);
    let fallback = fallbacks.collect::<Vec<_>>().join("; ");
    if !run.recurs() && !may_fall_back && fallback.is_empty() {
        return None;
    }
    let effects = match &row.outcome {
        Outcome::Done(done) => done.effects.total(),
        Outcome::Stopped(_) => 0,
    };
    Some(Effect {
        pipeline: run.pipeline.clone(),
        handler: handler.to_owned(),
        outcome: row.outcome.name(),
        scheduled: run.recurs(),
        success: matches!(row.outcome.name(), "done" | "nothing-to-do"),
        effects,
        fallback: (!fallback.is_empty()).then_some(fallback),
    })
}

/// Whether the database refused the deferred writes, and not the checkpoint.
pub(super) fn refused_writes(kept: &Kept, error: &StoreError) -> bool {
    let refused = matches!(
        error.kind,
        StoreErrorKind::Statement
            | StoreErrorKind::Constraint
            | StoreErrorKind::Denied
            | StoreErrorKind::Overdue
    );
    refused && !kept.writes.is_empty()
}

/// The outcome of a stage whose deferred writes were refused.
pub(super) fn write_failure(error: &StoreError) -> Outcome {
    let kind = match error.kind {
        StoreErrorKind::Denied => FailureKind::Denied,
        StoreErrorKind::Overdue => FailureKind::Timeout,
        _ => FailureKind::Internal,
    };
    Outcome::Stopped(Stop::Failed(Failure {
        kind,
        message: format!("a deferred write was refused: {error}"),
        retryable: false,
    }))
}
