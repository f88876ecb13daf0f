//! What a handler rules that decides: whether a person has to be asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The key under which a handler that decides writes what it rules.
pub const RULING: &str = "ruling";
/// What is said of who approved, where no person did; the stage follows.
pub const SETTLED_BY: &str = "settled by ";

/// What a gate does that names the stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ruling {
    pub answer: RulingAnswer,
    /// Why, the gravest first.
    pub reasons: Vec<String>,
    /// The version of what it is about that it looked at; any, if absent.
    #[serde(default)]
    pub seen: Option<i64>,
}

/// There is no "no": who may say yes in a person's place leaves everything else to that person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RulingAnswer {
    /// No person has to be asked.
    Approve,
    Ask,
}
