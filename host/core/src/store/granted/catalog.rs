//! Where the tables of a plugin are on PostgreSQL, and which columns they have: what has to be
//! known to tell a column from a call of a function, which the server does not tell apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::grants::Grants;
use crate::store::{Dialect, Store, StoreError, Transaction, batch};
use crate::value::{Rows, Statement};

/// Names of columns.
pub(super) type ColumnNames = Arc<BTreeSet<Arc<str>>>;

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
    tables: BTreeMap<String, ColumnNames>,
    /// A cast that a statement on these tables could make the server run, if it is of a function
    /// that is neither the server's nor an extension's: from one type to another.
    pub(super) made_cast: Option<String>,
}

impl Catalog {
    /// As a reading connection sees it.
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
    pub(super) fn columns(&self, table: &str) -> ColumnNames {
        self.tables.get(table).cloned().unwrap_or_default()
    }

    fn of(rows: &Rows) -> Result<Self, StoreError> {
        let mut tables: BTreeMap<String, BTreeSet<Arc<str>>> = BTreeMap::new();
        let mut catalog = Self::default();
        for (schema, vectors, made_cast, table, part) in rows.read()? {
            (catalog.schema, catalog.vectors, catalog.made_cast) = (schema, vectors, made_cast);
            let (table, part): (Option<String>, Option<String>) = (table, part);
            if let (Some(table), Some(part)) = (table, part) {
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
            made_cast: None,
            tables: tables.collect(),
        }
    }
}

/// A cast whose function neither came with the server nor with an extension, between types that the
/// server brings or that columns are made of (16384 is the first number of what is not the server's). No statement names it, and any may make it run.
const MADE_CAST: &str = "SELECT format('%s to %s', castsource::regtype, casttarget::regtype) \
    FROM pg_cast JOIN pg_proc ON pg_proc.oid = castfunc \
    WHERE castfunc >= 16384 \
        AND (castsource < 16384 OR castsource IN (SELECT kind FROM kinds)) \
        AND (casttarget < 16384 OR casttarget IN (SELECT kind FROM kinds)) \
        AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE deptype = 'e' \
            AND classid = 'pg_proc'::regclass AND objid = castfunc) \
    ORDER BY pg_cast.oid LIMIT 1";

fn question(grants: &Grants) -> Result<Statement, StoreError> {
    let tables: Vec<_> = grants.db.iter().map(|granted| &granted.table).collect();
    let named = batch::ids(Dialect::Postgres);
    let sql = format!(
        "WITH RECURSIVE parts AS MATERIALIZED (SELECT relname::text AS name, attname::text AS part, atttypid AS kind \
            FROM pg_class \
            JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped \
            WHERE relkind IN ('r', 'p') AND relname IN ({named}) \
            AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())), \
        kinds AS (SELECT kind FROM parts UNION SELECT part.kind FROM kinds \
            JOIN pg_type ON pg_type.oid = kinds.kind \
            CROSS JOIN LATERAL (VALUES (typelem), (typbasetype)) AS part (kind)) \
        SELECT place.schema, place.vectors, place.made_cast, parts.name, parts.part \
        FROM (SELECT current_schema()::text AS schema, \
            (SELECT nspname::text FROM pg_extension \
                JOIN pg_namespace ON pg_namespace.oid = extnamespace \
                WHERE extname = 'vector') AS vectors, \
            ({MADE_CAST}) AS made_cast) AS place \
        LEFT JOIN parts ON TRUE"
    );
    Ok(Statement::new(sql).bind(batch::rows(&tables)?))
}
