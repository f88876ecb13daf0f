//! The poll: the one question that an idle worker asks.

use std::time::Duration;

use jiff::Timestamp;

use super::{Dialect, Store, StoreError, batch, timestamp};
use crate::value::{Row, Statement, Value};

/// What there is to do, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerPoll {
    pub now: Timestamp,
    /// The revision that is active, and the digest of what is in it: after a restore, another one
    /// may have its number.
    pub revision: Option<i64>,
    pub content: Option<String>,
    /// Differs whenever the settings do.
    pub settings: String,
    /// When the next run is due, or was.
    pub due_at: Option<Timestamp>,
    /// Since when a run waits that lost so many workers that it is carried out alone.
    pub suspect_at: Option<Timestamp>,
    /// When the next lease runs out, or did.
    pub lease_at: Option<Timestamp>,
    /// A run of this worker is asked to stop.
    pub stop_requested: bool,
    /// When the next schedule fires, or should have.
    pub schedule_at: Option<Timestamp>,
    /// When the next gate lapses, or should have.
    pub gate_at: Option<Timestamp>,
}

/// Ask, in one query, for `worker`; nobody's question names none. A run that lost `suspect` workers is a suspect.
pub async fn ask(store: &Store, worker: &str, suspect: u32) -> Result<WorkerPoll, StoreError> {
    let now = batch::now(store.dialect());
    let identity = identity(store.dialect());
    let sql = format!(
        "SELECT {now} AS now, \
        (SELECT revision FROM activations ORDER BY id DESC LIMIT 1) AS revision, \
        (SELECT r.digest FROM activations a JOIN revisions r ON r.id = a.revision \
            ORDER BY a.id DESC LIMIT 1) AS content, {identity} AS identity, \
        (SELECT COUNT(*) || ':' || COALESCE(MAX(updated_at), 0) FROM settings) AS settings, \
        (SELECT MIN(wake_at + 0) FROM open_runs \
            WHERE status IN ('queued', 'waiting', 'blocked')) AS due_at, \
        (SELECT MIN(wake_at) FROM open_runs WHERE recoveries > 0 AND recoveries >= $2 \
            AND status IN ('queued', 'waiting', 'blocked')) AS suspect_at, \
        (SELECT MIN(lease_until) FROM open_runs WHERE status = 'running') AS lease_at, \
        (SELECT COUNT(*) FROM open_runs \
            WHERE status = 'running' AND stop_request IS NOT NULL AND worker = $1) AS stop_requested, \
        (SELECT MIN(next_at) FROM schedules) AS schedule_at, \
        (SELECT MIN(expires_at) FROM gates WHERE decision IS NULL) AS gate_at"
    );
    let rows = store
        .query(Statement::new(sql).bind(worker).bind(suspect))
        .await?;
    let row = rows.first();
    let row = row.ok_or_else(|| StoreError::internal("the poll gave no row"))?;
    store.identify(row.text("identity")?)?;
    if !worker.is_empty() {
        store.now_looked();
    }
    Ok(WorkerPoll {
        now: timestamp(row.integer("now")?),
        revision: row.optional_integer("revision")?,
        content: row.optional_text("content")?,
        settings: row.text("settings")?,
        due_at: time(row, "due_at")?,
        suspect_at: time(row, "suspect_at")?,
        lease_at: time(row, "lease_at")?,
        stop_requested: row.integer("stop_requested")? > 0,
        schedule_at: time(row, "schedule_at")?,
        gate_at: time(row, "gate_at")?,
    })
}

/// What tells one database from another that is restored in its place. A SQLite file is looked
/// after where it lies.
fn identity(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "''",
        Dialect::Postgres => {
            "(SELECT oid::bigint FROM pg_database WHERE datname = current_database()) || ':' || \
             to_regclass('open_runs')::oid::bigint"
        }
    }
}

fn time(row: Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    // What is no time is looked at now: then it is found out whose it is.
    let at = match row.value(column)? {
        Value::Null => None,
        Value::Integer(at) => Some(*at),
        _ => Some(0),
    };
    Ok(at.filter(|at| *at < super::NEVER).map(timestamp))
}

impl WorkerPoll {
    /// How long before its asking `at` was, if it was.
    pub fn since(&self, at: Option<Timestamp>) -> Option<Duration> {
        Duration::try_from(self.now.duration_since(at?)).ok()
    }

    /// How long from its asking until `at`; zero if it has passed.
    pub fn until(&self, at: Option<Timestamp>) -> Option<Duration> {
        let left = at?.duration_since(self.now);
        Some(Duration::try_from(left).unwrap_or_default())
    }
}
