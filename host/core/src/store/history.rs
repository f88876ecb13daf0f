//! `history`: how long what has ended is kept.

use std::time::Duration;

use jiff::Timestamp;

use super::runs::{SHARED, micros};
use super::{
    Dialect, Store, StoreError, StoreErrorKind, Transaction, batch, blobs, model_calls, timestamp,
};
use crate::value::{Query, Statement};

/// Runs that are removed in one transaction.
const BATCH: u32 = 500;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Of an open run whose revision is not there: it can neither go on nor come into the history.
pub(super) const ORPHANED: &str =
    "NOT EXISTS (SELECT 1 FROM revisions WHERE revisions.id = open_runs.revision)";

/// Whether a run that has ended is one that a rate limit still counts, in the window of the run itself: it goes once
/// that is over.
fn is_counted(dialect: Dialect) -> String {
    let now = batch::now(dialect);
    format!(
        "(rate IS NOT NULL AND COALESCE(started_at, 0) > {now} - COALESCE(rate_window, 0) \
        AND COALESCE(started_at, 0) <= {now})"
    )
}

/// Remove runs that ended longer ago than `age`, with their checkpoints and gates, oldest
/// first, one committed batch after another, and then the large reports that nothing refers
/// to any more. What a rate limit counts stays. `told` hears how many are gone so far and says
/// whether to go on. Gives how many runs were removed.
pub async fn prune(
    store: &Store,
    age: Duration,
    mut told: impl FnMut(u64) -> bool,
) -> Result<u64, StoreError> {
    let mut removed = 0;
    loop {
        let batch = store
            .write(move |transaction| Box::pin(prune_batch(transaction, age)))
            .await?;
        removed += batch;
        if !told(removed) || batch < u64::from(BATCH) {
            break;
        }
    }
    if removed > 0 {
        blobs::sweep(store).await?;
    }
    // What a day's bound is held against stays.
    let calls = model_calls::forget(age.max(2 * DAY), store.dialect());
    store.execute(calls).await?;
    Ok(removed)
}

/// How many runs ended longer ago than `age`, and how many of these a rate limit still counts.
pub async fn count_older(store: &Store, age: Duration) -> Result<(u64, u64), StoreError> {
    let (now, counted) = (batch::now(store.dialect()), is_counted(store.dialect()));
    let sql = format!(
        "SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN {counted} THEN 1 ELSE 0 END), 0) AS counted \
        FROM history WHERE finished_at <= {now} - $1"
    );
    store.read_one(Query::new(sql).bind(micros(age))).await
}

/// The limit that counts a run which has ended, and until when, if one does.
pub async fn counted_until(
    store: &Store,
    run: &str,
) -> Result<Option<(String, Timestamp)>, StoreError> {
    let counted = is_counted(store.dialect());
    let sql = format!(
        "SELECT limit_key, started_at + rate_window AS until FROM history WHERE id = $1 AND {counted}"
    );
    let found: Option<(String, i64)> = store.read_first(Query::new(sql).bind(run)).await?;
    Ok(found.map(|(key, until)| (key, timestamp(until))))
}

async fn prune_batch(transaction: &mut Transaction<'_>, age: Duration) -> Result<u64, StoreError> {
    let dialect = transaction.dialect();
    let (now, counted) = (batch::now(dialect), is_counted(dialect));
    // What another transaction is removing is left to it.
    let skip = batch::skip_locked(dialect);
    let sql = format!(
        "DELETE FROM history WHERE id IN (SELECT id FROM history \
            WHERE finished_at <= {now} - $1 AND NOT {counted} \
            ORDER BY finished_at LIMIT $2 {skip}) RETURNING id"
    );
    let remove = Query::new(sql).bind(micros(age)).bind(BATCH);
    let ids: Vec<String> = transaction.read(remove).await?;
    if !ids.is_empty() {
        forget(transaction, &ids).await?;
    }
    Ok(u64::try_from(ids.len()).unwrap_or_default())
}

/// Whether an open run belongs to a revision that is not there.
pub async fn is_orphaned(store: &Store, run: &str) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 AS found FROM open_runs WHERE id = $1 AND {ORPHANED}");
    let rows = store.query(Statement::new(sql).bind(run)).await?;
    Ok(rows.first().is_some())
}

/// Remove one run that has ended, or that nothing can end since its revision is gone, whether it
/// can be read or not; says whether there was one.
pub async fn remove(store: &Store, run: &str) -> Result<bool, StoreError> {
    let run = run.to_owned();
    let removed = store
        .write(move |transaction| {
            Box::pin(async move {
                let mut removed = 0;
                for sql in [
                    "DELETE FROM history WHERE id = $1".to_owned(),
                    format!("DELETE FROM open_runs WHERE id = $1 AND {ORPHANED}"),
                ] {
                    removed += transaction.execute(Statement::new(sql).bind(&run)).await?;
                }
                if removed > 0 {
                    forget(transaction, &[run]).await?;
                }
                Ok(removed > 0)
            })
        })
        .await?;
    if removed {
        blobs::sweep(store).await?;
    }
    Ok(removed)
}

/// Remove what belongs to runs that are gone.
async fn forget(transaction: &mut Transaction<'_>, ids: &[String]) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    let among = batch::among(dialect, batch::ids(dialect));
    let batch = batch::rows(ids)?;
    for table in ["stage_runs", "gates"] {
        let sql = format!("DELETE FROM {table} WHERE run {among}");
        transaction
            .execute(Statement::new(sql).bind(batch.clone()))
            .await?;
    }
    Ok(())
}

/// Bring a run that has ended back among the open ones, as queued; its fence grows, so that
/// no worker that had it before can write to it.
pub async fn reopen(transaction: &mut Transaction<'_>, run: &str) -> Result<(), StoreError> {
    let now = batch::now(transaction.dialect());
    let columns = SHARED.replace("fence", "fence + 1").replace("spent", "0");
    let sql = format!(
        "INSERT INTO open_runs ({SHARED}, status, detail, wake_at, lease_until, recoveries) \
        SELECT {columns}, 'queued', '', {now}, 0, 0 FROM history WHERE id = $1"
    );
    let copied = transaction.execute(Statement::new(sql).bind(run)).await?;
    if copied != 1 {
        let message = format!("run {run} has not ended, or is gone");
        return Err(StoreError::new(StoreErrorKind::Constraint, message));
    }
    let sql = "DELETE FROM history WHERE id = $1";
    transaction.execute(Statement::new(sql).bind(run)).await?;
    Ok(())
}
