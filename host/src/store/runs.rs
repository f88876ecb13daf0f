//! `runs`: one execution of a pipeline each, its lease, and how it ended.
//!
//! Whoever works on a run holds a lease with a fence, a number that grows with every claim.
//! Each write carries the fence; a worker that lost its lease is refused. Lease times are
//! the database's clock.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Dialect, Store, StoreError, StoreErrorKind, Transaction, timestamp};
use crate::outcome::Patch;
use crate::value::{Row, Statement};

/// How long a lease lasts without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    pub id: String,
    pub pipeline: String,
    /// The revision it is pinned to.
    pub revision: i64,
    pub status: RunStatus,
    /// Why it has this status, for a person.
    pub detail: String,
    pub input: Patch,
    /// Digest of the settings it reads.
    pub settings: String,
    pub created_at: Timestamp,
    /// When a waiting run goes on.
    pub wake_at: Timestamp,
    /// What its stages took so far, gates and waiting not counted.
    pub spent: Duration,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    Queued,
    Running,
    /// Something is not there right now; the run goes on by itself.
    Waiting,
    /// A person has to decide.
    Gated,
    Done,
    NothingToDo,
    Rejected,
    Unavailable,
    Failed,
    Cancelled,
}

const STATUSES: [(RunStatus, &str); 10] = [
    (RunStatus::Queued, "queued"),
    (RunStatus::Running, "running"),
    (RunStatus::Waiting, "waiting"),
    (RunStatus::Gated, "gated"),
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
        !matches!(
            self,
            RunStatus::Queued | RunStatus::Running | RunStatus::Waiting | RunStatus::Gated
        )
    }

    fn parse(name: &str) -> Result<Self, StoreError> {
        let found = STATUSES.iter().find(|(_, known)| *known == name);
        found
            .map(|(status, _)| *status)
            .ok_or_else(|| StoreError::internal(format!("`{name}` is no status of a run")))
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The right to work on a run until the lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub run: Run,
    pub fence: i64,
}

/// Queue a run.
pub fn insert(run: &Run) -> Result<Statement, StoreError> {
    let input = serde_json::to_string(&run.input)
        .map_err(|error| StoreError::internal(format!("input: {error}")))?;
    let sql = "INSERT INTO runs (id, pipeline, revision, status, detail, input, settings, \
        created_at, wake_at, spent, finished_at, fence, lease_until) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, 0, 0)";
    Ok(Statement::new(sql)
        .bind(&run.id)
        .bind(&run.pipeline)
        .bind(run.revision)
        .bind(run.status.as_str())
        .bind(&run.detail)
        .bind(input)
        .bind(&run.settings)
        .bind(run.created_at.as_microsecond())
        .bind(run.wake_at.as_microsecond())
        .bind(micros(run.spent)))
}

/// Take the lease of a run that is due, or of the one named; its fence grows.
pub async fn claim(store: &Store, only: Option<&str>) -> Result<Option<Claim>, StoreError> {
    let only = only.map(str::to_owned);
    store
        .write(move |transaction| Box::pin(claim_in(transaction, only)))
        .await
}

async fn claim_in(
    transaction: &mut Transaction<'_>,
    only: Option<String>,
) -> Result<Option<Claim>, StoreError> {
    let now = transaction.clock().await?;
    let skip = match transaction.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    let named = if only.is_some() {
        "id = $2"
    } else {
        "wake_at <= $1"
    };
    let find = format!(
        "SELECT id FROM runs WHERE status IN ('queued', 'running', 'waiting') \
         AND lease_until <= $1 AND {named} ORDER BY wake_at, id LIMIT 1{skip}"
    );
    let find = Statement::new(find).bind(now);
    let find = if let Some(id) = only {
        find.bind(id)
    } else {
        find
    };
    let found = transaction.query(find).await?;
    let Some(id) = found.first().map(|row| row.text("id")).transpose()? else {
        return Ok(None);
    };
    let take = Statement::new(
        "UPDATE runs SET status = 'running', fence = fence + 1, lease_until = $2 \
         WHERE id = $1 RETURNING *",
    );
    let taken = transaction
        .query(take.bind(id).bind(now + micros(LEASE)))
        .await?;
    taken
        .first()
        .map(|row| {
            Ok(Claim {
                fence: row.integer("fence")?,
                run: read(row)?,
            })
        })
        .transpose()
}

/// Lengthen a lease; `false` if it is lost.
pub async fn heartbeat(store: &Store, claim: &Claim) -> Result<bool, StoreError> {
    let (id, fence) = (claim.run.id.clone(), claim.fence);
    store
        .write(move |transaction| {
            Box::pin(async move {
                let until = transaction.clock().await? + micros(LEASE);
                let sql = "UPDATE runs SET lease_until = $3 \
                    WHERE id = $1 AND fence = $2 AND status = 'running'";
                let renew = Statement::new(sql).bind(id).bind(fence).bind(until);
                Ok(transaction.execute(renew).await? == 1)
            })
        })
        .await
}

/// What a claim's holder makes of the run.
#[derive(Debug, Clone)]
pub struct Progress {
    pub status: RunStatus,
    pub detail: String,
    pub spent: Duration,
    pub wake_at: Timestamp,
}

/// Record progress under the fence. A run that is not running any more has no lease. An
/// error of kind `Denied` says that the lease is lost: nothing may be written.
pub async fn record(
    transaction: &mut Transaction<'_>,
    claim: &Claim,
    progress: Progress,
) -> Result<(), StoreError> {
    let now = transaction.clock().await?;
    let finished = progress.status.is_final().then_some(now);
    let keeps = progress.status == RunStatus::Running;
    let sql = "UPDATE runs SET status = $3, detail = $4, spent = $5, wake_at = $6, \
        finished_at = $7, lease_until = $8 WHERE id = $1 AND fence = $2 AND status = 'running'";
    let update = Statement::new(sql)
        .bind(&claim.run.id)
        .bind(claim.fence)
        .bind(progress.status.as_str())
        .bind(progress.detail)
        .bind(micros(progress.spent))
        .bind(progress.wake_at.as_microsecond())
        .bind(finished)
        .bind(if keeps { now + micros(LEASE) } else { 0 });
    match transaction.execute(update).await? {
        1 => Ok(()),
        _ => Err(StoreError::new(
            StoreErrorKind::Denied,
            format!(
                "the lease on run {} is lost; another worker has it",
                claim.run.id
            ),
        )),
    }
}

/// The run whose id starts with `prefix`; more than one is an error.
pub async fn by_prefix(store: &Store, prefix: &str) -> Result<Option<Run>, StoreError> {
    let sql = "SELECT * FROM runs WHERE substr(id, 1, CAST($2 AS INTEGER)) = $1 LIMIT 2";
    let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
    let rows = store
        .query(Statement::new(sql).bind(prefix).bind(length))
        .await?;
    match rows.rows.len() {
        0 => Ok(None),
        1 => rows.first().map(read).transpose(),
        _ => Err(StoreError::new(
            StoreErrorKind::Statement,
            format!("more than one run starts with `{prefix}`; write more of the id"),
        )),
    }
}

/// Runs, newest first; those of one status, if named.
pub async fn newest(
    store: &Store,
    limit: u32,
    status: Option<&str>,
) -> Result<Vec<Run>, StoreError> {
    let only = if status.is_some() {
        "WHERE status = $2"
    } else {
        ""
    };
    let sql = format!("SELECT * FROM runs {only} ORDER BY created_at DESC, id DESC LIMIT $1");
    let statement = Statement::new(sql).bind(limit);
    let statement = if let Some(status) = status {
        statement.bind(status)
    } else {
        statement
    };
    store.query(statement).await?.iter().map(read).collect()
}

/// Whether a run of a pipeline has not ended.
pub async fn is_open(
    transaction: &mut Transaction<'_>,
    pipeline: &str,
) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM runs WHERE pipeline = $1 AND finished_at IS NULL LIMIT 1";
    Ok(transaction
        .query(Statement::new(sql).bind(pipeline))
        .await?
        .first()
        .is_some())
}

fn read(row: Row<'_>) -> Result<Run, StoreError> {
    let input = serde_json::from_str(&row.text("input")?)
        .map_err(|error| StoreError::internal(format!("the input of a run: {error}")))?;
    Ok(Run {
        id: row.text("id")?,
        pipeline: row.text("pipeline")?,
        revision: row.optional_integer("revision")?.unwrap_or_default(),
        status: RunStatus::parse(&row.text("status")?)?,
        detail: row.text("detail")?,
        input,
        settings: row.text("settings")?,
        created_at: timestamp(row.integer("created_at")?),
        wake_at: timestamp(row.integer("wake_at")?),
        spent: Duration::from_micros(row.integer("spent")?.unsigned_abs()),
        finished_at: row.optional_integer("finished_at")?.map(timestamp),
    })
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
