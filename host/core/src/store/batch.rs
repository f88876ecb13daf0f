//! Many rows in one statement: a parameter that is a JSON array of objects, read as a table.
//!
//! The text of such a statement does not depend on how many rows there are, so a database
//! plans it once, and one round trip carries a whole batch.

use serde::Serialize;

use super::{Dialect, StoreError, storable};
use crate::value::Value;

/// The clock of the database in microseconds, as an expression: the only clock that leases are
/// kept by.
pub const fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        Dialect::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
    }
}

/// Locks rows that no other transaction has locked, and leaves out the others; SQLite has one
/// writer anyway.
pub(super) const fn skip_locked(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
    }
}

/// The array in parameter `$1` as a table `batch` with these columns, each a name and an SQL
/// type of PostgreSQL.
pub fn table(dialect: Dialect, columns: &[(&str, &str)]) -> String {
    match dialect {
        // As JSONB: a text would be parsed anew for each column.
        Dialect::Sqlite => {
            let columns: Vec<_> = columns
                .iter()
                .map(|(name, _)| format!("value ->> '$.{name}' AS {name}"))
                .collect();
            let columns = columns.join(", ");
            format!("(SELECT {columns} FROM jsonb_each($1)) AS batch")
        }
        Dialect::Postgres => {
            let columns: Vec<_> = columns
                .iter()
                .map(|(name, kind)| format!("{name} {kind}"))
                .collect();
            let columns = columns.join(", ");
            format!("jsonb_to_recordset(CAST($1 AS jsonb)) AS batch ({columns})")
        }
    }
}

/// The array of texts in parameter `$1` as a query of one column.
pub const fn ids(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "SELECT value FROM json_each($1)",
        Dialect::Postgres => "SELECT jsonb_array_elements_text(CAST($1 AS jsonb))",
    }
}

/// The condition that a column is one of what `query` gives, to be written behind the column.
///
/// PostgreSQL looks an array up in the index of the column, however old its statistics are. What
/// is joined it may look for in the whole table instead, and it does where a table was small
/// when it was last counted.
pub fn among(dialect: Dialect, query: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("IN ({query})"),
        Dialect::Postgres => format!("= ANY (ARRAY({query}))"),
    }
}

/// The same for one column of the table that [`table`] makes of parameter `$1`.
pub fn named(dialect: Dialect, column: &str) -> String {
    let query = match dialect {
        Dialect::Sqlite => format!("SELECT value ->> '$.{column}' FROM json_each($1)"),
        Dialect::Postgres => {
            format!("SELECT value ->> '{column}' FROM jsonb_array_elements(CAST($1 AS jsonb))")
        }
    };
    among(dialect, &query)
}

/// The parameter of a batch.
pub fn rows<T: Serialize>(rows: &[T]) -> Result<Value, StoreError> {
    let text = serde_json::to_string(rows)
        .map_err(|error| StoreError::internal(format!("a batch: {error}")))?;
    // PostgreSQL refuses it in JSON, and SQLite would cut the text there.
    if storable::escapes_nul(&text) {
        return Err(storable::nul());
    }
    Ok(Value::Text(text))
}
