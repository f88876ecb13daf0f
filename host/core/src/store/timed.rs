//! Statements of native handlers: the database itself ends them at the deadline of their call,
//! whether the call still waits for them or not.

use std::time::Instant;

use super::open_tables::Writers;
use super::{
    Backend, Connection, ReadLimit, Store, StoreError, Transaction, open_tables, postgres, sqlite,
    storable,
};
use crate::value::{Rows, Statement};

impl Store {
    /// Rows of a SELECT that ends by `deadline`. Where plugins may write, it gives no more than a
    /// plugin's own query may.
    pub async fn query_until(
        &self,
        statement: Statement,
        deadline: Instant,
    ) -> Result<Rows, StoreError> {
        storable::statement(&statement)?;
        let limit = match open_tables::only(self.dialect(), &statement)? {
            Writers::Plugins => ReadLimit::of_call(),
            Writers::Host => ReadLimit::HOST,
        };
        let within = (deadline, limit);
        let answer = match self.backend() {
            Backend::Sqlite(store) => store.query_until(statement, within).await,
            Backend::Postgres(store) => store.query_until(statement, within).await,
        };
        self.noted(answer).await
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
