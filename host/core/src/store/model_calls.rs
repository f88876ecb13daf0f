//! `model_calls`: what models were asked, what it took and what it cost, so that a day has a bound. A row is
//! written before the question goes out, and counts by its estimate until it is completed.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dialect, Store, StoreError, batch};
use crate::value::form::micros;
use crate::value::{Query, Statement};

/// The most of a column that is summed up.
const MOST: u64 = 1 << 42;
/// The outcome of a call that is under way, or was given up: nobody has heard what it took.
pub const ASKED: &str = "asked";
/// The outcome of a call that was answered.
pub const DONE: &str = "done";

/// One call of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "model_calls")]
pub struct ModelCall {
    pub id: String,
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
    /// Whether the tokens are an estimate, as no server has said them.
    pub estimated: bool,
    /// Millionths of a cent.
    pub microcents: u64,
    pub duration_ms: u64,
    /// `asked` until it is over, then `done`, or the name of the cause why there was no answer.
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
    /// How often nobody has heard what came: the call is under way, or was given up.
    pub unfinished: u64,
    /// How many of the calls are counted by an estimate of their tokens.
    pub estimated: u64,
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
            let sum = u64::saturating_add;
            total.calls = sum(total.calls, one.calls);
            total.failures = sum(total.failures, one.failures);
            total.unfinished = sum(total.unfinished, one.unfinished);
            total.estimated = sum(total.estimated, one.estimated);
            total.prompt_tokens = sum(total.prompt_tokens, one.prompt_tokens);
            total.completion_tokens = sum(total.completion_tokens, one.completion_tokens);
            total.microcents = sum(total.microcents, one.microcents);
        }
        total
    }

    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

/// What a stage of a run took of a model, or one that stood in for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "StageModelUse")]
pub struct StageUse {
    /// The stage's id.
    pub stage: String,
    /// The role that was asked.
    pub role: String,
    /// The model, by the server's name for it.
    pub model: String,
    /// How often it was asked.
    pub calls: u64,
    /// How often it gave no answer that can be used.
    pub failures: u64,
    /// How often nobody has heard what came: the call is under way, or was given up.
    pub unfinished: u64,
    /// How many of the calls are counted by an estimate of their tokens.
    pub estimated: u64,
    /// Tokens of questions.
    pub prompt_tokens: u64,
    /// Tokens of answers, reasoning included.
    pub completion_tokens: u64,
    /// What it cost, in millionths of a cent of the money of the prices.
    pub microcents: u64,
}

/// Keep a call before it is made.
pub async fn keep(store: &Store, call: &ModelCall) -> Result<(), StoreError> {
    store.execute(Statement::insert(&bounded(call))).await?;
    Ok(())
}

/// Keep what a call took in the end, and how it came out.
pub async fn complete(store: &Store, call: &ModelCall) -> Result<(), StoreError> {
    let sql = "UPDATE model_calls SET prompt_tokens = :prompt_tokens, \
            completion_tokens = :completion_tokens, estimated = :estimated, \
            microcents = :microcents, duration_ms = :duration_ms, outcome = :outcome \
        WHERE id = :id";
    store.execute(Statement::named(sql, &bounded(call))).await?;
    Ok(())
}

/// What is more than any call can take is kept as the most, so that sums of them are sums.
fn bounded(call: &ModelCall) -> ModelCall {
    ModelCall {
        prompt_tokens: call.prompt_tokens.min(MOST),
        completion_tokens: call.completion_tokens.min(MOST),
        microcents: call.microcents.min(MOST),
        ..call.clone()
    }
}

/// What each role took in the day that began then: what a clock that stood ahead has left behind it is
/// of another one.
pub async fn of_day(store: &Store, began: Timestamp) -> Result<Vec<ModelUse>, StoreError> {
    let ends = began.checked_add(24.hours()).unwrap_or(Timestamp::MAX);
    let taken = taken();
    let sql = format!(
        "SELECT role, {taken} FROM model_calls WHERE at >= $1 AND at < $2 GROUP BY role ORDER BY role"
    );
    store.read(Query::new(sql).bind(began).bind(ends)).await
}

/// What the stages of a run took, in the order in which they first asked.
pub async fn of_run(store: &Store, run: &str) -> Result<Vec<StageUse>, StoreError> {
    let taken = taken();
    let sql = format!(
        "SELECT stage, role, model, {taken} FROM model_calls WHERE run = $1 \
        GROUP BY stage, role, model ORDER BY MIN(at), stage, role, model"
    );
    store.read(Query::new(sql).bind(run)).await
}

/// Columns of what calls took together. A row has 2^42 at most, as `keep` and the table see to.
fn taken() -> String {
    let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS {column}");
    let sums = ["prompt_tokens", "completion_tokens", "microcents"].map(sum);
    let count = |when: String, name| format!("COUNT(CASE WHEN {when} THEN 1 END) AS {name}");
    let counts = [
        "COUNT(*) AS calls".to_owned(),
        count(format!("outcome NOT IN ('{DONE}', '{ASKED}')"), "failures"),
        count(format!("outcome = '{ASKED}'"), "unfinished"),
        count("estimated".to_owned(), "estimated"),
    ];
    format!("{}, {}", counts.join(", "), sums.join(", "))
}

/// Forget calls that are older than that.
pub(super) fn forget(age: Duration, dialect: Dialect) -> Statement {
    let now = batch::now(dialect);
    let sql = format!("DELETE FROM model_calls WHERE at < {now} - $1");
    Statement::new(sql).bind(super::runs::micros(age))
}
