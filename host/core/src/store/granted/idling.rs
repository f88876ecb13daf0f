//! Connections of plugins that are open and not used.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::Connection as _;

use super::session::Session;

/// Connections of a plugin that wait to be used again.
#[derive(Default)]
pub(in crate::store) struct Idling(Mutex<Vec<Session>>);

impl Idling {
    pub(super) fn sessions(&self) -> MutexGuard<'_, Vec<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Close what a plugin left open, so that whoever closes the database after it is the last.
    pub(in crate::store) async fn close(&self) {
        let sessions = std::mem::take(&mut *self.sessions());
        for session in sessions {
            if let Session::Sqlite { connection, .. } = session {
                // There is nobody to tell, and nothing to be done about it.
                connection.close().await.ok();
            }
        }
    }
}
