//! What is kept of a stage, and what becomes of its run. No IO.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::clock::after;
use super::heard;
use super::plan::{self, Rest};
use super::stage::{ExecutedStage, RunContext};
use crate::lines;
use crate::outcome::{self, FailureKind, Outcome, Patch, Stop};
use crate::pipeline::{Follow, Pipeline, Stage};
use crate::registry::Registry;
use crate::store::checkpoints::Then;
use crate::store::effects::Effect;
use crate::store::gates::Gate;
use crate::store::granted::DeferredWriter;
use crate::store::leases::{RunSignals, StopRequest};
use crate::store::runs::{Run, RunStatus};
use crate::store::stage_runs::{StageRun, VisitOf};
use crate::store::{StoreError, StoreErrorKind, storable, tenants};
use crate::value::Statement;

/// The shortest pause of a held stage, whatever it asks for.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);
/// The first pause of a held stage that names no time; it doubles up to [`LONGEST_HOLD`].
const FIRST_HOLD: Duration = Duration::from_secs(5);
const LONGEST_HOLD: Duration = Duration::from_secs(300);

/// A stage's checkpoint as it will be kept.
pub(super) struct PendingCheckpoint {
    pub(super) row: StageRun,
    /// The newest checkpoint when it began.
    since: i64,
    /// Stages that are visited anew.
    pub(super) superseded: Vec<String>,
    pub(super) writes: Vec<Statement>,
    pub(super) writer: Option<DeferredWriter>,
    /// The time that its stage has left for the writes.
    pub(super) left: Duration,
}

impl PendingCheckpoint {
    /// The same, after checkpoints that were not known when the stage ended.
    pub(super) fn after(&mut self, pipeline: &Pipeline, rows: &[StageRun]) {
        self.row.step = next_step(rows);
        if plan::went_back(pipeline, rows, &self.row.stage, self.since) {
            self.discard();
        } else if let Some(stage) = pipeline.stage(&self.row.stage) {
            self.decide(pipeline, stage, rows);
        }
    }

    /// Find what follows from the outcome in fact: a loop past its bound ends the run, and so does
    /// a stage that wants to be called again when its run may not go on any more.
    fn decide(&mut self, pipeline: &Pipeline, stage: &Stage, rows: &[StageRun]) {
        let row = &mut self.row;
        // What ended the run ends it whatever else has happened, a loop past its bound as well.
        if row.follow != Follow::End {
            row.follow = bounded(pipeline, stage, rows, &mut row.outcome);
        }
        if row.follow == Follow::Hold {
            hold(pipeline, stage, rows, row);
        }
        self.superseded = match &row.follow {
            Follow::Goto(target) => pipeline.downstream(target).into_iter().collect(),
            _ => Vec::new(),
        };
    }

    /// What is to be kept was refused for good: that is the stage's failure, in the words of the
    /// store.
    pub(super) fn refuse(&mut self, pipeline: &Pipeline, rows: &[StageRun], error: &StoreError) {
        let what = if self.writes.is_empty() {
            "its checkpoint"
        } else {
            "its checkpoint, with a deferred write,"
        };
        let kind = match error.kind {
            StoreErrorKind::Denied => FailureKind::Denied,
            StoreErrorKind::Overdue => FailureKind::Timeout,
            _ => FailureKind::Internal,
        };
        self.writes.clear();
        let row = &mut self.row;
        row.log.clear();
        row.wake_at = None;
        row.outcome = Outcome::Stopped(Stop::failed(kind, format!("{what} was refused: {error}")));
        if let Some(stage) = pipeline.stage(&row.stage) {
            row.follow = stage.follow(row.outcome.name());
        }
        self.after(pipeline, rows);
    }

    /// It counts from now on: its row, and what a loop sends back.
    pub(super) fn count(&self, rows: &mut Vec<StageRun>, asked: &mut BTreeSet<String>) {
        let visit = (&self.row.stage, self.row.visit);
        rows.retain(|row| (&row.stage, row.visit) != visit);
        rows.push(self.row.clone());
        for row in rows.iter_mut() {
            row.superseded |= self.superseded.contains(&row.stage);
        }
        asked.retain(|gate| !self.superseded.contains(gate));
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

/// What is to be kept of a stage that ended, after the checkpoints so far.
pub(super) fn pending(
    work: &RunContext,
    rows: &[StageRun],
    mut ended: ExecutedStage,
    now: Timestamp,
) -> PendingCheckpoint {
    let stage = &work.pipeline.stages[ended.index];
    let tree = rows.iter().map(|row| row.outcome.tree()).sum::<u64>() + ended.outcome.tree();
    if tree > storable::TREES {
        // The worker that claims the run has all of them in memory at once.
        let problem = storable::too_many_parts(tree, storable::TREES);
        let failure = format!("all that the run wrote so far {problem}");
        ended.outcome = Outcome::Stopped(Stop::failed(FailureKind::Internal, failure));
    }
    let writes = match &mut ended.outcome {
        Outcome::Done(done) => std::mem::take(&mut done.writes),
        Outcome::Stopped(_) => Vec::new(),
    };
    let held = rows
        .iter()
        .find(|row| row.stage == stage.id() && row.visit == ended.visit && row.is_held());
    let row = StageRun {
        run: work.run.id.clone(),
        stage: stage.id().to_owned(),
        visit: ended.visit,
        step: next_step(rows),
        what: VisitOf::of(stage),
        attempts: ended.attempts,
        holds: held.map_or(0, |held| held.holds + 1),
        follow: stage.follow(ended.outcome.name()),
        outcome: ended.outcome,
        undone: None,
        superseded: false,
        log: lines::joined(held.map_or(&[], |held| &held.log), ended.log),
        wake_at: None,
        started_at: held.map_or(ended.started_at, |held| held.started_at),
        finished_at: now,
    };
    let mut kept = PendingCheckpoint {
        writer: writer(work, stage),
        left: ended.left,
        row,
        since: ended.since,
        superseded: Vec::new(),
        writes,
    };
    kept.after(&work.pipeline, rows);
    kept
}

/// A stage is to be called again, if its run may wait for that.
fn hold(pipeline: &Pipeline, stage: &Stage, rows: &[StageRun], row: &mut StageRun) {
    let budget = pipeline.budget;
    let wake_at = wake(&row.outcome, row.holds, row.finished_at);
    let started_at = row.started_at;
    // A clock that was set back is no time that has passed.
    let lasts =
        |until: Timestamp| Duration::try_from(until.duration_since(started_at)).unwrap_or_default();
    if let Outcome::Stopped(Stop::Deferred { .. }) = row.outcome
        && lasts(wake_at) > budget.0
    {
        let detail = row.outcome.detail();
        let problem = format!("{detail}; the run may wait {budget} (`budget`) and no longer");
        row.outcome = Outcome::Stopped(Stop::failed(FailureKind::Timeout, problem));
        row.follow = bounded(pipeline, stage, rows, &mut row.outcome);
    }
    // Waiting has no right to more time than the whole run has.
    if row.follow == Follow::Hold && lasts(row.finished_at) > budget.0 {
        row.follow = Follow::End;
    }
    row.wake_at = (row.follow == Follow::Hold).then_some(wake_at);
}

/// What a stage's table says follows. A loop past its bound ends the run as what came last: what was
/// rejected once too often is rejected. Only what did its work, or had none, and would go on for ever fails.
fn bounded(pipeline: &Pipeline, stage: &Stage, rows: &[StageRun], outcome: &mut Outcome) -> Follow {
    match plan::bounded(pipeline, rows, stage.follow(outcome.name())) {
        Ok(follow) => follow,
        Err(problem) => {
            exhausted(outcome, &problem);
            Follow::End
        }
    }
}

fn exhausted(outcome: &mut Outcome, problem: &str) {
    let detail = outcome.detail();
    let said = match outcome {
        Outcome::Stopped(Stop::Rejected { detail, .. }) => detail,
        Outcome::Stopped(Stop::Unavailable { cause, .. }) => cause,
        Outcome::Stopped(Stop::Deferred { reason, .. }) => reason,
        Outcome::Stopped(Stop::Failed(failure)) => &mut failure.message,
        Outcome::Done(_) | Outcome::Stopped(Stop::NothingToDo { .. }) => {
            let detail = format!("{detail}; {problem}");
            *outcome = Outcome::Stopped(Stop::failed(FailureKind::Config, detail));
            return;
        }
    };
    *said = format!("{said}; {problem}");
}

pub(super) fn next_step(rows: &[StageRun]) -> i64 {
    plan::newest(rows) + 1
}

/// When a held stage goes on. One that names no time, or one that has passed, is asked less and
/// less often; none is asked again before a second has passed.
fn wake(outcome: &Outcome, holds: u32, now: Timestamp) -> Timestamp {
    let (first, until) = match outcome {
        Outcome::Stopped(Stop::Deferred { until, .. }) => (SHORTEST_HOLD, Some(*until)),
        _ => (FIRST_HOLD, None),
    };
    if let Some(until) = until.filter(|until| *until > now) {
        return until.max(after(now, SHORTEST_HOLD));
    }
    let doubled = 1_u32.checked_shl(holds).unwrap_or(u32::MAX);
    after(now, first.saturating_mul(doubled).min(LONGEST_HOLD))
}

fn writer(work: &RunContext, stage: &Stage) -> Option<DeferredWriter> {
    let handler = stage.handler.as_ref()?;
    let entry = work.runnable.registry.get(handler.get_ref())?;
    let plugin = entry.origin.plugin()?;
    let known = work.runnable.writers.get(plugin).cloned();
    Some(known.unwrap_or_else(|| DeferredWriter::unknown(plugin)))
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
        what: VisitOf::of(stage),
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

/// A gate that is decided.
pub(super) fn decided(
    gate: &Gate,
    rows: &[StageRun],
    (outcome, follow): (Outcome, Follow),
    now: Timestamp,
) -> StageRun {
    StageRun {
        run: gate.run.clone(),
        stage: gate.stage.clone(),
        visit: gate.visit,
        step: next_step(rows),
        what: VisitOf::Gate,
        attempts: 1,
        holds: 0,
        outcome,
        follow,
        undone: None,
        superseded: false,
        log: Vec::new(),
        wake_at: None,
        started_at: gate.opened_at,
        finished_at: now,
    }
}

/// The question of a gate.
pub(super) fn gate(work: &RunContext, stage: &Stage, rows: &[StageRun], now: Timestamp) -> Gate {
    let run = &work.run;
    Gate {
        run: run.id.clone(),
        stage: stage.id().to_owned(),
        visit: plan::next_visit(rows, stage.id()),
        question: plan::question(stage, rows),
        shows: behind(work, stage, rows),
        subject: subject_of(work, rows),
        opened_at: now,
        expires_at: stage.expiry.map(|expiry| after(now, expiry.after.0)),
        decision: None,
        part: None,
        feedback: None,
        decided_by: None,
        decided_at: None,
    }
}

/// What goes out behind a gate: the keys that the stages behind it read which publish, but what the run is about.
fn behind(work: &RunContext, gate: &Stage, rows: &[StageRun]) -> Patch {
    let behind = work.pipeline.downstream(gate.id());
    let stages = work.pipeline.stages.iter();
    let registry = &work.runnable.registry;
    let publishes = |stage: &&Stage| {
        let entry = stage.handler.as_ref();
        let entry = entry.and_then(|name| registry.get(name.get_ref()));
        entry.is_some_and(|it| it.contract.publishes())
    };
    let publishing = stages
        .filter(|it| behind.contains(it.id()))
        .filter(publishes);
    // As they are handed the keys themselves.
    let mut goes_out: Patch = publishing
        .flat_map(|it| heard::keys(registry, &work.run.input, it, rows))
        .collect();
    goes_out.retain(|key, _| tenants::subjects().all(|subject| subject != key));
    goes_out
}

/// What a stage before the gate says that the run is about.
fn subject_of(work: &RunContext, rows: &[StageRun]) -> Option<String> {
    let registry = &work.runnable.registry;
    let rows = plan::live(rows).filter(|row| !heard::is_plugins(registry, row));
    let mut patches = rows.filter_map(|row| row.outcome.patch());
    patches.find_map(|patch| {
        let subject = tenants::subjects().find_map(|key| patch.get(key)?.as_str());
        subject.map(str::to_owned)
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
    let fallback = outcome::sentence(fallbacks);
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

/// Whether another run was faster to write what a stage has found not to be there: executed once
/// more, it finds it.
pub(super) fn came_late(pending: &PendingCheckpoint, error: &StoreError) -> bool {
    error.kind == StoreErrorKind::Duplicate && !pending.writes.is_empty()
}

/// Whether what a checkpoint brings is refused however often it is tried. A right that is
/// missing is the plugin's, if it is about its deferred writes, and so is time that they take.
pub(super) fn is_refused(pending: Option<&PendingCheckpoint>, error: &StoreError) -> bool {
    let writes = pending.is_some_and(|pending| !pending.writes.is_empty());
    let theirs = matches!(error.kind, StoreErrorKind::Denied | StoreErrorKind::Overdue);
    error.is_for_good() || (writes && theirs)
}

/// How a run is given back whose plan has nothing to begin.
pub(super) fn rest(rest: Rest, now: Timestamp) -> Then {
    match rest {
        Rest::Ended(end) => Then::End {
            status: end.status,
            detail: end.detail,
        },
        Rest::Waiting { wake_at, detail } => Then::Rest {
            status: RunStatus::Waiting,
            detail,
            wake_at,
        },
        Rest::Gated { detail } => Then::Rest {
            status: RunStatus::Gated,
            detail,
            wake_at: now,
        },
    }
}

/// How a run is given back, or ends, that is stopped.
pub(super) fn halted((status, detail): (RunStatus, String), now: Timestamp) -> Then {
    if status.is_final() {
        return Then::End { status, detail };
    }
    Then::Rest {
        status,
        detail,
        wake_at: now,
    }
}

/// What a person asked of the run, as the status that it gets.
pub(super) fn stop_requested(told: &RunSignals) -> Option<(RunStatus, String)> {
    let status = match told.stop_request? {
        StopRequest::Cancel => RunStatus::Cancelled,
        StopRequest::Pause => RunStatus::Paused,
    };
    Some((status, told.stop_detail.clone()))
}
