//! What the live schema says of its tables and their columns: types, and by which of them a row is found.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Dialect, Store, StoreError};
use crate::value::Query;

/// A column. Of a view it is not known which rows share it, so it is taken for one that finds a row.
const SQLITE_COLUMNS: &str = "\
    SELECT t.name AS name, lower(t.type) AS kind, \
    (t.pk = 1 AND (SELECT COUNT(*) FROM pragma_table_info($1) k WHERE k.pk > 0) = 1) \
    OR EXISTS (SELECT 1 FROM pragma_index_list($1) i WHERE i.\"unique\" = 1 AND i.partial = 0 \
        AND (SELECT COUNT(*) FROM pragma_index_info(i.name)) = 1 \
        AND (SELECT c.name FROM pragma_index_info(i.name) c) = t.name) \
    OR EXISTS (SELECT 1 FROM sqlite_master m WHERE m.type = 'view' AND m.name = $1) AS is_unique \
    FROM pragma_table_info($1) t";

const POSTGRES_COLUMNS: &str = "\
    SELECT a.attname::text AS name, format_type(a.atttypid, NULL)::text AS kind, \
    c.relkind NOT IN ('r', 'p') \
    OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid \
        AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS is_unique \
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = current_schema() AND c.relname = $1 AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY a.attnum";

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ColumnFacts {
    pub name: String,
    /// Its type, in the words of the database.
    pub kind: String,
    /// Whether no two rows have the same value there.
    pub is_unique: bool,
}

impl Store {
    /// The tables and views of the live schema, whether or not they may be read.
    pub async fn tables(&self) -> Result<BTreeSet<String>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
            Dialect::Postgres => {
                "SELECT relname::text AS name FROM pg_class \
                 JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                 WHERE nspname = current_schema() AND relkind IN ('r', 'p', 'v', 'm', 'f')"
            }
        };
        Ok(self.read(Query::new(sql)).await?.into_iter().collect())
    }

    /// The columns of a table in the live schema; empty if there is no such table.
    pub async fn columns(&self, table: &str) -> Result<Vec<String>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => "SELECT name FROM pragma_table_info($1)",
            Dialect::Postgres => {
                "SELECT attname::text AS name FROM pg_attribute \
                 JOIN pg_class ON pg_class.oid = attrelid \
                 JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                 WHERE nspname = current_schema() AND relname = $1 \
                    AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            }
        };
        self.read(Query::new(sql).bind(table)).await
    }

    /// The columns of a table in the live schema, with their types and which of them no two rows share.
    pub async fn column_facts(&self, table: &str) -> Result<Vec<ColumnFacts>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => SQLITE_COLUMNS,
            Dialect::Postgres => POSTGRES_COLUMNS,
        };
        self.read(Query::new(sql).bind(table)).await
    }
}

impl ColumnFacts {
    /// Whether it may say how new a row is: a time, or a number that grows. One of no type may.
    pub fn is_time(&self) -> bool {
        let begins = [
            "int",
            "bigint",
            "smallint",
            "mediumint",
            "tinyint",
            "timestamp",
            "date",
        ];
        let is_whole_or_time = begins.iter().any(|it| self.kind.starts_with(it));
        self.kind.is_empty() || is_whole_or_time && self.kind != "interval"
    }
}
