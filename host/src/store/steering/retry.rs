//! A run that goes on again from stages that a person names.

use super::undo;
use crate::store::stage_runs::RETRIED;
use crate::store::{Store, StoreError, Transaction, batch, history, tasks};
use crate::value::Statement;

/// What goes on again, as the run stood when it was decided.
#[derive(Debug, Clone)]
pub struct Retry {
    pub run: String,
    pub fence: i64,
    pub signals: i64,
    /// Whether it has ended.
    pub ended: bool,
    /// Stages that are visited anew.
    pub superseded: Vec<String>,
    pub detail: String,
}

/// Queue the run with a fresh budget and a grown fence; `false` if it changed meanwhile.
pub async fn retry(store: &Store, retry: Retry) -> Result<bool, StoreError> {
    store
        .write(move |transaction| Box::pin(retry_in(transaction, retry)))
        .await
}

async fn retry_in(transaction: &mut Transaction<'_>, retry: Retry) -> Result<bool, StoreError> {
    let dialect = transaction.dialect();
    let back = if retry.ended {
        reopen(transaction, &retry).await?
    } else {
        requeue(transaction, &retry).await?
    };
    if !back {
        return Ok(false);
    }
    let now = batch::now(dialect);
    // It begins anew for a person who mended something: with the settings as they stand now.
    let sql = format!(
        "UPDATE open_runs SET detail = $2, spent = 0, settings = NULL, wake_at = {now} \
        WHERE id = $1"
    );
    let fresh = Statement::new(sql).bind(&retry.run).bind(&retry.detail);
    transaction.execute(fresh).await?;
    undo(transaction, &retry.run, &retry.superseded, RETRIED).await?;
    Ok(true)
}

async fn reopen(transaction: &mut Transaction<'_>, retry: &Retry) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM history WHERE id = $1 AND fence = $2";
    let find = Statement::new(sql).bind(&retry.run).bind(retry.fence);
    if transaction.query(find).await?.first().is_none() {
        return Ok(false);
    }
    history::reopen(transaction, &retry.run).await?;
    let take_up = tasks::take_up(&retry.run, transaction.dialect());
    transaction.execute(take_up).await?;
    Ok(true)
}

async fn requeue(transaction: &mut Transaction<'_>, retry: &Retry) -> Result<bool, StoreError> {
    let sql = "UPDATE open_runs SET status = 'queued', fence = fence + 1, signals = signals + 1, \
            lease_until = 0, recoveries = 0, wish = NULL, wish_detail = NULL \
        WHERE id = $1 AND fence = $2 AND signals = $3 \
            AND status IN ('paused', 'blocked', 'waiting')";
    let requeue = Statement::new(sql)
        .bind(&retry.run)
        .bind(retry.fence)
        .bind(retry.signals);
    Ok(transaction.execute(requeue).await? == 1)
}
