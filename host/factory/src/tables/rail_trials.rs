//! `rail_trials`: how far rails that ask a model agreed with people, each with the model and the question
//! that it is true of.

use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, select};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "rail_trials")]
pub struct RailTrial {
    pub id: String,
    /// The handler.
    pub rail: String,
    /// The provider and the model that the role resolved to: `openai lens`.
    pub model: String,
    /// The digest of all else that a verdict depends on.
    pub question: String,
    /// The digest of the drafts with their labels.
    pub corpus: String,
    /// Drafts with a verdict.
    pub drafts: u64,
    pub unanswered: u64,
    pub good_passed: u64,
    pub good_failed: u64,
    pub bad_passed: u64,
    pub bad_failed: u64,
    /// In hundredths; none where nothing can be said.
    pub kappa: Option<i64>,
    pub spread: u32,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Millionths of a cent.
    pub microcents: u64,
    /// Whether it reached the bounds of that day's configuration.
    pub passed: bool,
    #[serde(with = "micros")]
    pub made_at: Timestamp,
}

/// Keep a trial.
pub fn insert(trial: &RailTrial) -> Statement {
    Statement::insert(trial)
}

/// The trials of a rail, newest first.
pub fn of_rail(rail: &str) -> Query<RailTrial> {
    select("WHERE rail = $1 ORDER BY made_at DESC, id LIMIT 500").bind(rail)
}
