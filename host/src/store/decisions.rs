//! What a person decided at a gate, kept at once with what follows from it.

use super::checkpoints::{self, StageRow};
use super::gates::{self, Gate, Verdict};
use super::stage_runs::{self, StageRun};
use super::{Store, StoreError, StoreErrorKind, Transaction, batch};
use crate::value::Statement;

/// A decision with the gate's checkpoint.
#[derive(Debug, Clone)]
pub struct Decided {
    pub gate: Gate,
    pub verdict: Verdict,
    pub row: StageRun,
    /// Stages that are visited anew.
    pub superseded: Vec<String>,
}

/// Keep a decision and queue its run, unless somebody has it: then its holder sees a signal.
pub async fn keep(store: &Store, decided: Decided) -> Result<(), StoreError> {
    store
        .write(move |transaction| Box::pin(keep_in(transaction, decided)))
        .await
}

async fn keep_in(transaction: &mut Transaction<'_>, decided: Decided) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    let fence = signal(transaction, &decided.gate.run).await?;
    let now = transaction.clock().await?;
    let decide = gates::decide(&decided.gate, &decided.verdict, now);
    if transaction.execute(decide).await? != 1 {
        let (stage, run) = (&decided.gate.stage, &decided.gate.run);
        let message = format!("gate `{stage}` of run {run} is decided already");
        return Err(StoreError::new(StoreErrorKind::Constraint, message));
    }
    let row = StageRow::of(&decided.row, fence)?;
    let insert = Statement::new(checkpoints::keep(dialect)).bind(batch::rows(&[row])?);
    transaction.execute(insert).await?;
    for stage in &decided.superseded {
        let supersede = stage_runs::supersede(&decided.gate.run, stage);
        transaction.execute(supersede).await?;
        // What a gate behind the loop asks is about to change.
        let withdraw = gates::withdraw(&decided.gate.run, stage, dialect);
        transaction.execute(withdraw).await?;
    }
    Ok(())
}

/// Change a run from outside: its holder, or the next one, looks at it again. Gives its fence.
async fn signal(transaction: &mut Transaction<'_>, run: &str) -> Result<i64, StoreError> {
    let now = batch::now(transaction.dialect());
    let sql = format!(
        "UPDATE open_runs SET signals = signals + 1, \
            wake_at = CASE WHEN status IN ('gated', 'waiting') THEN {now} ELSE wake_at END, \
            status = CASE WHEN status IN ('gated', 'waiting') THEN 'queued' ELSE status END \
        WHERE id = $1 RETURNING fence"
    );
    let rows = transaction.query(Statement::new(sql).bind(run)).await?;
    let row = rows.first().ok_or_else(|| {
        let message = format!("run {run} has ended; there is nothing to decide any more");
        StoreError::new(StoreErrorKind::Constraint, message)
    })?;
    Ok(row.integer("fence")?)
}
