//! What must not be in the database, or is worth a look: the questions of `doctor`. They only
//! read, and each gives so many examples at most.

mod unreadable;

use std::time::Duration;

use serde::Deserialize;

pub use self::unreadable::{ReadableTable, Tables, UnreadRows, plain, unreadable};
use super::history::ORPHANED;
use super::{Store, StoreError, batch};
use crate::value::Query;
use crate::value::form::micros;

const EXAMPLES: u32 = 100;

/// A run, or something that belongs to one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HealthCase {
    pub run: String,
    /// Empty if the run is not known.
    pub pipeline: String,
    pub revision: i64,
    /// A stage, a worker, a status: what the question is about.
    pub what: String,
    /// How long it has been so.
    #[serde(with = "micros")]
    pub age: Duration,
}

/// Runs under way whose lease ran out longer than `grace` ago; `what` is their worker.
pub async fn expired(store: &Store, grace: Duration) -> Result<Vec<HealthCase>, StoreError> {
    let (now, grace) = (batch::now(store.dialect()), super::runs::micros(grace));
    let sql = format!(
        "SELECT id AS run, pipeline, revision, COALESCE(worker, '') AS what, \
            {now} - lease_until AS age \
        FROM open_runs WHERE status = 'running' AND lease_until <= {now} - {grace} ORDER BY id"
    );
    cases(store, &sql).await
}

/// Runs that cannot go on until something is mended; `what` says what.
pub async fn blocked(store: &Store) -> Result<Vec<HealthCase>, StoreError> {
    let now = batch::now(store.dialect());
    let sql = format!(
        "SELECT id AS run, pipeline, revision, detail AS what, {now} - created_at AS age \
        FROM open_runs WHERE status = 'blocked' ORDER BY id"
    );
    cases(store, &sql).await
}

/// Runs that have not ended and whose revision is not there; `what` is empty.
pub async fn orphaned(store: &Store) -> Result<Vec<HealthCase>, StoreError> {
    let sql = format!(
        "SELECT id AS run, pipeline, revision, '' AS what, 0 AS age FROM open_runs \
        WHERE {ORPHANED} ORDER BY id"
    );
    cases(store, &sql).await
}

/// Stages that wait for something that is not there, since they began; `what` is the stage.
pub async fn held(store: &Store) -> Result<Vec<HealthCase>, StoreError> {
    let now = batch::now(store.dialect());
    let sql = format!(
        "SELECT id AS run, pipeline, revision, stage AS what, \
            {now} - stage_runs.started_at AS age \
        FROM open_runs JOIN stage_runs ON stage_runs.run = open_runs.id \
        WHERE status = 'waiting' AND follow = 'hold' AND NOT superseded ORDER BY id, stage"
    );
    cases(store, &sql).await
}

/// How many there are of something that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct WaitingCount {
    pub number: u64,
    /// How long the first one has been waiting; nothing if there is none.
    #[serde(with = "micros")]
    pub longest: Duration,
}

/// Runs that are due for longer than `grace`, and no worker claims them.
pub async fn overdue(store: &Store, grace: Duration) -> Result<WaitingCount, StoreError> {
    let (now, grace) = (batch::now(store.dialect()), super::runs::micros(grace));
    let sql = format!(
        "SELECT COUNT(*) AS number, COALESCE({now} - MIN(wake_at), 0) AS longest FROM open_runs \
        WHERE status IN ('queued', 'waiting', 'blocked') AND wake_at <= {now} - {grace}"
    );
    store.read_one(Query::new(sql)).await
}

/// Open gates of runs that have not ended.
pub async fn gates(store: &Store) -> Result<WaitingCount, StoreError> {
    let now = batch::now(store.dialect());
    let sql = format!(
        "SELECT COUNT(*) AS number, COALESCE({now} - MIN(opened_at), 0) AS longest \
        FROM gates JOIN open_runs ON open_runs.id = gates.run WHERE decision IS NULL"
    );
    store.read_one(Query::new(sql)).await
}

/// Runs that are open and ended at once; `what` is how they ended.
pub async fn in_both_tables(store: &Store) -> Result<Vec<HealthCase>, StoreError> {
    let sql = "SELECT open_runs.id AS run, open_runs.pipeline, open_runs.revision, \
            history.status AS what, 0 AS age \
        FROM open_runs JOIN history ON history.id = open_runs.id ORDER BY open_runs.id";
    cases(store, sql).await
}

/// Checkpoints under a lower fence than the one before them; `what` is the stage.
pub async fn receding_fences(store: &Store) -> Result<Vec<HealthCase>, StoreError> {
    let sql = "SELECT run, '' AS pipeline, 0 AS revision, stage AS what, 0 AS age FROM ( \
            SELECT run, stage, fence, \
                LAG(fence) OVER (PARTITION BY run ORDER BY step) AS previous FROM stage_runs \
        ) AS steps WHERE fence < previous ORDER BY run";
    cases(store, sql).await
}

/// Checkpoints of runs that are not there; `what` is the stage.
pub async fn stray_checkpoints(store: &Store) -> Result<Vec<HealthCase>, StoreError> {
    let sql = "SELECT run, '' AS pipeline, 0 AS revision, stage AS what, 0 AS age \
        FROM stage_runs \
        WHERE NOT EXISTS (SELECT 1 FROM open_runs WHERE open_runs.id = stage_runs.run) \
            AND NOT EXISTS (SELECT 1 FROM history WHERE history.id = stage_runs.run) \
        ORDER BY run, stage";
    cases(store, sql).await
}

/// Open gates of runs that have ended or are not there; `what` is the stage.
pub async fn stray_gates(store: &Store) -> Result<Vec<HealthCase>, StoreError> {
    let now = batch::now(store.dialect());
    let sql = format!(
        "SELECT run, '' AS pipeline, 0 AS revision, stage AS what, {now} - opened_at AS age \
        FROM gates WHERE decision IS NULL \
            AND NOT EXISTS (SELECT 1 FROM open_runs WHERE open_runs.id = gates.run) \
        ORDER BY run, stage"
    );
    cases(store, &sql).await
}

/// Runs that ended as done although a checkpoint that counts ended them otherwise; `what` is
/// the stage and its outcome.
pub async fn untrue_ends(store: &Store) -> Result<Vec<HealthCase>, StoreError> {
    let sql = "SELECT history.id AS run, pipeline, revision, \
            stage || ': ' || outcome AS what, 0 AS age \
        FROM history JOIN stage_runs ON stage_runs.run = history.id \
        WHERE status = 'done' AND NOT superseded \
            AND (follow = 'fail' OR (follow = 'end' AND outcome <> 'done')) \
        ORDER BY history.id, stage";
    cases(store, sql).await
}

async fn cases(store: &Store, sql: &str) -> Result<Vec<HealthCase>, StoreError> {
    let query = Query::new(format!("{sql} LIMIT {EXAMPLES}"));
    store.readable("a case for the doctor", query).await
}
