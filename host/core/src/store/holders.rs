//! Who has a run, and what a person asked of it: what a run is besides its definition.

use jiff::Timestamp;
use serde::Deserialize;

use super::leases::RunSignals;
use super::{Store, StoreError};
use crate::value::Query;
use crate::value::form::micros;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "runs")]
pub struct Holder {
    /// Grows with each change of hands.
    pub fence: i64,
    /// The worker that has it, or had it last.
    pub worker: Option<String>,
    /// When its lease runs out, if it has one.
    #[serde(with = "micros")]
    pub lease_until: Option<Timestamp>,
    /// How often a worker fell silent since the last checkpoint.
    pub recoveries: i64,
    pub told: RunSignals,
}

/// Who has a run; `None` if there is no such run.
pub async fn of(store: &Store, run: &str) -> Result<Option<Holder>, StoreError> {
    let sql = "SELECT fence, signals, worker, NULLIF(lease_until, 0) AS lease_until, recoveries, stop_request, stop_detail \
        FROM runs WHERE id = $1";
    store.read_first(Query::new(sql).bind(run)).await
}
