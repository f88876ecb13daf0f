//! What is kept of a stage, and what becomes of its run. No IO.

use std::time::Duration;

use jiff::Timestamp;

use super::clock::after;
use super::plan;
use super::stage::{Ended, Work};
use crate::grants::Grants;
use crate::lines;
use crate::outcome::{FailureKind, Outcome, Stop};
use crate::pipeline::{Follow, Pipeline, Stage};
use crate::store::effects::Effect;
use crate::store::gates::Gate;
use crate::store::runs::Run;
use crate::store::stage_runs::StageRun;
use crate::store::{StoreError, StoreErrorKind};
use crate::value::Statement;

/// The shortest pause of a held stage, whatever it asks for.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);
/// The first pause of a held stage that names no time; it doubles up to [`LONGEST_HOLD`].
const FIRST_HOLD: Duration = Duration::from_secs(5);
const LONGEST_HOLD: Duration = Duration::from_secs(300);

/// A stage's checkpoint as it will be kept.
pub(super) struct Kept {
    pub(super) row: StageRun,
    /// Stages that are visited anew.
    pub(super) superseded: Vec<String>,
    pub(super) writes: Vec<Statement>,
    pub(super) plugin: Option<(String, Grants)>,
}

/// What is kept of a stage that ended, after the checkpoints so far.
pub(super) fn keep(work: &Work, rows: &[StageRun], mut ended: Ended, now: Timestamp) -> Kept {
    let stage = &work.pipeline.stages[ended.index];
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
        handler: stage.what(),
        attempts: ended.attempts,
        holds: held.map_or(0, |held| held.holds + 1),
        outcome: ended.outcome,
        follow: String::new(),
        superseded: false,
        log: lines::joined(held.map_or(&[], |held| &held.log), ended.log),
        wake_at: None,
        started_at: held.map_or(ended.started_at, |held| held.started_at),
        finished_at: now,
    };
    let mut kept = Kept {
        plugin: plugin_of(work, stage),
        row,
        superseded: Vec::new(),
        writes,
    };
    kept.decide(&work.pipeline, stage, rows);
    kept
}

impl Kept {
    /// Find what follows from the outcome in fact: a loop past its bound is a failure, and so is
    /// a stage that wants to be called again when its run may not go on any more.
    fn decide(&mut self, pipeline: &Pipeline, stage: &Stage, rows: &[StageRun]) {
        let row = &mut self.row;
        let mut follow = bounded(pipeline, stage, rows, &mut row.outcome);
        if follow == Follow::Hold {
            let budget = pipeline.budget;
            let wake_at = wake(&row.outcome, row.holds, row.finished_at);
            // A clock that was set back is no time that has passed.
            let lasts = |until: Timestamp| {
                Duration::try_from(until.duration_since(row.started_at)).unwrap_or_default()
            };
            if let Outcome::Stopped(Stop::Deferred { .. }) = row.outcome
                && lasts(wake_at) > budget.0
            {
                let detail = row.outcome.detail();
                let problem =
                    format!("{detail}; the run may wait {budget} (`budget`) and no longer");
                row.outcome = Outcome::Stopped(Stop::failed(FailureKind::Timeout, problem));
                follow = bounded(pipeline, stage, rows, &mut row.outcome);
            }
            // Waiting has no right to more time than the whole run has.
            if follow == Follow::Hold && lasts(row.finished_at) > budget.0 {
                follow = Follow::End;
            }
            row.wake_at = (follow == Follow::Hold).then_some(wake_at);
        }
        self.superseded = match &follow {
            Follow::Goto(target) => pipeline.downstream(target).into_iter().collect(),
            _ => Vec::new(),
        };
        row.follow = follow.to_string();
    }

    /// What is to be kept was refused for good: that is the stage's failure, in the words of
    /// whoever refused it.
    pub(super) fn refuse(&mut self, pipeline: &Pipeline, rows: &[StageRun], error: &StoreError) {
        let Some(stage) = pipeline.stage(&self.row.stage) else {
            return;
        };
        let what = if self.writes.is_empty() {
            "its checkpoint"
        } else {
            "its checkpoint, with a deferred write,"
        };
        let kind = match error.kind {
            StoreErrorKind::Denied => FailureKind::Denied,
            _ => FailureKind::Internal,
        };
        let stale = self.row.superseded;
        self.writes.clear();
        self.row.log.clear();
        self.row.wake_at = None;
        self.row.outcome =
            Outcome::Stopped(Stop::failed(kind, format!("{what} was refused: {error}")));
        self.decide(pipeline, stage, rows);
        if stale {
            self.superseded.clear();
        }
    }
}

/// What a stage's table says follows; a loop past its bound is a failure instead.
fn bounded(pipeline: &Pipeline, stage: &Stage, rows: &[StageRun], outcome: &mut Outcome) -> Follow {
    match plan::bounded(pipeline, rows, stage.follow(outcome.name())) {
        Ok(follow) => follow,
        Err(problem) => {
            let detail = format!("{}; {problem}", outcome.detail());
            *outcome = Outcome::Stopped(Stop::failed(FailureKind::Config, detail));
            Follow::End
        }
    }
}

pub(super) fn next_step(rows: &[StageRun]) -> i64 {
    rows.iter().map(|row| row.step).max().unwrap_or_default() + 1
}

/// When a held stage goes on. Whoever names no time, or one that has passed, is asked less and
/// less often; nobody is asked again before a second has passed.
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
        handler: stage.what(),
        attempts: 0,
        holds: 0,
        outcome: Outcome::Stopped(Stop::nothing_to_do(reason)),
        follow: Follow::Skip.to_string(),
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

/// What the ledger learns of a scheduled run that ends; of others it learns nothing.
pub(super) fn effects(run: &Run, rows: &[StageRun]) -> Vec<Effect> {
    if !run.origin.starts_with("schedule") && !run.pipeline.starts_with("policy:") {
        return Vec::new();
    }
    let live = plan::live(rows).filter(|row| row.handler.contains('.'));
    live.map(|row| {
        let effects = match &row.outcome {
            Outcome::Done(done) => {
                let counts = done.effects.values();
                counts.fold(0, |sum: u64, count| sum.saturating_add(*count))
            }
            Outcome::Stopped(_) => 0,
        };
        Effect {
            pipeline: run.pipeline.clone(),
            handler: row.handler.clone(),
            outcome: row.outcome.name(),
            success: matches!(row.outcome.name(), "done" | "nothing-to-do"),
            effects,
        }
    })
    .collect()
}

/// Whether what a checkpoint brings is refused however often it is tried. A right that is
/// missing is the plugin's, if it is about its deferred writes.
pub(super) fn is_refused(kept: Option<&Kept>, error: &StoreError) -> bool {
    let writes = kept.is_some_and(|kept| !kept.writes.is_empty());
    error.is_for_good() || (writes && error.kind == StoreErrorKind::Denied)
}
