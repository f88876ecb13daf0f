//! The end of a statement at its deadline, by the database itself.

use std::time::Instant;

use sqlx::SqliteConnection;

use crate::store::StoreError;

/// Instructions of SQLite between two looks at the time.
const INSTRUCTIONS_PER_LOOK: i32 = 1000;

/// End what the connection executes at the deadline.
pub(in crate::store) async fn limit(
    connection: &mut SqliteConnection,
    deadline: Instant,
) -> Result<(), StoreError> {
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(INSTRUCTIONS_PER_LOOK, move || Instant::now() < deadline);
    Ok(())
}

/// Let it go on for as long as it takes again.
pub(in crate::store) async fn lift(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    connection.lock_handle().await?.remove_progress_handler();
    Ok(())
}
