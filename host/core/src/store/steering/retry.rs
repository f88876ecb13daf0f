//! A run that goes on again from stages that a person names.

use super::table::{self, RunState, Signal};
use super::{RunVersion, SteerRefusal, SteerResult, undo};
use crate::store::stage_runs::UndoneVisit;
use crate::store::{Store, StoreError, Transaction, batch, history, tenants};
use crate::value::Statement;

/// What goes on again, as the run stood when it was decided.
#[derive(Debug, Clone)]
pub struct RetryPlan {
    pub run: String,
    pub seen: RunVersion,
    /// Stages that are visited anew.
    pub superseded: Vec<String>,
    pub detail: String,
}

/// Queue the run with a fresh budget and a grown fence.
pub async fn retry(store: &Store, retry: RetryPlan) -> Result<SteerResult, StoreError> {
    store
        .write(move |transaction| Box::pin(retry_in(transaction, retry)))
        .await
}

async fn retry_in(
    transaction: &mut Transaction<'_>,
    retry: RetryPlan,
) -> Result<SteerResult, StoreError> {
    let locked = table::lock(transaction, &retry.run).await?;
    let state = locked
        .as_ref()
        .map_or(RunState::Ended, |locked| locked.state);
    let answer = table::answer(Signal::Retry, state);
    if answer.is_err() {
        return Ok(answer);
    }
    let back = match locked {
        Some(locked) => {
            let same = locked.fence == retry.seen.fence && locked.signals == retry.seen.signals;
            if same {
                requeue(transaction, &retry).await?;
            }
            same
        }
        None => reopen(transaction, &retry).await?,
    };
    if !back {
        return Ok(Err(SteerRefusal::Changed));
    }
    let now = batch::now(transaction.dialect());
    // It begins anew for a person who mended something: with the settings as they stand now.
    let sql = format!(
        "UPDATE open_runs SET detail = $2, spent = 0, settings = NULL, wake_at = {now} \
        WHERE id = $1"
    );
    let fresh = Statement::new(sql).bind(&retry.run).bind(&retry.detail);
    transaction.execute(fresh).await?;
    undo(
        transaction,
        &retry.run,
        &retry.superseded,
        UndoneVisit::Retried,
    )
    .await?;
    Ok(answer)
}

async fn reopen(transaction: &mut Transaction<'_>, retry: &RetryPlan) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM history WHERE id = $1 AND fence = $2";
    let find = Statement::new(sql).bind(&retry.run).bind(retry.seen.fence);
    if transaction.query(find).await?.first().is_none() {
        return Ok(false);
    }
    history::reopen(transaction, &retry.run).await?;
    tenants::run_reopened(transaction, &retry.run).await?;
    Ok(true)
}

async fn requeue(transaction: &mut Transaction<'_>, retry: &RetryPlan) -> Result<(), StoreError> {
    let sql = "UPDATE open_runs SET status = 'queued', fence = fence + 1, signals = signals + 1, \
            lease_until = 0, recoveries = 0, stop_request = NULL, stop_detail = NULL, \
            stop_by = NULL \
        WHERE id = $1";
    transaction
        .execute(Statement::new(sql).bind(&retry.run))
        .await?;
    Ok(())
}
