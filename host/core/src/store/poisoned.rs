//! Runs that cannot be read: each is blocked, with a finding, so that it stops no other run.

use super::unreadable::{UNREADABLE, cut, shown, text};
use super::{NEVER, StoreError, Transaction, findings};
use crate::value::{Row, Statement, Value};

/// A run to block: the value that its row has for an id, which may be no text.
pub(super) struct Poison {
    id: Value,
    problem: String,
}

impl Poison {
    /// The run whose id stands in `column` of a row.
    pub(super) fn of(row: Row<'_>, column: &str, error: &StoreError) -> Self {
        Self {
            id: row.value(column).cloned().unwrap_or(Value::Null),
            problem: cut(&error.message),
        }
    }

    pub(super) fn is(&self, run: &str) -> bool {
        self.id == Value::Text(run.to_owned())
    }
}

/// Block runs until a person mends or ends them, with a finding each.
pub(super) async fn block(
    transaction: &mut Transaction<'_>,
    poison: Vec<Poison>,
) -> Result<(), StoreError> {
    for Poison { id, problem } in poison {
        let sql = format!(
            "UPDATE open_runs SET status = 'blocked', detail = $2, wake_at = {NEVER}, \
                lease_until = 0, worker = NULL, recoveries = 0 \
            WHERE id = $1 RETURNING pipeline"
        );
        let name = text(&id);
        let detail = format!(
            "it cannot be read: {problem}; mend the row and `callboard runs resume {name}`, or \
             `callboard runs cancel {name}`"
        );
        let block = Statement::new(sql).bind(id).bind(&detail);
        let blocked = transaction.query(block).await?;
        let Some(row) = blocked.first() else { continue };
        let pipeline = shown(row, "pipeline");
        tracing::error!(run = name, pipeline, problem, "blocked: it cannot be read");
        let (key, message) = (
            format!("{UNREADABLE}:{name}"),
            format!("run {name} is blocked: {detail}"),
        );
        findings::raise_in(transaction, &key, UNREADABLE, &pipeline, &message).await?;
    }
    Ok(())
}
