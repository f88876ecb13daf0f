//! Statements of native handlers: the database itself ends them at the deadline of their call,
//! whether somebody still waits for them or not.

use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, PgConnection, SqliteConnection};

use super::{
    Backend, Connection, Store, StoreError, StoreErrorKind, Transaction, open_tables, postgres,
    storable,
};
use crate::value::{Rows, Statement};

/// Instructions of SQLite between two looks at the time.
const INSTRUCTIONS_PER_LOOK: i32 = 1000;

/// A connection of a pool. Dropped in the middle of its work it is closed, because nobody knows
/// what it is still busy with.
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

    /// Its work is over, or its server does not answer: then it is closed.
    pub(super) fn give_back_unless_silent<T>(self, result: &Result<T, StoreError>) {
        let silent = |error: &StoreError| error.kind == StoreErrorKind::Unavailable;
        if !result.as_ref().is_err_and(silent) {
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

impl Store {
    /// Rows of a SELECT that ends by `deadline`.
    pub async fn query_until(
        &self,
        statement: Statement,
        deadline: Instant,
    ) -> Result<Rows, StoreError> {
        storable::statement(&statement)?;
        open_tables::only(self.dialect(), &statement)?;
        match self.backend() {
            Backend::Sqlite(store) => store.query_until(statement, deadline).await,
            Backend::Postgres(store) => store.query_until(statement, deadline).await,
        }
    }

    /// Run one statement that ends by `deadline` in a transaction of its own; gives the rows
    /// touched.
    pub async fn execute_until(
        &self,
        statement: Statement,
        deadline: Instant,
    ) -> Result<u64, StoreError> {
        open_tables::only(self.dialect(), &statement)?;
        self.write(move |transaction| {
            Box::pin(async move {
                limit(transaction, deadline).await?;
                let touched = transaction.execute(statement).await;
                lift(transaction).await?;
                touched
            })
        })
        .await
    }
}

async fn limit(transaction: &mut Transaction<'_>, deadline: Instant) -> Result<(), StoreError> {
    match &mut transaction.connection {
        Connection::Sqlite(connection) => limit_sqlite(connection, deadline).await,
        Connection::Postgres(connection) => {
            let left = limit_postgres(connection, deadline).await?;
            transaction.patience = left.saturating_add(postgres::GRACE);
            Ok(())
        }
    }
}

/// On PostgreSQL the limit ends with the transaction.
async fn lift(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    match &mut transaction.connection {
        Connection::Sqlite(connection) => lift_sqlite(connection).await,
        Connection::Postgres(_) => Ok(()),
    }
}

pub(super) async fn limit_sqlite(
    connection: &mut SqliteConnection,
    deadline: Instant,
) -> Result<(), StoreError> {
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(INSTRUCTIONS_PER_LOOK, move || Instant::now() < deadline);
    Ok(())
}

pub(super) async fn lift_sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    connection.lock_handle().await?.remove_progress_handler();
    Ok(())
}

/// For the transaction that is under way; gives the time that is left.
pub(super) async fn limit_postgres(
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
    postgres::execute(connection, Statement::new(limit), postgres::ANSWER).await?;
    Ok(left)
}
