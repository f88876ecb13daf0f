//! How errors turn into a [`Stop`], so that `?` works in a handler.

use super::{Failure, FailureKind, Stop};
use crate::{db, http, model, settings, vectors};

impl From<db::Error> for Stop {
    fn from(error: db::Error) -> Self {
        let db::Error {
            kind,
            message,
            retryable,
        } = error;
        let kind = match kind {
            db::ErrorKind::Unavailable => return Self::unavailable("database", message),
            db::ErrorKind::Denied => return Self::failed(FailureKind::Denied, message),
            db::ErrorKind::Timeout => return Self::failed_for_now(FailureKind::Timeout, message),
            db::ErrorKind::Statement
            | db::ErrorKind::Constraint
            | db::ErrorKind::TooLarge
            | db::ErrorKind::Unknown => FailureKind::Internal,
        };
        Self::Failed(Failure {
            kind,
            message,
            retryable,
        })
    }
}

impl From<db::RowError> for Stop {
    fn from(error: db::RowError) -> Self {
        Self::failed(FailureKind::Internal, error.to_string())
    }
}

impl From<vectors::Error> for Stop {
    fn from(error: vectors::Error) -> Self {
        match error {
            vectors::Error::Database(error) => error.into(),
            other => Self::failed(FailureKind::Internal, other.to_string()),
        }
    }
}

impl From<settings::Error> for Stop {
    fn from(error: settings::Error) -> Self {
        let kind = match error {
            settings::Error::Denied(_) | settings::Error::Secret(_) => FailureKind::Denied,
            settings::Error::Unknown(_) | settings::Error::WrongKind { .. } => FailureKind::Config,
        };
        Self::failed(kind, error.to_string())
    }
}

impl From<http::Error> for Stop {
    fn from(error: http::Error) -> Self {
        let message = error.to_string();
        match error.kind {
            http::ErrorKind::Denied => Self::failed(FailureKind::Denied, message),
            http::ErrorKind::BadRequest | http::ErrorKind::TooLarge => {
                Self::failed(FailureKind::Internal, message)
            }
            http::ErrorKind::Dns
            | http::ErrorKind::Unreachable
            | http::ErrorKind::Tls
            | http::ErrorKind::Reset
            | http::ErrorKind::Timeout => Self::unavailable(error.host(), message),
            http::ErrorKind::Unknown => Self::Failed(Failure {
                kind: FailureKind::Internal,
                message,
                retryable: error.retryable,
            }),
        }
    }
}

impl From<model::Error> for Stop {
    fn from(error: model::Error) -> Self {
        match error {
            model::Error::Busy { until, reason } => Self::deferred(until, reason),
            model::Error::Unavailable(text) => Self::unavailable("model", text),
            model::Error::Denied(text) => Self::failed(FailureKind::Denied, text),
            model::Error::Unset(text) => Self::failed(FailureKind::Config, text),
            model::Error::Question(text) | model::Error::TooLarge(text) => {
                Self::failed(FailureKind::Internal, text)
            }
        }
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(
            FailureKind::Internal,
            format!("JSON that does not fit: {error}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_database(kind: db::ErrorKind) -> Stop {
        db::Error {
            kind,
            message: "m".to_owned(),
            retryable: true,
        }
        .into()
    }

    #[test]
    fn a_denial_is_not_worth_a_retry() {
        let denied = Stop::failed(FailureKind::Denied, "m");
        assert_eq!(from_database(db::ErrorKind::Denied), denied);
        assert_eq!(Stop::from(settings::Error::Denied("m".to_owned())), denied);
    }

    #[test]
    fn a_database_that_does_not_answer_is_unavailable() {
        let error = db::Error {
            kind: db::ErrorKind::Unavailable,
            message: "m".to_owned(),
            retryable: true,
        };
        assert_eq!(
            Stop::from(vectors::Error::Database(error)),
            Stop::unavailable("database", "m")
        );
    }

    #[test]
    fn a_timeout_is_worth_a_retry() {
        assert_eq!(
            from_database(db::ErrorKind::Timeout),
            Stop::failed_for_now(FailureKind::Timeout, "m")
        );
    }
}
