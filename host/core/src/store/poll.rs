//! The poll: the one question that an idle worker asks.

use std::time::Duration;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::leases::COUNTED;
use super::{Dialect, NEVER, Store, StoreError, StoreErrorKind, batch, timestamp};
use crate::value::Query;
use crate::value::form::micros;

/// What there is to do, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WorkerPoll {
    #[serde(with = "micros")]
    pub now: Timestamp,
    /// The revision that is active, and the digest of what is in it: after a restore, another one
    /// may have its number.
    pub revision: Option<i64>,
    pub content: Option<String>,
    /// Differs whenever the settings do.
    pub settings: String,
    /// When the next run is due, or was.
    #[serde(deserialize_with = "time")]
    pub due_at: Option<Timestamp>,
    /// Since when a run waits that lost so many workers that it is carried out alone.
    #[serde(deserialize_with = "time")]
    pub suspect_at: Option<Timestamp>,
    /// When the next lease runs out, or did.
    #[serde(deserialize_with = "time")]
    pub lease_at: Option<Timestamp>,
    /// What reached the runs of this worker from outside, counted as [`RunSignals::counted`] counts it.
    pub signals: i64,
    /// When the next schedule fires, or should have.
    #[serde(deserialize_with = "time")]
    pub schedule_at: Option<Timestamp>,
    /// When the next gate lapses, or should have.
    #[serde(deserialize_with = "time")]
    pub gate_at: Option<Timestamp>,
}

/// Ask, in one query, for `worker`; a process that only looks gives an empty name. A run that lost
/// `suspect` workers is a suspect.
pub async fn ask(store: &Store, worker: &str, suspect: u32) -> Result<WorkerPoll, StoreError> {
    let now = batch::now(store.dialect());
    let identity = identity(store.dialect());
    let sql = format!(
        "SELECT {identity} AS identity, {now} AS now, \
        (SELECT revision FROM activations ORDER BY id DESC LIMIT 1) AS revision, \
        (SELECT r.digest FROM activations a JOIN revisions r ON r.id = a.revision \
            ORDER BY a.id DESC LIMIT 1) AS content, \
        (SELECT COUNT(*) || ':' || COALESCE(MAX(updated_at), 0) FROM settings) AS settings, \
        (SELECT MIN(wake_at + 0) FROM open_runs \
            WHERE status IN ('queued', 'waiting', 'blocked')) AS due_at, \
        (SELECT MIN(wake_at) FROM open_runs WHERE recoveries > 0 AND recoveries >= $2 \
            AND status IN ('queued', 'waiting', 'blocked')) AS suspect_at, \
        (SELECT MIN(lease_until) FROM open_runs WHERE status = 'running') AS lease_at, \
        (SELECT CAST(COALESCE(SUM(signals % {COUNTED}), 0) AS BIGINT) FROM open_runs \
            WHERE status = 'running' AND worker = $1) AS signals, \
        (SELECT MIN(next_at) FROM schedules) AS schedule_at, \
        (SELECT MIN(expires_at) FROM gates WHERE decision IS NULL) AS gate_at"
    );
    let query = Query::<(String, WorkerPoll)>::new(sql)
        .bind(worker)
        .bind(suspect);
    let (identity, poll) = match store.read_one(query).await {
        // Whoever restores another database in its place may own the tables there.
        Err(error) if error.kind == StoreErrorKind::Denied => {
            store.identify(mark(store).await?)?;
            return Err(error);
        }
        answer => answer?,
    };
    store.identify(identity)?;
    if !worker.is_empty() {
        store.now_looked();
    }
    Ok(poll)
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

/// The identity alone, for which no right on a table is needed.
async fn mark(store: &Store) -> Result<String, StoreError> {
    let sql = format!(
        "SELECT COALESCE({}, '') AS identity",
        identity(store.dialect())
    );
    store.read_one(Query::new(sql)).await
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    // What is no time is looked at now: then it is found out whose it is.
    let at = Option::deserialize(deserializer)?.map(|at| match at {
        Time::At(at) => at,
        Time::None(_) => 0,
    });
    Ok(at.filter(|at| *at < NEVER).map(timestamp))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    At(i64),
    None(IgnoredAny),
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
