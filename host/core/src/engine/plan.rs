//! What a run does next, from its definition and its checkpoints. No IO.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value as Json;

pub use crate::handler::OUTCOMES;
use crate::outcome::{self, LONGEST, Outcome, Patch, Stop};
use crate::pipeline::{Follow, Pipeline, Stage};
use crate::shown::cut;
use crate::store::runs::RunStatus;
use crate::store::stage_runs::StageRun;

/// How a run ends.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    pub status: RunStatus,
    pub detail: String,
}

/// What can begin, and what becomes of the run if nothing of it is under way.
#[derive(Debug)]
pub struct Plan<'p> {
    /// Stages to execute now, side by side.
    pub stages: Vec<&'p Stage>,
    /// Gates whose question has not been asked.
    pub gates: Vec<&'p Stage>,
    /// Stages whose conditions do not hold, and why.
    pub skips: Vec<(&'p Stage, String)>,
    /// What the run comes to when nothing is under way and nothing can begin.
    pub rest: Rest,
}

/// What a run that has nothing to do comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Rest {
    Ended(RunEnd),
    /// Held stages go on then.
    Waiting {
        wake_at: Timestamp,
        detail: String,
    },
    Gated {
        detail: String,
    },
}

/// A run as it stands.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    pub pipeline: &'a Pipeline,
    pub input: &'a Patch,
    pub rows: &'a [StageRun],
    /// Stages under way.
    pub under_way: &'a BTreeSet<String>,
    /// Gates that were asked and are not decided.
    pub asked: &'a BTreeSet<String>,
    pub now: Timestamp,
}

impl<'a> PlanInput<'a> {
    /// What can begin now.
    pub fn plan(&self) -> Plan<'a> {
        let mut plan = Plan {
            stages: Vec::new(),
            gates: Vec::new(),
            skips: Vec::new(),
            rest: self.rest(),
        };
        if live(self.rows).any(|row| ended_by(row).is_some()) {
            return plan;
        }
        for stage in self
            .pipeline
            .stages
            .iter()
            .filter(|stage| self.is_ready(stage))
        {
            match self.unmet(stage) {
                Some(why) => plan.skips.push((stage, why)),
                None if stage.gate.is_none() => plan.stages.push(stage),
                None if self.asked.contains(stage.id()) => {}
                None => plan.gates.push(stage),
            }
        }
        plan
    }

    /// Whether a stage's needs are settled and it is neither settled, held nor under way.
    fn is_ready(&self, stage: &Stage) -> bool {
        let id = stage.id();
        let held = live(self.rows)
            .filter(|row| row.stage == id && row.is_held())
            .any(|row| row.wake_at.is_some_and(|at| at > self.now));
        !self.settled(id)
            && !held
            && !self.under_way.contains(id)
            && stage.needed().all(|need| self.settled(need))
    }

    fn settled(&self, stage: &str) -> bool {
        live(self.rows).any(|row| row.stage == stage && !row.is_held())
    }

    fn unmet(&self, stage: &Stage) -> Option<String> {
        if stage.when.is_empty() {
            return None;
        }
        let keys = keys(self.input, self.rows);
        stage
            .when
            .iter()
            .find_map(|condition| condition.unmet(&keys))
    }

    fn rest(&self) -> Rest {
        let ends = live(self.rows).filter_map(ended_by);
        if let Some(end) = ends.max_by_key(|end| gravity(end.status)) {
            return Rest::Ended(end);
        }
        let held = live(self.rows).filter(|row| row.is_held());
        let first = held.min_by_key(|row| row.wake_at);
        if let Some((row, wake_at)) = first.and_then(|row| Some((row, row.wake_at?))) {
            let detail = format!("{}: {}", row.stage, row.outcome.detail());
            return Rest::Waiting { wake_at, detail };
        }
        if let Some(gate) = self.asked.first() {
            let stage = self.pipeline.stage(gate);
            let question = stage.map(|stage| question(stage, self.rows));
            let question = question.unwrap_or_default();
            let detail = format!("{gate}: {question}");
            return Rest::Gated { detail };
        }
        Rest::Ended(self.last())
    }

    /// The end of a run in which no stage can begin: all are settled, or some never can be.
    fn last(&self) -> RunEnd {
        let open = self.pipeline.stages.iter().map(Stage::id);
        let open: Vec<_> = open.filter(|id| !self.settled(id)).collect();
        if open.is_empty() {
            return RunEnd {
                status: RunStatus::Done,
                detail: summary(self.rows),
            };
        }
        RunEnd {
            status: RunStatus::Failed,
            detail: format!("stages that nothing lets begin: {}", open.join(", ")),
        }
    }
}

/// The checkpoints that count.
pub fn live(rows: &[StageRun]) -> impl Iterator<Item = &StageRun> {
    rows.iter().filter(|row| !row.superseded)
}

/// The key under which a stage that is visited anew reads why.
pub const FEEDBACK: &str = "feedback";

/// Who says a key: the stage whose checkpoint has it, or whoever started the run.
pub type Speaker<'a> = Option<&'a StageRun>;

/// Every key there is: the run's input, what its stages wrote, and why a loop went back.
pub fn keys(input: &Patch, rows: &[StageRun]) -> Patch {
    keys_that(input, rows, |_, _| true)
}

/// The keys of some names, as they are said by those who count.
pub fn keys_that(
    input: &Patch,
    rows: &[StageRun],
    wanted: impl Fn(&str, Speaker<'_>) -> bool,
) -> Patch {
    let mut keys = Patch::new();
    let mut add = |patch: &Patch, speaker: Speaker<'_>| {
        let wanted = patch.iter().filter(|(key, _)| wanted(key, speaker));
        keys.extend(wanted.map(|(key, value)| (key.clone(), value.clone())));
    };
    add(input, None);
    // Also of a visit that was undone since: why the loop went back has not changed by that.
    let back = last_back(rows);
    for (index, row) in rows.iter().enumerate() {
        // What it was sent back with is there until a stage writes it anew.
        if let Some(patch) = row.outcome.patch()
            && (!row.superseded || back == Some(index))
        {
            add(patch, Some(row));
        }
    }
    if let Some(row) = back
        .map(|index| &rows[index])
        .filter(|row| wanted(FEEDBACK, Some(row)))
    {
        let why = match &row.outcome {
            Outcome::Stopped(Stop::Rejected { detail, .. }) => detail.clone(),
            other => other.detail(),
        };
        keys.insert(FEEDBACK.to_owned(), why.into());
    }
    keys
}

/// Where a loop, or a person at a gate, sent the run back last.
fn last_back(rows: &[StageRun]) -> Option<usize> {
    let mut rows = rows.iter();
    rows.rposition(|row| matches!(row.follow, Follow::Goto(_)))
}

/// Whether it was sent back to this very stage, and not to one before it.
pub fn is_sent_back(rows: &[StageRun], stage: &str) -> bool {
    let back = last_back(rows).map(|index| &rows[index].follow);
    matches!(back, Some(Follow::Goto(target)) if target == stage)
}

/// What a gate asks, and what the stages before it flagged.
pub fn question(gate: &Stage, rows: &[StageRun]) -> String {
    let question = gate.gate.as_ref().map(|gate| gate.get_ref().as_str());
    let question = question.unwrap_or_default();
    let flags = live(rows).flat_map(|row| row.outcome.flags());
    let flags: Vec<&str> = flags.map(String::as_str).collect();
    if flags.is_empty() {
        return question.to_owned();
    }
    cut(
        format!("{question} (flagged: {})", flags.join("; ")),
        LONGEST,
    )
}

/// What came of the stages that a stage needs, by id: for each its handler, its outcome as it is
/// kept, and with it what it handed on.
pub fn outcomes(stage: &Stage, rows: &[StageRun]) -> Json {
    let needed: BTreeSet<&str> = stage.needed().collect();
    let rows = live(rows).filter(|row| needed.contains(row.stage.as_str()) && !row.is_held());
    let told = rows.map(|row| {
        let mut told = serde_json::to_value(&row.outcome).unwrap_or_default();
        if let (Some(told), Some(handler)) = (told.as_object_mut(), row.what.handler()) {
            told.insert("handler".to_owned(), handler.into());
        }
        (row.stage.clone(), told)
    });
    Json::Object(told.collect())
}

/// How a checkpoint ended its run, if it did.
pub fn ended_by(row: &StageRun) -> Option<RunEnd> {
    let status = match row.follow {
        Follow::End => ending(&row.outcome),
        Follow::Fail => RunStatus::Failed,
        Follow::Continue | Follow::Hold | Follow::Skip | Follow::Goto(_) => return None,
    };
    Some(RunEnd {
        status,
        detail: format!("{}: {}", row.stage, row.outcome.detail()),
    })
}

/// The fixed table from the outcome that ended a run to the run's status.
pub fn ending(outcome: &Outcome) -> RunStatus {
    match outcome {
        Outcome::Done(_) => RunStatus::Done,
        Outcome::Stopped(Stop::NothingToDo { .. }) => RunStatus::NothingToDo,
        Outcome::Stopped(Stop::Rejected { .. }) => RunStatus::Rejected,
        Outcome::Stopped(Stop::Deferred { .. } | Stop::Unavailable { .. }) => {
            RunStatus::Unavailable
        }
        Outcome::Stopped(Stop::Failed(_)) => RunStatus::Failed,
    }
}

/// Of several branches that ended a run, the gravest gives its status.
fn gravity(status: RunStatus) -> u8 {
    match status {
        RunStatus::Failed => 4,
        RunStatus::Rejected => 3,
        RunStatus::Unavailable => 2,
        RunStatus::NothingToDo => 1,
        _ => 0,
    }
}

/// What a run came to, for a person: its effects, those of one name together, and what else its
/// stages say.
fn summary(rows: &[StageRun]) -> String {
    let mut effects: Vec<(&str, u64)> = Vec::new();
    let (mut stops, mut fallbacks) = (Vec::new(), Vec::new());
    for row in live(rows) {
        let done = match &row.outcome {
            Outcome::Done(done) => done,
            Outcome::Stopped(stop) => {
                stops.push(stop.to_string());
                continue;
            }
        };
        fallbacks.extend(done.flags.iter().map(|why| format!("flagged: {why}")));
        fallbacks.extend(done.fallbacks.iter().map(ToString::to_string));
        for (name, count) in done.effects.iter() {
            match effects.iter_mut().find(|(known, _)| known == name) {
                Some((_, total)) => *total = total.saturating_add(*count),
                None => effects.push((name, *count)),
            }
        }
    }
    let effects = effects
        .iter()
        .map(|(name, count)| format!("{name} {count}"));
    let told = effects.chain(stops).collect::<Vec<_>>().join(", ");
    outcome::sentence(std::iter::once(told).chain(fallbacks))
}

/// The place of the newest checkpoint; 0 if there is none.
pub fn newest(rows: &[StageRun]) -> i64 {
    rows.iter().map(|row| row.step).max().unwrap_or_default()
}

/// Whether the run has gone back behind a stage after that checkpoint: what was begun before is
/// not what the run goes on from.
pub fn went_back(pipeline: &Pipeline, rows: &[StageRun], stage: &str, since: i64) -> bool {
    let after = rows.iter().filter(|row| row.step > since);
    after
        .filter_map(|row| match &row.follow {
            Follow::Goto(target) => Some(target),
            _ => None,
        })
        .any(|target| pipeline.downstream(target).contains(stage))
}

/// Visits of a stage so far. One that is held does not count, and what a person undid neither:
/// after a retry a loop has all its turns again.
pub fn visits(rows: &[StageRun], stage: &str) -> u32 {
    let visits = rows
        .iter()
        .filter(|row| row.stage == stage && !row.is_held() && row.undone.is_none());
    u32::try_from(visits.count()).unwrap_or(u32::MAX)
}

/// The visit of a stage that begins or goes on now.
pub fn next_visit(rows: &[StageRun], stage: &str) -> u32 {
    let of_stage = || rows.iter().filter(|row| row.stage == stage);
    if let Some(held) = of_stage().find(|row| row.is_held() && !row.superseded) {
        return held.visit;
    }
    of_stage().map(|row| row.visit).max().unwrap_or_default() + 1
}

/// What follows in fact; of a `goto` past its bound, why it can't be.
pub fn bounded(pipeline: &Pipeline, rows: &[StageRun], follow: Follow) -> Result<Follow, String> {
    let Follow::Goto(target) = &follow else {
        return Ok(follow);
    };
    let Some(stage) = pipeline.stage(target) else {
        return Err(format!("there is no stage `{target}` to go to"));
    };
    let visits = visits(rows, target);
    if visits >= stage.max_visits {
        return Err(format!(
            "stage `{target}` has had its {visits} visits (max_visits)"
        ));
    }
    Ok(follow)
}

#[cfg(test)]
mod tests;
