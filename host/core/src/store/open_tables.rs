//! The tables that are open to native handlers: those that a plugin could be granted. What
//! belongs to the host is the engine's alone, whatever a configuration names.

use std::ops::ControlFlow;

use sqlparser::ast::{ObjectName, visit_relations};
use sqlparser::dialect::{Dialect as Reader, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::{Dialect, StoreError, StoreErrorKind};
use crate::schema;
use crate::value::Statement;

/// Refuse a statement of a native handler that names a table of the host.
pub(super) fn only(dialect: Dialect, statement: &Statement) -> Result<(), StoreError> {
    let reader: &dyn Reader = match dialect {
        Dialect::Sqlite => &SQLiteDialect {},
        Dialect::Postgres => &PostgreSqlDialect {},
    };
    let read = Parser::parse_sql(reader, &statement.sql).map_err(|error| {
        let message = format!("the statement is not understood: {error}");
        StoreError::new(StoreErrorKind::Statement, message)
    })?;
    match visit_relations(&read, host_table) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(table) => Err(StoreError::new(
            StoreErrorKind::Denied,
            schema::hosts_own(&table),
        )),
    }
}

fn host_table(name: &ObjectName) -> ControlFlow<String> {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    let mut parts = parts.map(|part| part.value.as_str());
    match parts.find(|part| schema::belongs_to_host(part)) {
        Some(table) => ControlFlow::Break(table.to_owned()),
        None => ControlFlow::Continue(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statement_reaches_a_table_of_the_host() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for sql in [
                "DELETE FROM migrations WHERE number IN (SELECT number FROM commits)",
                "DELETE FROM commits WHERE id IN (SELECT id FROM \"open_runs\")",
                "INSERT INTO Settings (key) VALUES ($1)",
                "UPDATE main.settings SET value = ''",
                "SELECT 1 FROM commits JOIN history ON TRUE",
                "SELECT 1; DELETE FROM runs",
            ] {
                let refused = only(dialect, &Statement::new(sql)).expect_err(sql);
                assert_eq!(refused.kind, StoreErrorKind::Denied, "{sql}");
                assert!(refused.message.contains("belongs to the host"), "{refused}");
            }
            let plain = "SELECT settings FROM commits WHERE author = 'runs'";
            assert!(only(dialect, &Statement::new(plain)).is_ok());
        }
    }
}
