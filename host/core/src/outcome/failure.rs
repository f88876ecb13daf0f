//! How a handler failed: the kind, what happened, and whether trying again may help.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a handler failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
    /// Whether trying again may help.
    pub retryable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// It took longer than it may.
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
