//! Runs steered from outside: stopped, resumed and sent another way by a person.

pub mod fork;
pub mod migrate;
pub mod retry;

use std::sync::Arc;
use std::time::Duration;

use super::checkpoints::{self, Checkpoint, Then};
use super::leases::{Held, Wish};
use super::runs::RunStatus;
use super::{Store, StoreError, Transaction, batch, gates};
use crate::value::Statement;

/// What came of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steered {
    /// The run has the status now.
    Now(RunStatus),
    /// Its worker is told.
    Told,
}

/// Cancel or pause a run; `None` if it has ended. Whoever holds a lease on it is told; one whose
/// lease ran out is not waited for.
pub async fn stop(
    store: &Store,
    run: &str,
    wish: Wish,
    detail: String,
) -> Result<Option<Steered>, StoreError> {
    let run = run.to_owned();
    store
        .write(move |transaction| Box::pin(stop_in(transaction, run, wish, detail)))
        .await
}

/// The same inside a transaction.
pub(super) async fn stop_in(
    transaction: &mut Transaction<'_>,
    run: String,
    wish: Wish,
    detail: String,
) -> Result<Option<Steered>, StoreError> {
    let now = batch::now(transaction.dialect());
    let tell = format!(
        "UPDATE open_runs SET wish = $2, wish_detail = $3 \
        WHERE id = $1 AND status = 'running' AND lease_until > {now}"
    );
    let tell = Statement::new(tell)
        .bind(&run)
        .bind(wish.as_str())
        .bind(&detail);
    if transaction.execute(tell).await? == 1 {
        return Ok(Some(Steered::Told));
    }
    // Nobody has it: it is taken for a moment, so that its fence refuses everybody else.
    let take = "UPDATE open_runs SET status = 'running', fence = fence + 1 WHERE id = $1 \
        RETURNING fence, signals, spent";
    let taken = transaction.query(Statement::new(take).bind(&run)).await?;
    let Some(row) = taken.first() else {
        return Ok(None);
    };
    let status = match wish {
        Wish::Cancel => RunStatus::Cancelled,
        Wish::Pause => RunStatus::Paused,
    };
    let then = match wish {
        Wish::Cancel => Then::End { status, detail },
        Wish::Pause => Then::Rest {
            status,
            detail,
            wake_at: super::timestamp(super::NEVER),
        },
    };
    let (fence, signals) = (row.integer("fence")?, row.integer("signals")?);
    let spent = Duration::from_micros(row.integer("spent")?.unsigned_abs());
    let checkpoint = Checkpoint::blank(Held { run, fence }, signals, spent, then);
    checkpoints::commit_in(transaction, vec![Arc::new(checkpoint)]).await?;
    Ok(Some(Steered::Now(status)))
}

/// Queue a run that is paused, blocked or waiting, or whose worker fell silent; `None` if it is
/// none of these. A gate that is still open is asked on.
pub async fn resume(store: &Store, run: &str) -> Result<Option<Steered>, StoreError> {
    let run = run.to_owned();
    store
        .write(move |transaction| Box::pin(resume_in(transaction, run)))
        .await
}

async fn resume_in(
    transaction: &mut Transaction<'_>,
    run: String,
) -> Result<Option<Steered>, StoreError> {
    let now = batch::now(transaction.dialect());
    let sql = format!(
        "UPDATE open_runs SET status = 'queued', wake_at = {now}, recoveries = 0, wish = NULL, \
            wish_detail = NULL \
        WHERE id = $1 AND (status IN ('paused', 'blocked', 'waiting', 'queued') \
            OR (status = 'running' AND lease_until <= {now}))"
    );
    let queue = Statement::new(sql).bind(&run);
    if transaction.execute(queue).await? != 1 {
        return Ok(None);
    }
    // What is held is tried again now, whatever it waited for.
    let sql = format!(
        "UPDATE stage_runs SET wake_at = {now} \
        WHERE run = $1 AND follow = 'hold' AND NOT superseded AND wake_at > {now}"
    );
    transaction.execute(Statement::new(sql).bind(&run)).await?;
    Ok(Some(Steered::Now(RunStatus::Queued)))
}

/// A person undoes stages: their visits, and those that were superseded before, count for
/// nothing any more, not for `max_visits` either. `mark` says in each of them what happened.
async fn undo(
    transaction: &mut Transaction<'_>,
    run: &str,
    stages: &[String],
    mark: &str,
) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    let ids = batch::ids(dialect);
    let sql = format!(
        "UPDATE stage_runs SET superseded = TRUE, follow = $3 || follow \
        WHERE run = $2 AND (superseded OR stage IN ({ids})) \
            AND follow NOT LIKE 'retried:%' AND follow NOT LIKE 'migrated:%'"
    );
    let undo = Statement::new(sql)
        .bind(batch::rows(stages)?)
        .bind(run)
        .bind(mark);
    transaction.execute(undo).await?;
    for stage in stages {
        let withdraw = gates::withdraw(run, stage, dialect);
        transaction.execute(withdraw).await?;
    }
    Ok(())
}
