//! Rows of a table that the workspace names, counted and deleted: what the handlers of `retention`
//! ask.

use crate::value::{Query, Statement};

/// Rows that may go. Each name in it is plain: it goes into SQL as it stands.
pub struct Prunable<'t> {
    pub table: &'t str,
    /// The column that tells rows apart.
    pub key: &'t str,
    pub condition: String,
}

impl Prunable<'_> {
    /// How many there are.
    pub fn count(&self) -> Query<u64> {
        let Self {
            table, condition, ..
        } = self;
        Query::new(format!("SELECT COUNT(*) FROM {table} WHERE {condition}"))
    }

    /// Delete those that come first in an order, which says how many, too.
    pub fn delete(&self, order: &str) -> Statement {
        let Self {
            table,
            key,
            condition,
        } = self;
        Statement::new(format!(
            "DELETE FROM {table} WHERE {key} IN \
            (SELECT {key} FROM {table} WHERE {condition} ORDER BY {order})"
        ))
    }
}

/// Anything that the database has to answer.
pub fn one() -> Query<u64> {
    Query::new("SELECT 1")
}
