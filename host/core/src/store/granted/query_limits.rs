//! What one query of a plugin may give, and how long it may take.

use std::time::Duration;

use crate::config::CallLimits;

/// What one query may give and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryLimits {
    pub rows: u64,
    pub bytes: u64,
    pub timeout: Duration,
}

impl QueryLimits {
    /// The limits of a plugin, with at most `left` of time.
    pub fn of(limits: &CallLimits, left: Duration) -> Self {
        Self {
            rows: limits.rows.into(),
            bytes: limits.row_bytes.into(),
            timeout: statement_timeout(limits).min(left),
        }
    }
}

pub(super) fn statement_timeout(limits: &CallLimits) -> Duration {
    Duration::from_secs(limits.statement_seconds.into())
}
