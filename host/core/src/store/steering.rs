//! Runs steered from outside: stopped, resumed and sent another way by a person. What comes of
//! what is in [`table`].

pub mod fork;
pub mod migrate;
pub mod retry;
pub mod table;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::table::{RunState, Signal};
use super::checkpoints::{self, Checkpoint, Then};
use super::leases::{Lease, StopRequest};
use super::runs::RunStatus;
use super::stage_runs::UndoneVisit;
use super::{Store, StoreError, Transaction, batch, gates};
use crate::value::form::micros;
use crate::value::{Query, Statement};

/// What came of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steered {
    /// The run has the status now.
    Now(RunStatus),
    /// Its worker is told.
    Told,
    /// It counts when the run goes on.
    Kept,
}

/// Why nothing came of it; fits after the name of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SteerRefusal {
    #[error("{0}")]
    State(&'static str),
    /// A worker has it, and its lease has not run out.
    #[error("is in the hands of a worker")]
    Held,
    /// It is not as it was when this was decided.
    #[error("changed meanwhile; look at it with `callboard runs show`, and try again")]
    Changed,
    /// The time to decide has passed.
    #[error("stands before a gate that has lapsed")]
    Lapsed,
}

/// What came of a signal, if the run took it.
pub type SteerResult = Result<Steered, SteerRefusal>;

/// How a run stood when something was decided about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RunVersion {
    pub fence: i64,
    pub signals: i64,
}

/// Why a run is to stop, and who wants it: nobody, if that is its schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopReason {
    pub by: String,
    pub detail: String,
}

/// Cancel or pause a run. The worker that holds a lease on it is told; one whose lease ran out is
/// not waited for.
pub async fn stop(
    store: &Store,
    run: &str,
    stop_request: StopRequest,
    reason: StopReason,
) -> Result<SteerResult, StoreError> {
    let run = run.to_owned();
    store
        .write(move |transaction| Box::pin(stop_in(transaction, run, stop_request, reason)))
        .await
}

/// The same inside a transaction.
pub(super) async fn stop_in(
    transaction: &mut Transaction<'_>,
    run: String,
    stop_request: StopRequest,
    reason: StopReason,
) -> Result<SteerResult, StoreError> {
    let signal = match stop_request {
        StopRequest::Cancel => Signal::Cancel,
        StopRequest::Pause => Signal::Pause,
    };
    let locked = table::lock(transaction, &run).await?;
    let state = locked.map_or(RunState::Ended, |locked| locked.state);
    let answer = table::answer(signal, state);
    match answer {
        Ok(Steered::Told) => {
            let tell = "UPDATE open_runs SET stop_request = $2, stop_detail = $3, stop_by = $4, \
                signals = signals + 1 WHERE id = $1";
            let tell = Statement::new(tell)
                .bind(&run)
                .bind(stop_request.as_str())
                .bind(&reason.detail)
                .bind(&reason.by);
            transaction.execute(tell).await?;
        }
        Ok(Steered::Now(status)) => stop_now(transaction, run, status, reason).await?,
        Ok(Steered::Kept) | Err(_) => {}
    }
    Ok(answer)
}

/// A run that was taken for a moment.
#[derive(Deserialize)]
#[serde(rename = "open_runs")]
struct SteeredRun {
    fence: i64,
    signals: i64,
    #[serde(with = "micros")]
    spent: Duration,
}

/// Stop a run that no worker has.
async fn stop_now(
    transaction: &mut Transaction<'_>,
    run: String,
    status: RunStatus,
    StopReason { by, detail }: StopReason,
) -> Result<(), StoreError> {
    // It is taken for a moment, so that its fence refuses everybody else.
    let take = "UPDATE open_runs SET status = 'running', fence = fence + 1, stop_request = NULL, \
            stop_detail = NULL, stop_by = $2 WHERE id = $1 \
        RETURNING fence, signals, spent";
    let take = Query::<SteeredRun>::new(take).bind(&run).bind(by);
    let Some(taken) = transaction.read_first(take).await? else {
        return Ok(());
    };
    let then = if status.is_final() {
        Then::End { status, detail }
    } else {
        Then::Rest {
            status,
            detail,
            wake_at: super::timestamp(super::NEVER),
        }
    };
    let SteeredRun {
        fence,
        signals,
        spent,
    } = taken;
    let checkpoint = Checkpoint::blank(Lease { run, fence }, signals, spent, then);
    checkpoints::commit_in(transaction, vec![Arc::new(checkpoint)]).await?;
    Ok(())
}

/// Queue a run that is paused, blocked or waiting, or whose worker fell silent, or take back a
/// pause that has not come yet. A gate that is still open is asked on. The `detail` says who does it.
pub async fn resume(store: &Store, run: &str, detail: String) -> Result<SteerResult, StoreError> {
    let run = run.to_owned();
    store
        .write(move |transaction| Box::pin(resume_in(transaction, run, detail)))
        .await
}

async fn resume_in(
    transaction: &mut Transaction<'_>,
    run: String,
    detail: String,
) -> Result<SteerResult, StoreError> {
    let locked = table::lock(transaction, &run).await?;
    let state = locked.map_or(RunState::Ended, |locked| locked.state);
    let answer = table::answer(Signal::Resume, state);
    let now = batch::now(transaction.dialect());
    let change = match answer {
        Ok(Steered::Told) => "signals = signals + 1".to_owned(),
        Ok(_) => format!("status = 'queued', wake_at = {now}, recoveries = 0, lease_until = 0"),
        Err(_) => return Ok(answer),
    };
    let sql = format!(
        "UPDATE open_runs SET detail = $2, stop_request = NULL, stop_detail = NULL, stop_by = NULL, {change} \
        WHERE id = $1"
    );
    let resume = Statement::new(sql).bind(&run).bind(detail);
    transaction.execute(resume).await?;
    // What is held is tried again now, whatever it waited for.
    let sql = format!(
        "UPDATE stage_runs SET wake_at = {now} \
        WHERE run = $1 AND follow = 'hold' AND undone IS NULL AND NOT superseded \
            AND wake_at > {now}"
    );
    transaction.execute(Statement::new(sql).bind(&run)).await?;
    Ok(answer)
}

/// A person undoes stages: their visits, and those that were superseded before, count for
/// nothing any more, not for `max_visits` either.
async fn undo(
    transaction: &mut Transaction<'_>,
    run: &str,
    stages: &[String],
    how: UndoneVisit,
) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    let ids = batch::ids(dialect);
    let sql = format!(
        "UPDATE stage_runs SET superseded = TRUE, undone = $3 \
        WHERE run = $2 AND (superseded OR stage IN ({ids})) AND undone IS NULL"
    );
    let undo = Statement::new(sql)
        .bind(batch::rows(stages)?)
        .bind(run)
        .bind(how.as_str());
    transaction.execute(undo).await?;
    for stage in stages {
        gates::withdraw(transaction, run, stage).await?;
    }
    Ok(())
}
