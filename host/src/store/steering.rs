//! Runs steered from outside: stopped and resumed by a person.

use std::sync::Arc;
use std::time::Duration;

use super::checkpoints::{self, Checkpoint, Then};
use super::leases::{Held, Wish};
use super::runs::RunStatus;
use super::{Store, StoreError, Transaction, batch};
use crate::value::Statement;

/// What came of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steered {
    /// The run has the status now.
    Now(RunStatus),
    /// Its worker is told.
    Told,
}

/// Cancel or pause a run; `None` if it has ended.
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
    let tell = "UPDATE open_runs SET wish = $2, wish_detail = $3 \
        WHERE id = $1 AND status = 'running'";
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
    let checkpoint = Checkpoint {
        held: Held {
            run,
            fence: row.integer("fence")?,
        },
        signals: row.integer("signals")?,
        rows: Vec::new(),
        superseded: Vec::new(),
        gates: Vec::new(),
        writes: Vec::new(),
        plugin: None,
        spent: Duration::from_micros(row.integer("spent")?.unsigned_abs()),
        settings: None,
        then: match wish {
            Wish::Cancel => Then::End { status, detail },
            Wish::Pause => Then::Rest {
                status,
                detail,
                wake_at: super::timestamp(super::NEVER),
            },
        },
        effects: Vec::new(),
    };
    checkpoints::commit_in(transaction, vec![Arc::new(checkpoint)]).await?;
    Ok(Some(Steered::Now(status)))
}

/// Queue a run that is paused, blocked or waiting; `None` if it is none of these. A gate that
/// is still open is asked on.
pub async fn resume(store: &Store, run: &str) -> Result<Option<Steered>, StoreError> {
    let now = batch::now(store.dialect());
    let sql = format!(
        "UPDATE open_runs SET status = 'queued', wake_at = {now}, recoveries = 0, wish = NULL \
        WHERE id = $1 AND status IN ('paused', 'blocked', 'waiting', 'queued')"
    );
    let resumed = store.execute(Statement::new(sql).bind(run)).await?;
    Ok((resumed == 1).then_some(Steered::Now(RunStatus::Queued)))
}
