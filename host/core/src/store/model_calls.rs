//! `model_calls`: what models were asked, what it took and what it cost, so that a day has a bound.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dialect, Store, StoreError, batch};
use crate::value::form::micros;
use crate::value::{Query, Statement};

/// One call of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "model_calls")]
pub struct ModelCall {
    /// The run that asked; empty if a person did.
    pub run: String,
    pub stage: String,
    /// The role that was asked.
    pub role: String,
    /// The role whose provider it was: another one if that stood in.
    pub provider: String,
    pub model: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Millionths of a cent.
    pub microcents: u64,
    pub duration_ms: u64,
    /// `done`, or the name of the cause why there was no answer.
    pub outcome: String,
    #[serde(with = "micros")]
    pub at: Timestamp,
}

/// What a role, or all of them, took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ModelUse")]
pub struct ModelUse {
    /// The role that was asked.
    pub role: String,
    /// How often a provider was asked.
    pub calls: u64,
    /// How often it gave no answer that can be used.
    pub failures: u64,
    /// Tokens of questions.
    pub prompt_tokens: u64,
    /// Tokens of answers, reasoning included.
    pub completion_tokens: u64,
    /// What it cost, in millionths of a cent of the money of the prices.
    pub microcents: u64,
}

impl ModelUse {
    /// The sum of all.
    pub fn total(all: &[Self]) -> Self {
        let mut total = Self::default();
        for one in all {
            total.calls += one.calls;
            total.failures += one.failures;
            total.prompt_tokens += one.prompt_tokens;
            total.completion_tokens += one.completion_tokens;
            total.microcents += one.microcents;
        }
        total
    }

    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

/// Keep a call.
pub async fn keep(store: &Store, call: &ModelCall) -> Result<(), StoreError> {
    store.execute(Statement::insert(call)).await?;
    Ok(())
}

/// What each role took since a time.
pub async fn since(store: &Store, at: Timestamp) -> Result<Vec<ModelUse>, StoreError> {
    store.read(sums("at >= $1").bind(at)).await
}

/// What each role took in a run.
pub async fn of_run(store: &Store, run: &str) -> Result<Vec<ModelUse>, StoreError> {
    store.read(sums("run = $1").bind(run)).await
}

/// What each role took in the calls of a condition.
fn sums(condition: &str) -> Query<ModelUse> {
    let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS {column}");
    let sums = ["prompt_tokens", "completion_tokens", "microcents"].map(sum);
    let sql = format!(
        "SELECT role, COUNT(*) AS calls, \
            COUNT(CASE WHEN outcome <> 'done' THEN 1 END) AS failures, {} \
        FROM model_calls WHERE {condition} GROUP BY role ORDER BY role",
        sums.join(", ")
    );
    Query::new(sql)
}

/// Forget calls that are older than that.
pub(super) fn forget(age: Duration, dialect: Dialect) -> Statement {
    let now = batch::now(dialect);
    let sql = format!("DELETE FROM model_calls WHERE at < {now} - $1");
    Statement::new(sql).bind(super::runs::micros(age))
}
