//! The tables that are open to native handlers: those that a plugin could be granted. What
//! belongs to the host is the engine's alone, whatever a configuration names.

use std::ops::ControlFlow;

use sqlparser::ast::{ObjectName, visit_relations};
use sqlparser::dialect::{Dialect as Reader, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::{Dialect, StoreError, StoreErrorKind};
use crate::grants::Verb;
use crate::schema;
use crate::value::Statement;

/// Who may have written what is in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writers {
    Host,
    /// Plugins, of any one of them.
    Plugins,
}

/// Refuse a statement of a native handler that names a table of the host; gives who may have written
/// what it names.
pub(super) fn only(dialect: Dialect, statement: &Statement) -> Result<Writers, StoreError> {
    let reader: &dyn Reader = match dialect {
        Dialect::Sqlite => &SQLiteDialect {},
        Dialect::Postgres => &PostgreSqlDialect {},
    };
    let read = Parser::parse_sql(reader, &statement.sql).map_err(|error| {
        let message = format!("the statement is not understood: {error}");
        StoreError::new(StoreErrorKind::Statement, message)
    })?;
    if let ControlFlow::Break(table) =
        visit_relations(&read, |name| broken(name, schema::belongs_to_host))
    {
        let message = schema::hosts_own(&table);
        return Err(StoreError::new(StoreErrorKind::Denied, message));
    }
    let open = |table: &str| Verb::Insert.can_be_granted(table);
    let written = visit_relations(&read, |name| broken(name, open));
    Ok(if written.is_break() {
        Writers::Plugins
    } else {
        Writers::Host
    })
}

/// Stop at a table of the kind.
fn broken(name: &ObjectName, is_it: impl Fn(&str) -> bool) -> ControlFlow<String> {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    let mut parts = parts.map(|part| part.value.as_str());
    match parts.find(|part| is_it(part)) {
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

    #[test]
    fn a_statement_says_whether_plugins_may_have_written_what_it_names() {
        for (sql, writers) in [
            ("SELECT 1", Writers::Host),
            ("SELECT body FROM commits WHERE id = 'x'", Writers::Plugins),
            (
                "SELECT 1 WHERE EXISTS (SELECT 1 FROM readers)",
                Writers::Plugins,
            ),
        ] {
            let said = only(Dialect::Postgres, &Statement::new(sql)).expect(sql);
            assert_eq!(said, writers, "{sql}");
        }
    }
}
