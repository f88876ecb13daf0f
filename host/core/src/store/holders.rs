//! Who has a run, and what a person asked of it: what a run is besides its definition.

use jiff::Timestamp;
use serde::Serialize;

use super::leases::{StopRequest, read_signals};
use super::{Store, StoreError, timestamp};
use crate::value::Statement;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Grows with each change of hands.
    pub fence: i64,
    /// Grows when something outside changes the run.
    pub signals: i64,
    /// The worker that has it, or had it last.
    pub worker: Option<String>,
    /// When its lease runs out, if it has one.
    pub lease_until: Option<Timestamp>,
    /// How often a worker fell silent since the last checkpoint.
    pub recoveries: i64,
    pub stop_request: Option<StopRequest>,
    /// Who asked for it, and why.
    pub stop_detail: String,
}

/// Who has a run; `None` if there is no such run.
pub async fn of(store: &Store, run: &str) -> Result<Option<Holder>, StoreError> {
    let sql = "SELECT fence, signals, worker, lease_until, recoveries, stop_request, stop_detail \
        FROM runs WHERE id = $1";
    let rows = store.query(Statement::new(sql).bind(run)).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let told = read_signals(row)?;
    let lease_until = row.integer("lease_until")?;
    Ok(Some(Holder {
        fence: row.integer("fence")?,
        signals: told.signals,
        worker: row.optional_text("worker")?,
        lease_until: (lease_until > 0).then(|| timestamp(lease_until)),
        recoveries: row.integer("recoveries")?,
        stop_request: told.stop_request,
        stop_detail: told.stop_detail,
    }))
}
