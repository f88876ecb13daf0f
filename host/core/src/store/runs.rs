//! `open_runs` and `history`: one execution of a pipeline each, and how it ended.
//!
//! A run that has not ended is in `open_runs`, which stays small; one that has ended is in
//! `history`. The view `runs` shows both. The worker that carries a run out holds a lease with a
//! fence, a number that grows whenever the run changes hands ([`claims`](super::claims),
//! [`leases`](super::leases)), and each write carries it ([`checkpoints`](super::checkpoints)).

mod origin;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::origin::RunOrigin;
use super::unreadable::Unreadable;
use super::{Dialect, Store, StoreError, Transaction, batch, storable};
use crate::outcome::Patch;
use crate::policy;
use crate::value::form::{json, micros, text};
use crate::value::{Query, Row, Statement};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "runs")]
pub struct Run {
    pub id: String,
    pub pipeline: String,
    /// The revision it is pinned to.
    pub revision: i64,
    pub status: RunStatus,
    /// Why it has this status, for a person. The worker that claims it is told why it had the one
    /// before; else it is empty while it is under way.
    pub detail: String,
    #[serde(skip_serializing, deserialize_with = "json::deserialize")]
    pub input: Patch,
    /// Digest of the settings it reads, from its start on.
    pub settings: Option<String>,
    /// What started it.
    #[serde(with = "text")]
    pub origin: RunOrigin,
    /// Greater goes first.
    pub priority: i64,
    pub limits: RunLimits,
    #[serde(with = "micros")]
    pub created_at: Timestamp,
    #[serde(with = "micros")]
    pub started_at: Option<Timestamp>,
    /// When a waiting run goes on.
    #[serde(with = "micros")]
    pub wake_at: Timestamp,
    /// What it took so far, gates and waiting not counted.
    #[serde(with = "micros")]
    pub spent: Duration,
    #[serde(with = "micros")]
    pub finished_at: Option<Timestamp>,
}

impl Run {
    /// Whether it is expected again and again: the ledger keeps how it fares.
    pub fn recurs(&self) -> bool {
        matches!(self.origin, RunOrigin::Schedule(_) | RunOrigin::Policy(_))
            || policy::of_pipeline(&self.pipeline).is_some()
    }
}

/// What runs that share a key may do together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    #[serde(rename = "limit_key")]
    pub key: Option<String>,
    /// Runs of the key that are carried out at a time.
    pub at_once: Option<u32>,
    /// Runs of the key that start within a window.
    pub rate: Option<u32>,
    #[serde(with = "micros")]
    pub rate_window: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// A worker takes it as soon as one has room.
    Queued,
    /// A worker has it.
    Running,
    /// Something is not there right now; the run goes on by itself.
    Waiting,
    /// A person has to decide.
    Gated,
    /// A person stopped it for a while.
    Paused,
    /// It cannot go on until what its detail names is mended.
    Blocked,
    /// It ended, and its work is done.
    Done,
    /// It ended, and there was nothing to do.
    NothingToDo,
    /// It ended by a decision, of a rule or of a person.
    Rejected,
    /// It ended because something it depends on did not answer.
    Unavailable,
    /// It ended by a failure.
    Failed,
    /// A person ended it.
    Cancelled,
}

/// Columns that a run has in both tables.
pub(super) const SHARED: &str = "id, pipeline, revision, input, settings, origin, \
    priority, limit_key, at_once, rate, rate_window, created_at, started_at, spent, fence, signals";

const STATUSES: [(RunStatus, &str); 12] = [
    (RunStatus::Queued, "queued"),
    (RunStatus::Running, "running"),
    (RunStatus::Waiting, "waiting"),
    (RunStatus::Gated, "gated"),
    (RunStatus::Paused, "paused"),
    (RunStatus::Blocked, "blocked"),
    (RunStatus::Done, "done"),
    (RunStatus::NothingToDo, "nothing-to-do"),
    (RunStatus::Rejected, "rejected"),
    (RunStatus::Unavailable, "unavailable"),
    (RunStatus::Failed, "failed"),
    (RunStatus::Cancelled, "cancelled"),
];

impl RunStatus {
    pub fn as_str(self) -> &'static str {
        STATUSES
            .iter()
            .find(|(status, _)| *status == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether nothing follows any more.
    pub fn is_final(self) -> bool {
        use RunStatus::{Blocked, Gated, Paused, Queued, Running, Waiting};
        !matches!(self, Queued | Running | Waiting | Gated | Paused | Blocked)
    }

    /// The status of a name.
    pub fn parse(name: &str) -> Option<Self> {
        let found = STATUSES.iter().find(|(_, known)| *known == name);
        found.map(|(status, _)| *status)
    }

    /// The names of all of them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        STATUSES.iter().map(|(_, name)| *name)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Keep a run that has not started. The database's clock says when it was created; it is due
/// as long after that as `wake_at` is after `created_at`.
pub fn insert(run: &Run, dialect: Dialect) -> Result<Statement, StoreError> {
    let input = storable::patch(&run.input)?;
    if let Some(key) = &run.limits.key {
        storable::key("key of its limits", key)?;
    }
    let now = batch::now(dialect);
    let sql = format!(
        "INSERT INTO open_runs (id, pipeline, revision, status, detail, input, settings, origin, \
            priority, limit_key, at_once, rate, rate_window, created_at, wake_at, spent, \
            fence, lease_until, recoveries, signals) \
        VALUES (:id, :pipeline, :revision, :status, :detail, :input, :settings, :origin, \
            :priority, :limit_key, :at_once, :rate, :rate_window, {now}, {now} + :delay, :spent, \
            0, 0, 0, 0)"
    );
    let delay = run.wake_at.duration_since(run.created_at);
    let new = NewRun {
        run,
        input,
        delay: delay.try_into().unwrap_or_default(),
    };
    Ok(Statement::named(&sql, &new))
}

#[derive(Serialize)]
struct NewRun<'r> {
    run: &'r Run,
    input: String,
    #[serde(with = "micros")]
    delay: Duration,
}

/// The columns of a run but for `finished_at`, which only one that has ended has.
pub(super) const COLUMNS: &str = "id, pipeline, revision, status, detail, input, settings, origin, \
    priority, limit_key, at_once, rate, rate_window, created_at, started_at, wake_at, spent";

/// The columns of an open run.
pub(super) fn open_columns() -> String {
    format!("{COLUMNS}, CAST(NULL AS BIGINT) AS finished_at")
}

/// The columns of a run in the history.
pub(super) fn ended_columns() -> String {
    let columns = COLUMNS.replace("wake_at", "finished_at AS wake_at");
    format!("{columns}, finished_at")
}

/// A run as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ListedRun {
    Run(Box<Run>),
    Unreadable(Unreadable),
}

impl ListedRun {
    fn of(row: Row<'_>) -> Self {
        match row.read::<Run>() {
            Ok(mut run) => {
                // Of one under way it is what was said before a worker took it.
                if run.status == RunStatus::Running {
                    run.detail.clear();
                }
                ListedRun::Run(Box::new(run))
            }
            Err(error) => ListedRun::Unreadable(Unreadable::of(row, &error.into())),
        }
    }

    pub fn id(&self) -> &str {
        match self {
            ListedRun::Run(run) => &run.id,
            ListedRun::Unreadable(run) => &run.id,
        }
    }

    /// The run, if it can be read.
    pub fn run(self) -> Option<Run> {
        match self {
            ListedRun::Run(run) => Some(*run),
            ListedRun::Unreadable(_) => None,
        }
    }
}

/// The run of an id; one that cannot be read is an error.
pub async fn by_id(store: &Store, id: &str) -> Result<Option<Run>, StoreError> {
    match listed(store, id).await? {
        None => Ok(None),
        Some(ListedRun::Run(run)) => Ok(Some(*run)),
        Some(ListedRun::Unreadable(run)) => Err(StoreError::internal(format!(
            "run {0} cannot be read: {1}; `callboard runs cancel {0}` ends it, and `callboard runs \
             prune {0}` removes one that has ended",
            run.id, run.detail
        ))),
    }
}

/// The run of an id, readable or not.
pub async fn listed(store: &Store, id: &str) -> Result<Option<ListedRun>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, finished_at FROM runs WHERE id = $1 LIMIT 1");
    let rows = store.query(Statement::new(sql).bind(id)).await?;
    Ok(rows.first().map(ListedRun::of))
}

/// Which runs to list; without anything, all of them.
#[derive(Debug, Clone, Default)]
pub struct Only<'a> {
    pub status: Option<RunStatus>,
    pub pipeline: Option<&'a str>,
}

/// Runs, newest first.
pub async fn newest(
    store: &Store,
    limit: u32,
    only: Only<'_>,
) -> Result<Vec<ListedRun>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, finished_at FROM runs \
        WHERE ($2 = '' OR status = $2) AND ($3 = '' OR pipeline = $3) \
        ORDER BY created_at DESC, id DESC LIMIT $1"
    );
    let statement = Statement::new(sql)
        .bind(limit)
        .bind(only.status.map_or("", RunStatus::as_str))
        .bind(only.pipeline.unwrap_or_default());
    let rows = store.query(statement).await?;
    Ok(rows.iter().map(ListedRun::of).collect())
}

/// Runs that have not ended, newest first.
pub async fn open(store: &Store, limit: u32) -> Result<Vec<ListedRun>, StoreError> {
    let columns = open_columns();
    let sql = format!("SELECT {columns} FROM open_runs ORDER BY created_at DESC, id DESC LIMIT $1");
    let rows = store.query(Statement::new(sql).bind(limit)).await?;
    Ok(rows.iter().map(ListedRun::of).collect())
}

/// Whether a run of a pipeline has not ended.
pub async fn is_open(
    transaction: &mut Transaction<'_>,
    pipeline: &str,
) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM open_runs WHERE pipeline = $1 LIMIT 1";
    let open: Option<String> = transaction
        .read_first(Query::new(sql).bind(pipeline))
        .await?;
    Ok(open.is_some())
}

pub(super) fn micros(duration: Duration) -> i64 {
    micros::Micros::number(&duration)
}
