//! Connections of plugins that are open and not used.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use sqlx::Connection as _;

use super::session::Session;
use crate::store::sqlite::Guest;

/// Connections of a plugin that wait to be used again.
#[derive(Default)]
pub(super) struct Idling(Mutex<Vec<Session>>);

impl Idling {
    pub(super) fn sessions(&self) -> MutexGuard<'_, Vec<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest for Idling {
    /// Close what a plugin left open, so that the store, which closes the database after it, is the
    /// last.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let sessions = std::mem::take(&mut *self.sessions());
            for session in sessions {
                if let Session::Sqlite { connection, .. } = session {
                    // There is no caller to tell, and nothing to be done about it.
                    connection.close().await.ok();
                }
            }
        })
    }
}
