//! `policy_runs`: how each policy last ended.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Dialect, Store, StoreError, batch, timestamp};
use crate::value::Statement;

/// How a run of a policy ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PolicyRun {
    /// The run's id.
    pub run: String,
    /// The run's status.
    pub status: String,
    /// When it ended.
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
    let rows = store
        .query(Statement::new("SELECT * FROM policy_runs"))
        .await?;
    rows.iter()
        .map(|row| {
            let last = PolicyRun {
                run: row.text("run")?,
                status: row.text("status")?,
                finished_at: timestamp(row.integer("finished_at")?),
            };
            Ok((row.text("policy")?, last))
        })
        .collect()
}
