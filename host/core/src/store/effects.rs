//! `effects`: the ledger of what scheduled handlers achieve, so that silence, and success
//! without any effect, can be told from health.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dialect, Store, StoreError, batch};
use crate::outcome::LONGEST;
use crate::shown::cut;
use crate::value::form::micros;
use crate::value::{Statement, select};

/// What one handler came to in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub pipeline: String,
    pub handler: String,
    pub outcome: &'static str,
    /// Whether the run began by itself; of others only fallbacks count.
    pub scheduled: bool,
    /// `done` and `nothing-to-do` are successes.
    pub success: bool,
    /// The sum of its counted effects.
    pub effects: u64,
    /// What was done in a lesser way, and why.
    pub fallback: Option<String>,
}

/// How a scheduled handler fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "effects")]
#[schemars(rename = "LedgerEntry")]
pub struct LedgerEntry {
    /// Its pipeline; of a policy, `policy:NAME`.
    pub pipeline: String,
    /// Its name.
    pub handler: String,
    /// The id of the last run.
    pub run: String,
    /// What it reported in the last run: `done`, `failed`.
    pub outcome: String,
    /// When that was.
    #[serde(with = "micros")]
    #[schemars(with = "Timestamp")]
    pub last_at: Timestamp,
    /// When it last succeeded.
    #[serde(with = "micros")]
    #[schemars(with = "Option<Timestamp>")]
    pub last_success: Option<Timestamp>,
    /// When a success last had an effect.
    #[serde(with = "micros")]
    #[schemars(with = "Option<Timestamp>")]
    pub last_effect: Option<Timestamp>,
    /// Successes in a row that had no effect.
    pub without: u32,
    /// Runs in a row in which it fell back.
    pub fallbacks: u32,
    /// What it said of that in the last of them.
    pub fallback: Option<String>,
}

/// Note what a handler came to.
pub(super) fn note(effect: &Effect, run: &str, dialect: Dialect) -> Statement {
    let now = batch::now(dialect);
    let sql = format!(
        "INSERT INTO effects (pipeline, handler, run, outcome, last_at, last_success, \
            last_effect, without, fallbacks, fallback) \
        VALUES ($1, $2, $3, $4, {now}, CASE WHEN $5 THEN {now} END, \
            CASE WHEN $6 THEN {now} END, CASE WHEN $5 AND NOT $6 THEN 1 ELSE 0 END, \
            CASE WHEN $7 THEN 1 ELSE 0 END, $9) \
        ON CONFLICT (pipeline, handler) DO UPDATE SET run = excluded.run, \
            outcome = excluded.outcome, last_at = excluded.last_at, \
            last_success = COALESCE(excluded.last_success, effects.last_success), \
            last_effect = COALESCE(excluded.last_effect, effects.last_effect), \
            without = CASE WHEN $6 THEN 0 ELSE effects.without + excluded.without END, \
            fallbacks = CASE WHEN $7 THEN effects.fallbacks + 1 \
                WHEN $8 THEN 0 ELSE effects.fallbacks END, \
            fallback = COALESCE(excluded.fallback, effects.fallback)"
    );
    Statement::new(sql)
        .bind(&effect.pipeline)
        .bind(&effect.handler)
        .bind(run)
        .bind(effect.outcome)
        .bind(effect.scheduled && effect.success)
        .bind(effect.scheduled && effect.effects > 0)
        .bind(effect.fallback.is_some())
        .bind(effect.outcome == "done")
        .bind(effect.fallback.as_deref().map(|said| cut(said, LONGEST)))
}

/// The whole ledger, by pipeline and handler.
pub async fn all(store: &Store) -> Result<Vec<LedgerEntry>, StoreError> {
    let query = select("ORDER BY pipeline, handler");
    store.readable("an entry of the ledger", query).await
}
