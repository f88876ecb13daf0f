//! A new run that begins with checkpoints of another.

use crate::store::runs::{self, Run};
use crate::store::{Store, StoreError, Transaction, batch};
use crate::value::Statement;

/// A run and what it begins with.
#[derive(Debug, Clone)]
pub struct ForkPlan {
    pub run: Run,
    /// The run it is a fork of.
    pub of: String,
    /// The newest checkpoint of it that counts here: what comes meanwhile is not copied.
    pub newest: i64,
    /// Stages whose checkpoints that count are copied. Their deferred writes were carried out
    /// for the other run and are not repeated.
    pub stages: Vec<String>,
}

/// Keep the fork, queued; gives the number of checkpoints it begins with.
pub async fn fork(store: &Store, fork: ForkPlan) -> Result<u64, StoreError> {
    store
        .write(move |transaction| Box::pin(fork_in(transaction, fork)))
        .await
}

async fn fork_in(transaction: &mut Transaction<'_>, fork: ForkPlan) -> Result<u64, StoreError> {
    let dialect = transaction.dialect();
    let id = &fork.run.id;
    transaction
        .execute(runs::insert(&fork.run, dialect)?)
        .await?;
    // A claim looks for checkpoints only where a worker may have made some.
    let made = Statement::new("UPDATE open_runs SET fence = 1 WHERE id = $1").bind(id);
    transaction.execute(made).await?;
    let ids = batch::ids(dialect);
    let sql = format!(
        "INSERT INTO stage_runs (run, stage, visit, step, fence, handler, attempts, holds, \
            outcome, follow, undone, report, digest, superseded, wake_at, started_at, finished_at) \
        SELECT $2, stage, visit, step, 1, handler, attempts, holds, \
            outcome, follow, undone, report, digest, superseded, wake_at, started_at, finished_at \
        FROM stage_runs WHERE run = $3 AND NOT superseded AND step <= $4 AND stage IN ({ids})"
    );
    let copy = Statement::new(sql)
        .bind(batch::rows(&fork.stages)?)
        .bind(id)
        .bind(&fork.of)
        .bind(fork.newest);
    transaction.execute(copy).await
}
