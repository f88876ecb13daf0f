//! The end of a statement at its deadline, by the database itself.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::{ANSWER, execute};
use crate::store::StoreError;
use crate::value::Statement;

/// For the transaction that is under way; gives the time that is left.
pub(in crate::store) async fn limit(
    connection: &mut PgConnection,
    deadline: Instant,
) -> Result<Duration, StoreError> {
    let left = deadline.saturating_duration_since(Instant::now());
    // Zero would be no limit.
    let left = left.max(Duration::from_millis(1));
    let limit = format!(
        "SET LOCAL statement_timeout = {}",
        left.as_millis().min(i32::MAX as u128)
    );
    execute(connection, Statement::new(limit), ANSWER).await?;
    Ok(left)
}
