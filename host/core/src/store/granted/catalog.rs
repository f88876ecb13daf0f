//! Where the tables of a plugin are on PostgreSQL, and which columns they have: what has to be
//! known to tell a column from a call of a function, which the server does not tell apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::grants::Grants;
use crate::store::{Dialect, Store, StoreError, Transaction, batch};
use crate::value::{Rows, Statement};

/// Names of columns.
pub(super) type Columns = Arc<BTreeSet<Arc<str>>>;

/// Where a plugin's connections look for what a statement names without a schema: nothing but
/// what comes with the server is called, whatever the operator has made.
pub(super) const SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// The tables that a plugin is granted, as they are now.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Catalog {
    /// Where the tables are.
    pub(super) schema: String,
    /// Where the extension for vectors is, if it is.
    pub(super) vectors: Option<String>,
    tables: BTreeMap<String, Columns>,
}

impl Catalog {
    /// As whoever reads sees it.
    pub(super) async fn read(store: &Store, grants: &Grants) -> Result<Self, StoreError> {
        Self::of(&store.query(question(grants)?).await?)
    }

    /// As a transaction sees it.
    pub(super) async fn read_in(
        transaction: &mut Transaction<'_>,
        grants: &Grants,
    ) -> Result<Self, StoreError> {
        Self::of(&transaction.query(question(grants)?).await?)
    }

    /// The columns of a table; none of one that is not there.
    pub(super) fn columns(&self, table: &str) -> Columns {
        self.tables.get(table).cloned().unwrap_or_default()
    }

    fn of(rows: &Rows) -> Result<Self, StoreError> {
        let mut tables: BTreeMap<String, BTreeSet<Arc<str>>> = BTreeMap::new();
        let mut catalog = Self::default();
        for row in rows.iter() {
            catalog.schema = row.text("schema")?;
            catalog.vectors = row.optional_text("vectors")?;
            if let (Some(table), Some(part)) =
                (row.optional_text("name")?, row.optional_text("part")?)
            {
                tables.entry(table).or_default().insert(part.into());
            }
        }
        let tables = tables.into_iter();
        catalog.tables = tables.map(|(name, parts)| (name, parts.into())).collect();
        Ok(catalog)
    }

    /// One with these tables, for tests.
    #[cfg(test)]
    pub(super) fn with(tables: &[(&str, &[&str])]) -> Self {
        let tables = tables.iter().map(|(name, parts)| {
            let parts: BTreeSet<Arc<str>> = parts.iter().map(|part| Arc::from(*part)).collect();
            ((*name).to_owned(), parts.into())
        });
        Self {
            schema: "s".to_owned(),
            vectors: Some("v".to_owned()),
            tables: tables.collect(),
        }
    }
}

fn question(grants: &Grants) -> Result<Statement, StoreError> {
    let tables: Vec<_> = grants.db.iter().map(|granted| &granted.table).collect();
    let named = batch::ids(Dialect::Postgres);
    let sql = format!(
        "SELECT place.schema, place.vectors, parts.name, parts.part \
        FROM (SELECT current_schema()::text AS schema, \
            (SELECT nspname::text FROM pg_extension \
                JOIN pg_namespace ON pg_namespace.oid = extnamespace \
                WHERE extname = 'vector') AS vectors) AS place \
        LEFT JOIN (SELECT relname::text AS name, attname::text AS part FROM pg_class \
            JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped \
            WHERE relkind IN ('r', 'p') AND relname IN ({named}) \
            AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())) \
            AS parts ON TRUE"
    );
    Ok(Statement::new(sql).bind(batch::rows(&tables)?))
}
