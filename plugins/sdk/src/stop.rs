//! [`Stop`]: everything that can come of a call but "done", and how errors turn into it.
//!
//! Policy: what the operator has to mend is `failed` and not retryable; what a dependency
//! has to mend is `unavailable`; what a second try may mend is `failed` and retryable.

mod conversions;

use std::fmt;

/// Why a call ended without being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// There was nothing to do; the text says why.
    NothingToDo(String),
    /// Not now. Not a failure, and it costs no retry.
    Deferred {
        /// Microseconds since 1970-01-01T00:00:00Z.
        until: i64,
        /// Why.
        reason: String,
    },
    /// A decision against it.
    Rejected {
        /// The rule that decided.
        rule: String,
        /// What about it.
        detail: String,
        /// What it found, by key, if it hands that on.
        patch: Option<serde_json::Value>,
    },
    /// A dependency did not answer.
    Unavailable {
        /// Which.
        dependency: String,
        /// What it said, or that it said nothing.
        cause: String,
    },
    /// It went wrong.
    Failed(Failure),
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Who has to mend it.
    pub kind: FailureKind,
    /// A lower-case fragment that names the thing and the mend.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// Who has to mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The operator: the configuration is wrong.
    Config,
    /// Whoever made the input.
    Input,
    /// The operator: a grant is missing.
    Denied,
    /// The author of the plugin.
    Internal,
    /// Nobody: the time was over.
    Timeout,
}

impl Stop {
    /// There was nothing to do.
    pub fn nothing_to_do(reason: impl Into<String>) -> Self {
        Self::NothingToDo(reason.into())
    }

    /// Not before `until`, in microseconds since 1970-01-01T00:00:00Z.
    pub fn deferred(until: i64, reason: impl Into<String>) -> Self {
        Self::Deferred {
            until,
            reason: reason.into(),
        }
    }

    /// A decision against it.
    pub fn rejected(rule: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Rejected {
            rule: rule.into(),
            detail: detail.into(),
            patch: None,
        }
    }

    /// The same rejection, which hands on what was found: keys that the handler writes. Stages
    /// that go on from the rejection read them, and so do those that are visited again because
    /// of it. Nothing but a rejection hands anything on.
    #[must_use]
    pub fn handing_on<W: serde::Serialize>(self, found: &W) -> Self {
        let (rule, detail) = match self {
            Self::Rejected { rule, detail, .. } => (rule, detail),
            other => return other,
        };
        match serde_json::to_value(found) {
            Ok(found) => Self::Rejected {
                rule,
                detail,
                patch: Some(found),
            },
            Err(error) => error.into(),
        }
    }

    /// A dependency did not answer.
    pub fn unavailable(dependency: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Unavailable {
            dependency: dependency.into(),
            cause: cause.into(),
        }
    }

    /// It went wrong, and the same call would go wrong again.
    pub fn failed(kind: FailureKind, message: impl Into<String>) -> Self {
        Self::Failed(Failure {
            kind,
            message: message.into(),
            retryable: false,
        })
    }

    /// It went wrong, and a second try may succeed.
    pub fn failed_for_now(kind: FailureKind, message: impl Into<String>) -> Self {
        Self::Failed(Failure {
            kind,
            message: message.into(),
            retryable: true,
        })
    }

    /// The configuration is wrong.
    pub fn bad_config(message: impl Into<String>) -> Self {
        Self::failed(FailureKind::Config, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
