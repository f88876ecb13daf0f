//! What a handler reports. There is no default and no boolean, so "ok" cannot be said by
//! accident; a panic, a trap and a timeout are failures with a kind of their own.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::value::Statement;

/// Keys and values that a stage hands to the stages after it.
pub type Patch = Map<String, Json>;

/// What came of one call of a handler, as the engine stores it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    Done(Done<Patch>),
    #[serde(untagged)]
    Stopped(Stop),
}

/// The work is done. `P` is what the stage writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done<P> {
    pub patch: P,
    /// What changed in the world, counted: rows deleted, posts published.
    #[serde(default)]
    pub effects: BTreeMap<String, u64>,
    /// Statements that commit in the transaction of the checkpoint, exactly once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Statement>,
}

impl<P> Done<P> {
    pub fn new(patch: P) -> Self {
        Self {
            patch,
            effects: BTreeMap::new(),
            writes: Vec::new(),
        }
    }

    /// Count an effect.
    #[must_use]
    pub fn effect(mut self, name: &str, count: u64) -> Self {
        let counted = self.effects.entry(name.to_owned()).or_default();
        *counted = counted.saturating_add(count);
        self
    }

    /// Commit a statement together with the checkpoint.
    #[must_use]
    pub fn write(mut self, statement: Statement) -> Self {
        self.writes.push(statement);
        self
    }
}

/// Why a handler did not do its work. Only `failed` is a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Stop {
    NothingToDo {
        reason: String,
    },
    /// Later: a busy device, a rate limit. No retry is consumed.
    Deferred {
        until: Timestamp,
        reason: String,
    },
    /// A decision, never "success with a flag".
    Rejected {
        rule: String,
        detail: String,
    },
    /// A dependency did not answer: neither pass nor fail.
    Unavailable {
        dependency: String,
        cause: String,
    },
    Failed(Failure),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    pub retryable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The configuration cannot work; trying again changes nothing.
    Config,
    /// The input does not fit what the handler reads.
    Input,
    /// A grant does not allow it.
    Denied,
    /// The handler is wrong: a panic, an output that breaks its own schema.
    Internal,
    Timeout,
    /// A component trapped: a panic inside the sandbox, a memory limit, a wild access.
    Trap,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureKind::Config => "config",
            FailureKind::Input => "input",
            FailureKind::Denied => "denied",
            FailureKind::Internal => "internal",
            FailureKind::Timeout => "timeout",
            FailureKind::Trap => "trap",
        })
    }
}

impl Stop {
    pub fn nothing_to_do(reason: impl Into<String>) -> Self {
        Stop::NothingToDo {
            reason: reason.into(),
        }
    }

    pub fn rejected(rule: &str, detail: impl Into<String>) -> Self {
        Stop::Rejected {
            rule: rule.to_owned(),
            detail: detail.into(),
        }
    }

    pub fn unavailable(dependency: impl Into<String>, cause: impl fmt::Display) -> Self {
        Stop::Unavailable {
            dependency: dependency.into(),
            cause: cause.to_string(),
        }
    }

    /// A failure that another attempt cannot mend.
    pub fn failed(kind: FailureKind, message: impl fmt::Display) -> Self {
        Stop::Failed(Failure {
            kind,
            message: message.to_string(),
            retryable: false,
        })
    }

    /// A failure that another attempt may mend.
    pub fn retryable(kind: FailureKind, message: impl fmt::Display) -> Self {
        Stop::Failed(Failure {
            kind,
            message: message.to_string(),
            retryable: true,
        })
    }
}

impl Outcome {
    /// The one-word name of the outcome, as pipelines write it in `on.<outcome>`.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Done(_) => "done",
            Outcome::Stopped(stop) => stop.name(),
        }
    }

    /// One sentence for a person.
    pub fn detail(&self) -> String {
        match self {
            Outcome::Done(done) => {
                let counts = done
                    .effects
                    .iter()
                    .map(|(name, count)| format!("{name} {count}"));
                counts.collect::<Vec<_>>().join(", ")
            }
            Outcome::Stopped(stop) => stop.to_string(),
        }
    }
}

impl Stop {
    pub fn name(&self) -> &'static str {
        match self {
            Stop::NothingToDo { .. } => "nothing-to-do",
            Stop::Deferred { .. } => "deferred",
            Stop::Rejected { .. } => "rejected",
            Stop::Unavailable { .. } => "unavailable",
            Stop::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::NothingToDo { reason } => f.write_str(reason),
            Stop::Deferred { until, reason } => write!(f, "{reason}; again at {until}"),
            Stop::Rejected { rule, detail } => write!(f, "{rule}: {detail}"),
            Stop::Unavailable { dependency, cause } => write!(f, "{dependency}: {cause}"),
            Stop::Failed(failure) => failure.fmt(f),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_survive_storage() {
        let outcomes = [
            Outcome::Done(Done::new(Patch::new()).effect("posts", 1)),
            Outcome::Stopped(Stop::nothing_to_do("thin day")),
            Outcome::Stopped(Stop::unavailable("git", "no such folder")),
            Outcome::Stopped(Stop::failed(FailureKind::Trap, "boom")),
        ];
        for outcome in outcomes {
            let text = serde_json::to_string(&outcome).expect("serializes");
            let back: Outcome = serde_json::from_str(&text).expect(&text);
            assert_eq!(back, outcome);
            assert!(
                text.contains(&format!("\"outcome\":\"{}\"", outcome.name())),
                "{text}"
            );
        }
    }
}
