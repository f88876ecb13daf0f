//! Leases: lengthen those that are held, and take back those that ran out.
//!
//! Rows are locked in the order of their ids wherever several are written at once, so that
//! two batches never wait for each other.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::runs::{RunStatus, micros};
use super::unreadable::readable;
use super::{Dialect, Store, StoreError, Transaction, batch};
use crate::value::form::or_default;
use crate::value::{Query, Row, Statement};

/// The right of a worker to write to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub run: String,
    pub fence: i64,
}

/// What a person wants of a run that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StopRequest {
    Cancel,
    Pause,
}

impl StopRequest {
    pub fn as_str(self) -> &'static str {
        match self {
            StopRequest::Cancel => "cancel",
            StopRequest::Pause => "pause",
        }
    }
}

/// What a holder learns of its run whenever it writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename = "open_runs")]
pub struct RunSignals {
    pub stop_request: Option<StopRequest>,
    /// Who asked for it, and why.
    #[serde(deserialize_with = "or_default")]
    pub stop_detail: String,
    /// Grows when something outside changed the run, such as a decided gate.
    pub signals: i64,
}

/// So far the signals of one run are counted, and then from 0 again: no number that is stored makes the
/// sum of many too large.
pub(super) const COUNTED: i64 = 1_000_000;

impl RunSignals {
    /// Its part in the sum of the signals that a worker's runs have, which the poll asks for.
    pub fn counted(&self) -> i64 {
        self.signals % COUNTED
    }
}

/// Lengthen leases, all in one statement. Gives those that still hold, with what is asked of
/// their runs; one that is not among them is lost.
///
/// It waits for no lock: a run whose row another transaction writes to, such as its own checkpoint
/// with a write that takes its time, keeps the lease that it has, and is asked about again at the
/// next beat. What writes to the row of a lease that ran out is not taken for its end either.
pub async fn heartbeat(
    store: &Store,
    held: &[Lease],
    lease: Duration,
) -> Result<Vec<(Lease, RunSignals)>, StoreError> {
    let dialect = store.dialect();
    let table = batch::table(dialect, &[("run", "text"), ("fence", "bigint")]);
    let now = batch::now(dialect);
    let named = match dialect {
        Dialect::Sqlite => "IS NOT NULL".to_owned(),
        Dialect::Postgres => batch::named(dialect, "run"),
    };
    let still_held = format!(
        "FROM {table} JOIN open_runs AS held ON held.id = batch.run \
        WHERE held.id {named} AND held.fence = batch.fence AND held.status = 'running'"
    );
    let free = format!(
        "SELECT held.id {still_held} ORDER BY held.id {}",
        skip_locked(dialect)
    );
    let among = batch::among(dialect, &free);
    let lengthen = format!(
        "UPDATE open_runs SET lease_until = {now} + $2 WHERE id {among} \
        RETURNING id AS run, fence, stop_request, stop_detail, signals"
    );
    let sql = match dialect {
        Dialect::Sqlite => lengthen,
        Dialect::Postgres => format!(
            "WITH lengthened AS ({lengthen}) \
            SELECT run, fence, stop_request, stop_detail, signals FROM lengthened UNION ALL \
            SELECT held.id, held.fence, held.stop_request, held.stop_detail, held.signals {still_held} \
            AND held.id NOT IN (SELECT run FROM lengthened)"
        ),
    };
    let statement = Statement::new(sql)
        .bind(batch::rows(held)?)
        .bind(micros(lease));
    let rows = store
        .write(move |transaction| Box::pin(transaction.query(statement)))
        .await?;
    // The worker takes one that cannot be read for lost and gives it up; the next claim says why.
    Ok(readable(&rows, "a lease", Row::read))
}

fn skip_locked(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => "FOR UPDATE OF held SKIP LOCKED",
    }
}

/// A run whose worker fell silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    pub run: String,
    pub pipeline: String,
    /// It fell silent too often and is blocked; otherwise it is queued again.
    pub blocked: bool,
}

/// Take back every lease that ran out: one plain scan, in which no run can stop another. A run
/// that came back `most` times without a checkpoint in between is blocked.
pub async fn recover(store: &Store, most: u32) -> Result<Vec<Recovered>, StoreError> {
    store
        .write(move |transaction| Box::pin(recover_in(transaction, most)))
        .await
}

pub(super) async fn recover_in(
    transaction: &mut Transaction<'_>,
    most: u32,
) -> Result<Vec<Recovered>, StoreError> {
    let dialect = transaction.dialect();
    let now = batch::now(dialect);
    let lock = batch::skip_locked(dialect);
    let silent = format!(
        "SELECT id FROM open_runs WHERE status = 'running' AND lease_until <= {now} \
        ORDER BY id {lock}"
    );
    let among = batch::among(dialect, &silent);
    // One that is to be cancelled is: the worker that takes it does so before any of its stages.
    let poisoned = "recoveries + 1 >= $1 AND stop_request IS NULL";
    let sql = format!(
        "UPDATE open_runs SET recoveries = recoveries + 1, lease_until = 0, worker = NULL, \
            wake_at = CASE WHEN {poisoned} THEN {never} ELSE {now} END, \
            status = CASE WHEN {poisoned} THEN 'blocked' ELSE 'queued' END, \
            detail = CASE WHEN {poisoned} THEN $2 ELSE $3 END \
        WHERE id {among} RETURNING id, pipeline, status",
        never = super::NEVER,
    );
    let reason = format!(
        "its worker fell silent {most} times without a checkpoint in between; \
         look at the stage it is in, then `callboard runs resume`"
    );
    let query = Query::<(String, String, RunStatus)>::new(sql)
        .bind(most)
        .bind(reason)
        .bind("its worker fell silent; it goes on from its last checkpoint");
    let taken_back = transaction.readable("a run that was taken back", query);
    let recovered = taken_back.await?.into_iter();
    let recovered = recovered.map(|(run, pipeline, status)| Recovered {
        run,
        pipeline,
        blocked: status == RunStatus::Blocked,
    });
    Ok(recovered.collect())
}
