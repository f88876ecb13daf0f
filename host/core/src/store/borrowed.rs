//! Connections of pools, while they are in use.

use sqlx::Database;
use sqlx::pool::PoolConnection;

use super::{StoreError, StoreErrorKind};

/// A connection of a pool. Dropped in the middle of its work it is closed, because it may still be
/// busy with that work.
pub(super) struct Borrowed<D: Database>(Option<PoolConnection<D>>);

impl<D: Database> Borrowed<D> {
    pub(super) fn of(connection: PoolConnection<D>) -> Self {
        Self(Some(connection))
    }

    pub(super) fn connection(&mut self) -> Result<&mut D::Connection, StoreError> {
        let connection = self.0.as_deref_mut();
        connection.ok_or_else(|| StoreError::internal("a connection was given back twice"))
    }

    /// Its work is over.
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }

    /// Its work is over, or its server does not answer, or has more to say than was read: then it is
    /// closed.
    pub(super) fn give_back_unless_silent<T>(self, result: &Result<T, StoreError>) {
        use StoreErrorKind::{TooLarge, Unavailable};
        let of_no_use = |error: &StoreError| matches!(error.kind, TooLarge | Unavailable);
        if !result.as_ref().is_err_and(of_no_use) {
            self.give_back();
        }
    }
}

impl<D: Database> Drop for Borrowed<D> {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}
