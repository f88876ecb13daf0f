//! Why a row does not give what was asked.

use std::fmt;

/// Why a row does not give what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowError {
    /// The query gave no row.
    NoRow,
    /// The query does not select this column.
    NoColumn(String),
    /// The column holds something else.
    WrongType {
        /// The column.
        column: String,
        /// What was asked for.
        wanted: &'static str,
        /// What it holds.
        found: &'static str,
    },
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowError::NoRow => f.write_str("no row where the statement should give one"),
            RowError::NoColumn(column) => {
                write!(f, "no column `{column}`; select it or give it this alias")
            }
            RowError::WrongType {
                column,
                wanted,
                found,
            } => {
                write!(
                    f,
                    "column `{column}` holds {found}, not {wanted}; cast it in the statement"
                )
            }
        }
    }
}

impl std::error::Error for RowError {}
