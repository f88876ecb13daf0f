//! A server that falls silent: a connection that dies without a word, as behind a firewall that
//! forgot it, would be waited for for ever.

use std::time::Duration;

use crate::store::{StoreError, StoreErrorKind};

/// How long the server works on a statement of the host that has no deadline of its own.
pub(super) const LONGEST: (&str, &str) = ("statement_timeout", "60s");
/// How long its answer is waited for: as long as it may work on it and wait for a lock, and a
/// little more.
pub(in crate::store) const ANSWER: Duration = Duration::from_secs(75);
/// How much longer than its deadline the answer to a statement is waited for.
pub(in crate::store) const GRACE: Duration = Duration::from_secs(15);

/// The answer of the server, or that there was none. The connection is of no use then.
pub(in crate::store) async fn answered<T, E>(
    within: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, StoreError>
where
    StoreError: From<E>,
{
    match tokio::time::timeout(within, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!(
                "the database did not answer within {} s; the connection is given up",
                within.as_secs()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn silence_is_no_wait_without_an_end() {
        let silence = std::future::pending::<Result<(), StoreError>>();
        let error = answered(Duration::from_millis(20), silence)
            .await
            .expect_err("no answer");
        assert!(error.is_retryable(), "{error}");
        assert!(
            answered(ANSWER, async { Ok::<_, StoreError>(1) })
                .await
                .is_ok()
        );
    }
}
