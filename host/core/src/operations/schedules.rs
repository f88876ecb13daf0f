//! Schedules: what starts by itself, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::runs::millis;
use super::{ErrorKind, OperationError, named};
use crate::app::App;
use crate::engine::schedule;
use crate::outcome::Patch;
use crate::schedule::Zone;
use crate::span::Span;
use crate::store::named::{self as names, Short};
use crate::store::runs::RunStatus;
use crate::store::schedules::{self, Cadence, PlannedStart, ScheduleState, Timetable};

pub use crate::schedule::Overlap;
pub use crate::store::schedules::Fired;

/// How many of the times to come are told.
const NEXT: usize = 5;

/// What starts by itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Schedule")]
pub struct ScheduleView {
    /// Its name.
    pub name: String,
    /// The pipeline that it starts.
    pub starts: String,
    /// What its runs are started with.
    pub input: Patch,
    /// When, for a person: `at 06:00, Europe/Berlin`, or `24h after each run`.
    pub when: String,
    /// The time zone of its clock.
    pub zone: String,
    /// Whether it fires by itself.
    pub enabled: bool,
    /// The id of the last run.
    pub last_run: Option<String>,
    /// What lists show of it.
    pub last_run_short: Option<String>,
    /// How the last run stands; nothing, if it is gone from the history.
    pub last_status: Option<RunStatus>,
    /// When the last run was queued.
    pub last_started_at: Option<Timestamp>,
    /// Occurrences that passed because a run was under way.
    pub skipped: u64,
    /// Occurrences that were missed by more than they may be late.
    pub dropped: u64,
    /// The next times; only one, if it depends on the end of a run.
    pub next: Vec<Occurrence>,
    /// What happens if the run before has not ended; nothing else than by the clock.
    pub overlap: Option<Overlap>,
    /// The gate at which it stops: while a run waits there, it starts no other.
    pub stops_at: Option<String>,
    /// How late an occurrence may be, by the clock.
    pub catch_up_ms: Option<u64>,
    /// The longest time between an occurrence and the start of its run, by the clock.
    pub jitter_ms: Option<u64>,
}

/// A time at which a schedule fires.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Occurrence {
    /// When.
    pub utc: Timestamp,
    /// The same in its zone, for a person.
    pub local: String,
}

/// Every schedule of pipelines and policies, by name.
pub async fn list(app: &App) -> Result<Vec<ScheduleView>, OperationError> {
    let clock = ScheduleBoard::of(app).await?;
    let all = clock.plan.schedules.iter();
    Ok(all
        .map(|(name, planned)| clock.view(name, planned))
        .collect())
}

/// The schedule of a name, or of the only name that starts so.
pub async fn show(app: &App, wanted: &str) -> Result<ScheduleView, OperationError> {
    let clock = ScheduleBoard::of(app).await?;
    let (name, planned) = clock.named(wanted)?;
    Ok(clock.view(name, planned))
}

/// Start a run of a schedule now, whatever the clock. `overlap` counts as if it had come by itself.
/// Gives what came of it, and the pipeline.
pub async fn fire(app: &App, wanted: &str) -> Result<(Fired, String), OperationError> {
    let clock = ScheduleBoard::of(app).await?;
    let (name, planned) = clock.named(wanted)?;
    let fired = schedules::fire_now(app.store(), name, planned.clone()).await?;
    if fired.runs.is_empty() {
        let problem = format!("the run before it of `{name}` has not ended; none is started");
        let mend = "`callboard runs list` shows it; `callboard runs cancel` ends it";
        return Err(OperationError::failed(problem).mend(mend));
    }
    Ok((fired, planned.run.pipeline.clone()))
}

/// The plan of the active revision, and how it fared.
pub(super) struct ScheduleBoard {
    plan: Arc<Timetable>,
    kept: BTreeMap<String, ScheduleState>,
    /// The ids of the last runs.
    runs: Short,
    /// The gates at which schedules stop, by the name of the schedule.
    stops: BTreeMap<String, String>,
    now: Timestamp,
}

impl ScheduleBoard {
    pub(super) async fn of(app: &App) -> Result<Self, OperationError> {
        let revision = app.active().await?.revision;
        let kept = schedules::all(app.store()).await?;
        let runs = kept.values().filter_map(|kept| kept.last_run.as_deref());
        let runs = Short::of(app.store(), &names::RUN, runs).await?;
        let plan = app.plan(revision).await?;
        Ok(Self {
            stops: app.stops(&plan).await?,
            plan,
            kept,
            runs,
            now: Timestamp::now(),
        })
    }

    fn named(&self, name: &str) -> Result<(&str, &PlannedStart), OperationError> {
        let all = &self.plan.schedules;
        if let Some((name, planned)) = all.get_key_value(name) {
            return Ok((name, planned));
        }
        let mut like = all.iter().filter(|(known, _)| known.starts_with(name));
        let list = "callboard schedules list";
        match (like.next(), like.next()) {
            (Some((name, planned)), None) => Ok((name, planned)),
            (None, _) => {
                // The start of a name will do, such as its pipeline.
                let pipelines = all.values().map(|it| it.run.pipeline.as_str());
                let known = pipelines.chain(all.keys().map(String::as_str));
                Err(named::unknown("schedule", name, known, list))
            }
            _ => {
                let problem = format!("more than one schedule starts with `{name}`");
                let error = OperationError::new(ErrorKind::Unknown, problem);
                Err(error.mend(format!("`{list}` names them")))
            }
        }
    }

    /// When it fires the next times; only once, if that depends on the end of a run.
    fn next(&self, name: &str, planned: &PlannedStart) -> Vec<Timestamp> {
        let kept = self.kept.get(name).and_then(|kept| kept.next_at);
        if !planned.enabled {
            return Vec::new();
        }
        match &planned.cadence {
            Cadence::Clock(schedule) => {
                let next = kept.or_else(|| schedule.next(self.now));
                let times = std::iter::successors(next, |at| schedule.next(*at));
                times.take(NEXT).collect()
            }
            Cadence::Pause(_) => kept.into_iter().collect(),
        }
    }

    /// When a pipeline starts next by itself.
    pub(super) fn next_of(&self, pipeline: &str) -> Option<Timestamp> {
        let all = self.plan.schedules.iter();
        let of = all.filter(|(_, planned)| planned.run.pipeline == pipeline);
        of.filter_map(|(name, planned)| self.next(name, planned).first().copied())
            .min()
    }

    fn view(&self, name: &str, planned: &PlannedStart) -> ScheduleView {
        let zone = zone(planned);
        let next = self.next(name, planned).into_iter();
        let kept = self.kept.get(name);
        let last_run = kept.and_then(|kept| kept.last_run.clone());
        let clock = match &planned.cadence {
            Cadence::Clock(schedule) => Some(schedule),
            Cadence::Pause(_) => None,
        };
        ScheduleView {
            name: name.to_owned(),
            starts: planned.run.pipeline.clone(),
            input: planned.run.input.clone(),
            when: describe(planned),
            zone: zone.to_string(),
            enabled: planned.enabled,
            last_run_short: last_run.as_ref().map(|run| self.runs.show(run).to_owned()),
            last_run,
            last_status: kept.and_then(|kept| kept.last_status),
            last_started_at: kept.and_then(|kept| kept.last_started),
            skipped: kept.map_or(0, |kept| kept.skipped),
            dropped: kept.map_or(0, |kept| kept.dropped),
            next: next.map(|at| Occurrence::of(&zone, at)).collect(),
            overlap: clock.map(|schedule| schedule.overlap),
            stops_at: self.stops.get(name).cloned(),
            catch_up_ms: clock.map(|schedule| millis(schedule.catch_up.0)),
            jitter_ms: clock.map(|schedule| millis(schedule.jitter.0)),
        }
    }
}

impl ScheduleView {
    /// How late an occurrence may be.
    pub fn catch_up(&self) -> Span {
        Span(Duration::from_millis(self.catch_up_ms.unwrap_or_default()))
    }

    /// The longest time between an occurrence and the start of its run.
    pub fn jitter(&self) -> Span {
        Span(Duration::from_millis(self.jitter_ms.unwrap_or_default()))
    }

    /// What it means that it stops at a gate, if it does.
    pub fn stops(&self) -> Option<String> {
        let gate = self.stops_at.as_ref()?;
        Some(format!(
            "starts no run while one waits at gate `{gate}`; {}",
            schedule::goes_on(gate)
        ))
    }
}

impl Occurrence {
    fn of(zone: &Zone, at: Timestamp) -> Self {
        let local = zone.local(at).strftime("%Y-%m-%d %H:%M:%S%:z");
        Self {
            utc: at,
            local: local.to_string(),
        }
    }
}

fn describe(planned: &PlannedStart) -> String {
    match &planned.cadence {
        Cadence::Clock(schedule) => schedule.describe(),
        Cadence::Pause(pause) => format!("{} after each run", Span(*pause)),
    }
}

fn zone(planned: &PlannedStart) -> Zone {
    match &planned.cadence {
        Cadence::Clock(schedule) => schedule.zone(),
        Cadence::Pause(_) => Zone::default(),
    }
}
