//! What is shown of runs.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::lines::Line;
use crate::operations::gates::GateView;
use crate::outcome::{Outcome, Patch};
use crate::store::holders::Holder;
use crate::store::leases::StopRequest;
use crate::store::model_calls::StageUse;
use crate::store::named::Short;
use crate::store::runs::{ListedRun, Run, RunLimits, RunStatus};
use crate::store::stage_runs::{StageRun, UndoneVisit};
use crate::store::unreadable::Unreadable;
use crate::store::{NEVER, timestamp};

/// One execution of a pipeline.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct RunView {
    /// Its id, a UUID that sorts by time.
    pub id: String,
    /// What lists show of the id.
    pub short: String,
    /// The pipeline that it executes.
    pub pipeline: String,
    /// The revision it is pinned to.
    pub revision: i64,
    /// How it stands.
    pub status: RunStatus,
    /// Why it has this status, for a person; empty while it is under way.
    pub detail: String,
    /// What it was started with.
    pub input: Patch,
    /// Digest of the settings it reads, from its start on.
    pub settings: Option<String>,
    /// What started it: `cli`, `schedule NAME`, `policy NAME` or `fork of ID`.
    pub origin: String,
    /// Greater goes first.
    pub priority: i64,
    /// What it may do together with others.
    pub limits: LimitsView,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When a worker first had it.
    pub started_at: Option<Timestamp>,
    /// When a waiting run goes on.
    pub wake_at: Timestamp,
    /// What it took so far, gates and waiting not counted.
    pub spent_ms: u64,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What runs that share a key may do together.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "RunLimits")]
pub struct LimitsView {
    /// The key that it shares with others.
    pub key: Option<String>,
    /// Runs of the key that are carried out at a time.
    pub at_once: Option<u32>,
    /// Runs of the key that start within a window.
    pub rate: Option<u32>,
    /// The length of that window.
    pub rate_window_ms: Option<u64>,
}

/// A run whose row cannot be read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "UnreadableRun")]
pub struct UnreadableRunView {
    /// Its id, as far as it can be shown.
    pub id: String,
    /// What lists show of the id.
    pub short: String,
    /// The pipeline, as far as it can be shown.
    pub pipeline: String,
    /// Always `unreadable`, where a run has its status.
    pub status: &'static str,
    /// What cannot be read, and why.
    pub detail: String,
    /// When it was queued; 1970 if that cannot be read either.
    pub created_at: Timestamp,
}

/// A run in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum ListedView {
    Run(Box<RunView>),
    Unreadable(UnreadableRunView),
}

/// A run and how far it came.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunProgress {
    /// How it stands.
    pub run: ListedView,
    /// The visits that ended, in that order.
    pub stages: Vec<StageEnded>,
}

/// A run with all that came of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunDetails {
    /// How it stands.
    pub run: RunView,
    /// The worker that has it, or had it last.
    pub holder: Option<HolderView>,
    /// In the order in which they ended.
    pub stages: Vec<StageRunView>,
    /// What its stages took of models, in the order in which they first asked.
    pub models: Vec<StageUse>,
    /// Oldest first.
    pub gates: Vec<GateView>,
    /// Checkpoints and gates that cannot be read: which, and why.
    pub unreadable: Vec<String>,
}

/// Who has a run, and what a person asked of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Holder")]
pub struct HolderView {
    /// Grows with each change of hands.
    pub fence: i64,
    /// Grows when something outside changes the run.
    pub signals: i64,
    /// The worker that has it, or had it last.
    pub worker: Option<String>,
    /// When its lease runs out, if it has one.
    pub lease_until: Option<Timestamp>,
    /// How often a worker fell silent since the last checkpoint.
    pub recoveries: i64,
    pub stop_request: Option<StopRequest>,
    /// Who asked for it, and why.
    pub stop_detail: String,
}

/// One visit of a stage.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StageRun")]
pub struct StageRunView {
    /// The stage's id.
    pub stage: String,
    /// Which visit of the stage, from 1 on.
    pub visit: u32,
    /// Its place among the checkpoints of its run.
    pub step: i64,
    /// The handler's name, or `gate`.
    pub handler: String,
    /// Calls in the last go.
    pub attempts: u32,
    /// How often the visit was held before.
    pub holds: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// What the outcome says, for a person.
    pub detail: String,
    /// What followed: `continue`, `hold`, `skip`, `end`, `fail` or `goto:STAGE`.
    pub follow: String,
    /// How a person undid it, so that it does not count for `max_visits`.
    pub undone: Option<UndoneVisit>,
    /// Whether a later visit of this stage, or of one it needs, counts instead.
    pub superseded: bool,
    /// What was said while it was executed.
    pub log: Vec<Line>,
    /// When a held visit goes on.
    pub wake_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it came to its checkpoint.
    pub finished_at: Timestamp,
    /// From its begin to its checkpoint.
    pub took_ms: u64,
}

/// A visit of a stage came to its checkpoint.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StageEnded {
    /// The run's id.
    pub run: String,
    /// What lists show of it.
    pub short: String,
    /// The pipeline that it executes.
    pub pipeline: String,
    /// The stage's id.
    pub stage: String,
    /// Which visit of the stage, from 1 on.
    pub visit: u32,
    /// The name of its outcome: `done`, `rejected`.
    pub outcome: String,
    /// What followed.
    pub then: String,
    /// What the outcome says, for a person.
    pub detail: String,
    /// When it came to its checkpoint.
    pub finished_at: Timestamp,
    /// From its begin to its checkpoint.
    pub took_ms: u64,
}

impl StageEnded {
    pub(super) fn of(run: &Run, row: &StageRun, short: &Short) -> Self {
        let took = row.finished_at.duration_since(row.started_at);
        Self {
            run: run.id.clone(),
            short: short.show(&run.id).to_owned(),
            pipeline: run.pipeline.clone(),
            stage: row.stage.clone(),
            visit: row.visit,
            outcome: row.outcome.name().to_owned(),
            then: row.follow.to_string(),
            detail: row.outcome.detail(),
            finished_at: row.finished_at,
            took_ms: millis(took.unsigned_abs()),
        }
    }
}

impl RunView {
    /// When a run that waits for a time is looked at again.
    pub fn wakes(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = matches!(
            self.status,
            RunStatus::Waiting | RunStatus::Queued | RunStatus::Blocked
        );
        let lies_ahead = self.wake_at > now && self.wake_at < timestamp(NEVER);
        (waits && lies_ahead).then_some(self.wake_at)
    }

    pub(crate) fn of(run: Run, short: &Short) -> Self {
        Self {
            short: short.show(&run.id).to_owned(),
            id: run.id,
            pipeline: run.pipeline,
            revision: run.revision,
            status: run.status,
            detail: run.detail,
            input: run.input,
            settings: run.settings,
            origin: run.origin.to_string(),
            priority: run.priority,
            limits: LimitsView::of(run.limits),
            created_at: run.created_at,
            started_at: run.started_at,
            wake_at: run.wake_at,
            spent_ms: millis(run.spent),
            finished_at: run.finished_at,
        }
    }

    pub fn spent(&self) -> Duration {
        Duration::from_millis(self.spent_ms)
    }
}

impl LimitsView {
    fn of(limits: RunLimits) -> Self {
        Self {
            key: limits.key,
            at_once: limits.at_once,
            rate: limits.rate,
            rate_window_ms: limits.rate_window.map(millis),
        }
    }
}

impl ListedView {
    pub(super) fn of(listed: ListedRun, short: &Short) -> Self {
        match listed {
            ListedRun::Run(run) => Self::Run(Box::new(RunView::of(*run, short))),
            ListedRun::Unreadable(run) => Self::Unreadable(UnreadableRunView::of(run, short)),
        }
    }
}

impl UnreadableRunView {
    fn of(run: Unreadable, short: &Short) -> Self {
        Self {
            short: short.show(&run.id).to_owned(),
            id: run.id,
            pipeline: run.pipeline,
            status: run.status,
            detail: run.detail,
            created_at: run.created_at,
        }
    }
}

impl From<Holder> for HolderView {
    fn from(holder: Holder) -> Self {
        Self {
            fence: holder.fence,
            signals: holder.told.signals,
            worker: holder.worker,
            lease_until: holder.lease_until,
            recoveries: holder.recoveries,
            stop_request: holder.told.stop_request,
            stop_detail: holder.told.stop_detail,
        }
    }
}

impl From<StageRun> for StageRunView {
    fn from(row: StageRun) -> Self {
        let took = row.finished_at.duration_since(row.started_at);
        Self {
            handler: row.what.to_string(),
            detail: row.outcome.detail(),
            follow: row.follow.to_string(),
            took_ms: millis(took.unsigned_abs()),
            stage: row.stage,
            visit: row.visit,
            step: row.step,
            attempts: row.attempts,
            holds: row.holds,
            outcome: row.outcome,
            undone: row.undone,
            superseded: row.superseded,
            log: row.log,
            wake_at: row.wake_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

/// Whole milliseconds of a length of time.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
