//! `db`: the database, as far as the tables and verbs granted.

use std::time::Duration;

use wasmtime::component::{HasData, Resource};

use crate::capability::types::{DatabaseError, DatabaseErrorKind, Value, statement};
use crate::capability::{Capability, InstanceState, Opens, heard};
use crate::store::granted::{GrantedTransaction, QueryLimits};
use crate::store::{Dialect as StoreDialect, StoreError};
use crate::value::Rows;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1",
        inline: "package callboard:db-host; world imports { import callboard:plugin/db@0.1.0; }",
        imports: { default: async | trappable },
        with: {
            "callboard:plugin/types": crate::capability::types::interface,
            "callboard:plugin/db.transaction": crate::store::granted::GrantedTransaction,
        },
    });
}
use bindings::callboard::plugin::db::{self, Dialect, RowSet};

inventory::submit! {
    Capability {
        interface: "db",
        link: |linker| db::add_to_linker::<_, Database>(linker, |state| Database(state)),
        granted: |grants| !grants.db.is_empty(),
        mend: Opens::Element("[[OWNER.db]]\ntable = \"TABLE\"\nverbs = [\"select\"]"),
    }
}

type DatabaseResult<T> = wasmtime::Result<Result<T, DatabaseError>>;

struct Database<'a>(&'a mut InstanceState);

impl HasData for Database<'static> {
    type Data<'a> = Database<'a>;
}

impl Database<'_> {
    fn limits(&mut self) -> wasmtime::Result<QueryLimits> {
        let left = self.0.host_call()?;
        Ok(QueryLimits::of(&self.0.access.limits, left))
    }

    fn transaction(
        &mut self,
        handle: &Resource<GrantedTransaction>,
    ) -> wasmtime::Result<&mut GrantedTransaction> {
        Ok(self.0.table.get_mut(handle)?)
    }

    fn hold(
        &mut self,
        transaction: GrantedTransaction,
    ) -> Result<Resource<GrantedTransaction>, DatabaseError> {
        let handle = self.0.table.push(transaction).map_err(|_| too_many())?;
        self.0.open_transactions += 1;
        Ok(handle)
    }

    /// A transaction that the guest has no more.
    fn ended(
        &mut self,
        handle: Resource<GrantedTransaction>,
    ) -> wasmtime::Result<GrantedTransaction> {
        let transaction = self.0.table.delete(handle)?;
        self.0.open_transactions = self.0.open_transactions.saturating_sub(1);
        Ok(transaction)
    }

    /// What came of a statement, as the guest is told.
    fn told<T>(&self, sql: &str, result: Result<T, StoreError>) -> Result<T, DatabaseError> {
        result.map_err(|error| self.0.about(sql, error).into())
    }
}

impl db::Host for Database<'_> {
    async fn dialect_name(&mut self) -> wasmtime::Result<Dialect> {
        self.0.host_call()?;
        Ok(match self.0.access.dialect() {
            StoreDialect::Postgres => Dialect::Postgres,
            StoreDialect::Sqlite => Dialect::Sqlite,
        })
    }

    async fn query(&mut self, sql: String, params: Vec<Value>) -> DatabaseResult<RowSet> {
        let limits = self.limits()?;
        let (opening, asked) = (heard::opening(&sql), statement(sql, params));
        let access = self.0.outside_transaction();
        let rows = async { access?.database().await?.query(asked, limits).await };
        let rows = rows.await;
        Ok(self.told(&opening, rows).map(row_set))
    }

    async fn execute(&mut self, sql: String, params: Vec<Value>) -> DatabaseResult<u64> {
        let limits = self.limits()?;
        let (opening, asked) = (heard::opening(&sql), statement(sql, params));
        let access = self.0.outside_transaction();
        let touched = async {
            let access = access?;
            let database = access.database().await?;
            database.execute(asked, limits.timeout).await
        };
        let touched = touched.await;
        Ok(self.told(&opening, touched))
    }

    async fn execute_many(&mut self, sql: String, params: Vec<Vec<Value>>) -> DatabaseResult<u64> {
        let limits = self.limits()?;
        let opening = heard::opening(&sql);
        let params = params
            .into_iter()
            .map(|row| row.into_iter().map(Into::into).collect())
            .collect();
        let access = self.0.outside_transaction();
        let touched = async {
            let access = access?;
            let database = access.database().await?;
            database.execute_many(&sql, params, limits.timeout).await
        };
        let touched = touched.await;
        Ok(self.told(&opening, touched))
    }
}

impl db::HostTransaction for Database<'_> {
    /// One at a time: a second one would wait for the first, and the guest for the second.
    async fn begin(&mut self) -> DatabaseResult<Resource<GrantedTransaction>> {
        let left: Duration = self.0.host_call()?;
        let access = self.0.outside_transaction();
        let idle = self.0.idle.clone();
        let begun = async {
            let access = access?;
            let database = access.database().await?;
            database.begin_with(left, idle).await
        };
        let begun = begun.await;
        match self.told("BEGIN", begun) {
            Ok(transaction) => Ok(self.hold(transaction)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn query(
        &mut self,
        handle: Resource<GrantedTransaction>,
        sql: String,
        params: Vec<Value>,
    ) -> DatabaseResult<RowSet> {
        let limits = self.limits()?;
        let (opening, asked) = (heard::opening(&sql), statement(sql, params));
        let rows = self.transaction(&handle)?.query(asked, limits).await;
        Ok(self.told(&opening, rows).map(row_set))
    }

    async fn execute(
        &mut self,
        handle: Resource<GrantedTransaction>,
        sql: String,
        params: Vec<Value>,
    ) -> DatabaseResult<u64> {
        let limits = self.limits()?;
        let (opening, asked) = (heard::opening(&sql), statement(sql, params));
        let transaction = self.transaction(&handle)?;
        let touched = transaction.execute(asked, limits.timeout).await;
        Ok(self.told(&opening, touched))
    }

    async fn commit(&mut self, handle: Resource<GrantedTransaction>) -> DatabaseResult<()> {
        self.0.host_call()?;
        let committed = self.ended(handle)?.commit().await;
        Ok(self.told("COMMIT", committed))
    }

    /// Dropped without a commit it rolls back.
    async fn drop(&mut self, handle: Resource<GrantedTransaction>) -> wasmtime::Result<()> {
        self.ended(handle)?;
        Ok(())
    }
}

fn row_set(rows: Rows) -> RowSet {
    let row = |row: Vec<crate::value::Value>| row.into_iter().map(Into::into).collect();
    RowSet {
        columns: rows.columns,
        rows: rows.rows.into_iter().map(row).collect(),
    }
}

fn too_many() -> DatabaseError {
    DatabaseError {
        kind: DatabaseErrorKind::TooLarge,
        message: "too many handles in one call; drop some first".to_owned(),
        retryable: false,
    }
}
