//! `policy_runs`: how each policy last ended.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dialect, Store, StoreError, batch};
use crate::value::form::micros;
use crate::value::{Query, Statement, columns};

/// How a run of a policy ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "policy_runs")]
#[schemars(rename = "PolicyRun")]
pub struct PolicyRun {
    /// The run's id.
    pub run: String,
    /// The run's status.
    pub status: String,
    /// When it ended.
    #[serde(with = "micros")]
    #[schemars(with = "Timestamp")]
    pub finished_at: Timestamp,
}

/// Note how a policy ended.
pub fn upsert(policy: &str, run: &str, status: &str, dialect: Dialect) -> Statement {
    let now = batch::now(dialect);
    let sql = format!(
        "INSERT INTO policy_runs (policy, run, status, finished_at) \
        VALUES ($1, $2, $3, {now}) ON CONFLICT (policy) DO UPDATE \
        SET run = excluded.run, status = excluded.status, finished_at = excluded.finished_at"
    );
    Statement::new(sql).bind(policy).bind(run).bind(status)
}

/// The last end of every policy that ever ended, by name.
pub async fn all(store: &Store) -> Result<BTreeMap<String, PolicyRun>, StoreError> {
    let columns = columns::<PolicyRun>();
    let query = Query::new(format!("SELECT policy, {columns} FROM policy_runs"));
    let all: Vec<(String, PolicyRun)> = store.read(query).await?;
    Ok(all.into_iter().collect())
}
