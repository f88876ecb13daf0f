//! What one process at a time may do on PostgreSQL, as rows of a table to which no plugin's
//! role has any right. Its advisory locks would not do: a role that can call a function can take
//! each of them, and keep everybody waiting. On SQLite one writes at a time anyway.

use super::{Dialect, StoreError, Transaction};
use crate::value::Statement;

/// What is locked; the name of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// Taking runs.
    Claims,
    /// The login roles of plugins, and their grants.
    Logins,
    /// Bringing the schedules in line with a revision.
    Schedules,
}

impl Lock {
    fn name(self) -> &'static str {
        match self {
            Lock::Claims => "claims",
            Lock::Logins => "logins",
            Lock::Schedules => "schedules",
        }
    }

    /// Be alone with it until the transaction ends.
    pub(super) async fn acquire(self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        let sql = "SELECT name FROM locks WHERE name = $1 FOR UPDATE";
        self.take(transaction, sql).await
    }

    /// Keep those out who want to be alone with it, until the transaction ends.
    pub(super) async fn shared(self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        let sql = "SELECT name FROM locks WHERE name = $1 FOR SHARE";
        self.take(transaction, sql).await
    }

    async fn take(
        self,
        transaction: &mut Transaction<'_>,
        sql: &'static str,
    ) -> Result<(), StoreError> {
        if transaction.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let lock = Statement::new(sql).bind(self.name());
        match transaction.query(lock).await?.first() {
            Some(_) => Ok(()),
            None => Err(StoreError::internal(format!(
                "the table `locks` has no row `{}`",
                self.name()
            ))),
        }
    }
}
