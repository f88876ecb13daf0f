//! `db`: the database, as far as the tables and verbs granted.

use std::time::Duration;

use wasmtime::component::{HasData, Resource};

use crate::capability::types::{DatabaseError, DatabaseErrorKind, Value, statement};
use crate::capability::{Capability, InstanceState};
use crate::store::Dialect as StoreDialect;
use crate::store::granted::{GrantedTransaction, QueryLimits};
use crate::value::Rows;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
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
        mend: "db = [{ table = \"TABLE\", verbs = [\"select\"] }]",
    }
}

type Answer<T> = wasmtime::Result<Result<T, DatabaseError>>;

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
}

impl db::Host for Database<'_> {
    async fn dialect_name(&mut self) -> wasmtime::Result<Dialect> {
        self.0.host_call()?;
        Ok(match self.0.access.dialect() {
            StoreDialect::Postgres => Dialect::Postgres,
            StoreDialect::Sqlite => Dialect::Sqlite,
        })
    }

    async fn query(&mut self, sql: String, params: Vec<Value>) -> Answer<RowSet> {
        let limits = self.limits()?;
        let rows = async {
            self.0
                .access
                .database()
                .await?
                .query(statement(sql, params), limits)
                .await
        };
        Ok(rows.await.map(row_set).map_err(Into::into))
    }

    async fn execute(&mut self, sql: String, params: Vec<Value>) -> Answer<u64> {
        let limits = self.limits()?;
        let touched = async {
            let database = self.0.access.database().await?;
            database
                .execute(statement(sql, params), limits.timeout)
                .await
        };
        Ok(touched.await.map_err(Into::into))
    }

    async fn execute_many(&mut self, sql: String, params: Vec<Vec<Value>>) -> Answer<u64> {
        let limits = self.limits()?;
        let params = params
            .into_iter()
            .map(|row| row.into_iter().map(Into::into).collect())
            .collect();
        let touched = async {
            self.0
                .access
                .database()
                .await?
                .execute_many(&sql, params, limits.timeout)
                .await
        };
        Ok(touched.await.map_err(Into::into))
    }
}

impl db::HostTransaction for Database<'_> {
    async fn begin(&mut self) -> Answer<Resource<GrantedTransaction>> {
        let left: Duration = self.0.host_call()?;
        let begun = async { self.0.access.database().await?.begin(left).await };
        match begun.await {
            Ok(transaction) => Ok(self.0.table.push(transaction).map_err(|_| too_many())),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn query(
        &mut self,
        handle: Resource<GrantedTransaction>,
        sql: String,
        params: Vec<Value>,
    ) -> Answer<RowSet> {
        let limits = self.limits()?;
        let rows = self
            .transaction(&handle)?
            .query(statement(sql, params), limits)
            .await;
        Ok(rows.map(row_set).map_err(Into::into))
    }

    async fn execute(
        &mut self,
        handle: Resource<GrantedTransaction>,
        sql: String,
        params: Vec<Value>,
    ) -> Answer<u64> {
        let limits = self.limits()?;
        let touched = self
            .transaction(&handle)?
            .execute(statement(sql, params), limits.timeout)
            .await;
        Ok(touched.map_err(Into::into))
    }

    async fn commit(&mut self, handle: Resource<GrantedTransaction>) -> Answer<()> {
        self.0.host_call()?;
        let transaction = self.0.table.delete(handle)?;
        Ok(transaction.commit().await.map_err(Into::into))
    }

    /// Dropped without a commit it rolls back.
    async fn drop(&mut self, handle: Resource<GrantedTransaction>) -> wasmtime::Result<()> {
        self.0.table.delete(handle)?;
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
