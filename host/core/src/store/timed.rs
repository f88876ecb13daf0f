//! Statements of native handlers: the database itself ends them at the deadline of their call,
//! whether the call still waits for them or not.

use std::time::Instant;

use super::{
    Backend, Connection, Store, StoreError, Transaction, open_tables, postgres, sqlite, storable,
};
use crate::value::{Rows, Statement};

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
        Connection::Sqlite(connection) => sqlite::limit(connection, deadline).await,
        Connection::Postgres(connection) => {
            let left = postgres::limit(connection, deadline).await?;
            transaction.patience = left.saturating_add(postgres::GRACE);
            Ok(())
        }
    }
}

/// On PostgreSQL the limit ends with the transaction.
async fn lift(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    match &mut transaction.connection {
        Connection::Sqlite(connection) => sqlite::lift(connection).await,
        Connection::Postgres(_) => Ok(()),
    }
}
