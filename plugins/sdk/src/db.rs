//! The database of the host, as far as the tables and verbs granted.
//!
//! Parameters are written `$1`, `$2` … on every database.
//!
//! ```ignore
//! let rows = db::query("SELECT id FROM posts WHERE status = $1", params!["draft"])?;
//! for row in rows.iter() {
//!     let id = row.text("id")?;
//! }
//! ```

mod row;
mod row_error;
mod transaction;
mod value;

use std::fmt;

use crate::bindings::callboard::plugin::{db as host, types};

pub use crate::params;
pub use host::Dialect;
pub use row::{Row, Rows};
pub use row_error::RowError;
pub use transaction::Transaction;
pub use types::{DatabaseErrorKind as ErrorKind, OtherValue, Value};
pub use value::FromValue;

/// Parameters of a statement, each turned into a [`Value`].
#[macro_export]
macro_rules! params {
    ($($param:expr),* $(,)?) => { [$($crate::db::Value::from($param)),*] };
}

/// Why the database did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kept it.
    pub kind: ErrorKind,
    /// The host's words.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

impl ErrorKind {
    /// As the WIT writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Denied => "denied",
            ErrorKind::Statement => "statement",
            ErrorKind::Constraint => "constraint",
            ErrorKind::Timeout => "timeout",
            ErrorKind::TooLarge => "too-large",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Unknown => "unknown",
        }
    }
}

/// The kind of database, for the rare statement that differs.
pub fn dialect() -> Dialect {
    host::dialect_name()
}

/// The rows of a SELECT.
pub fn query(statement: &str, params: impl IntoIterator<Item = Value>) -> Result<Rows, Error> {
    let params: Vec<Value> = params.into_iter().collect();
    Ok(host::query(statement, &params)?.into())
}

/// Run a statement; gives the number of rows it touched.
pub fn execute(statement: &str, params: impl IntoIterator<Item = Value>) -> Result<u64, Error> {
    let params: Vec<Value> = params.into_iter().collect();
    Ok(host::execute(statement, &params)?)
}

/// Run one statement for each set of parameters, all in one transaction; gives the number
/// of rows touched.
pub fn execute_many(statement: &str, params: &[Vec<Value>]) -> Result<u64, Error> {
    Ok(host::execute_many(statement, params)?)
}

impl From<types::DatabaseError> for Error {
    fn from(error: types::DatabaseError) -> Self {
        let types::DatabaseError {
            kind,
            message,
            retryable,
        } = error;
        Self {
            kind,
            message,
            retryable,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
