//! Why the store did not do what was asked, in kinds that callers can act on.

use crate::value::ColumnError;

#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    pub kind: StoreErrorKind,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The address is none.
    Address,
    /// There is no such database, or none with the current schema, yet.
    Absent,
    /// The database did not answer, or refused the connection.
    Unavailable,
    /// The disk of the database has no room.
    Full,
    /// Another process holds the lock for too long.
    Busy,
    /// The file is no database, or is damaged.
    Corrupt,
    /// The file is the database of another program.
    Foreign,
    /// The schema is newer than this program.
    Schema,
    /// A grant does not allow it.
    Denied,
    /// The statement is wrong.
    Statement,
    /// A constraint of the schema refused the row.
    Constraint,
    /// There is a row with the same key already.
    Duplicate,
    /// The deadline passed, or the statement was interrupted.
    Timeout,
    /// It took all the time that it had, and would again.
    Overdue,
    /// More rows or bytes than allowed.
    TooLarge,
    /// A value that one of the databases does not keep, or that could not be read back.
    Unstorable,
    /// A value that is not what the caller expects; a defect of ours.
    Internal,
}

/// What PostgreSQL says; its code is that of everything that is not supported.
const OUTDATED_PLAN: &str = "cached plan must not change result type";
/// A lock on PostgreSQL was not given in time; the server may say so in another language.
const NO_LOCK: &str = "a lock that another session holds was not given in time";

/// What PostgreSQL says where its disk is full, as SQLSTATE.
const NO_ROOM: &str = "53100";

impl StoreError {
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Internal, message)
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Unavailable
                | StoreErrorKind::Full
                | StoreErrorKind::Busy
                | StoreErrorKind::Timeout
        )
    }

    /// Whether it is the database as a whole that does not do what it should, whatever is asked.
    pub fn is_about_the_database(&self) -> bool {
        self.is_retryable() || self.kind == StoreErrorKind::Corrupt
    }

    /// Whether the same write would be refused again, however often it is tried: the database
    /// answers, and it is what is to be written that it does not take.
    pub fn is_for_good(&self) -> bool {
        use StoreErrorKind::{Constraint, Duplicate, Statement, TooLarge, Unstorable};
        matches!(
            self.kind,
            Statement | Constraint | Duplicate | TooLarge | Unstorable
        )
    }

    /// A lock was waited for in vain, on PostgreSQL.
    pub(super) fn no_lock() -> Self {
        Self::new(StoreErrorKind::Busy, NO_LOCK)
    }

    /// Whether a lock was waited for in vain, on PostgreSQL.
    pub(super) fn is_lock_timeout(&self) -> bool {
        self.kind == StoreErrorKind::Busy && self.message == NO_LOCK
    }

    /// Whether PostgreSQL refuses a statement that it prepared before another process changed
    /// the table, e.g. a newer callboard that added a column.
    pub(super) fn is_outdated_plan(&self) -> bool {
        self.kind == StoreErrorKind::Busy && self.message == OUTDATED_PLAN
    }
}

impl From<ColumnError> for StoreError {
    fn from(error: ColumnError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<StoreError> for crate::outcome::Stop {
    fn from(error: StoreError) -> Self {
        use crate::outcome::{FailureKind, Stop};
        match error.kind {
            StoreErrorKind::Denied => Stop::failed(FailureKind::Denied, error),
            StoreErrorKind::Timeout => Stop::retryable(FailureKind::Timeout, error),
            StoreErrorKind::Overdue => Stop::failed(FailureKind::Timeout, error),
            StoreErrorKind::Unavailable
            | StoreErrorKind::Full
            | StoreErrorKind::Busy
            | StoreErrorKind::Corrupt => Stop::unavailable("database", error),
            _ => Stop::failed(FailureKind::Internal, error),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let kind = kind_of(&error);
        let message = match &error {
            sqlx::Error::Database(inner) if inner.code().as_deref() == Some("55P03") => {
                NO_LOCK.to_owned()
            }
            sqlx::Error::Database(inner) if inner.code().as_deref() == Some(NO_ROOM) => format!(
                "{}; the disk of the database's server is full: free space on it",
                inner.message()
            ),
            sqlx::Error::Database(inner) => inner.message().to_owned(),
            sqlx::Error::PoolTimedOut => {
                "the database gave no connection in time: it does not answer, or is overloaded"
                    .to_owned()
            }
            _ => error.to_string(),
        };
        Self { kind, message }
    }
}

fn kind_of(error: &sqlx::Error) -> StoreErrorKind {
    match error {
        sqlx::Error::Database(inner) => match inner.code() {
            Some(code)
                if inner
                    .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                    .is_some() =>
            {
                sqlite_kind(&code)
            }
            Some(_) if inner.message() == OUTDATED_PLAN => StoreErrorKind::Busy,
            Some(code) => postgres_kind(&code),
            None => StoreErrorKind::Statement,
        },
        sqlx::Error::PoolTimedOut => StoreErrorKind::Busy,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreErrorKind::Unavailable,
        sqlx::Error::Configuration(_) => StoreErrorKind::Address,
        sqlx::Error::Encode(_) => StoreErrorKind::Unstorable,
        _ => StoreErrorKind::Internal,
    }
}

/// Result codes of SQLite; the low byte is the primary code.
fn sqlite_kind(code: &str) -> StoreErrorKind {
    let code = code.parse::<i32>().unwrap_or_default();
    match code & 0xff {
        // A unique index, or the primary key.
        19 if matches!(code, 2067 | 1555 | 2579) => StoreErrorKind::Duplicate,
        // A lock, an abort on behalf of another statement, a schema that has just changed.
        4 | 5 | 6 | 15 | 17 => StoreErrorKind::Busy,
        9 => StoreErrorKind::Timeout,
        11 | 26 => StoreErrorKind::Corrupt,
        13 => StoreErrorKind::Full,
        7 | 10 | 14 => StoreErrorKind::Unavailable,
        3 | 8 | 23 => StoreErrorKind::Denied,
        18 => StoreErrorKind::TooLarge,
        19 => StoreErrorKind::Constraint,
        _ => StoreErrorKind::Statement,
    }
}

/// SQLSTATE classes of PostgreSQL.
fn postgres_kind(code: &str) -> StoreErrorKind {
    match code {
        "42501" | "25006" => StoreErrorKind::Denied,
        "57014" | "25P03" | "25P04" => StoreErrorKind::Timeout,
        // Of the protocol: what was bound is not what the statement takes.
        "08P01" => StoreErrorKind::Statement,
        "23505" => StoreErrorKind::Duplicate,
        "XX001" | "XX002" => StoreErrorKind::Corrupt,
        NO_ROOM => StoreErrorKind::Full,
        // More than the session may write beside the tables.
        "53400" => StoreErrorKind::TooLarge,
        _ => match code.get(..2) {
            Some("08" | "57" | "53" | "28" | "3D" | "58") => StoreErrorKind::Unavailable,
            // Another transaction came between, whatever of this one it met.
            Some("40" | "55") => StoreErrorKind::Busy,
            Some("23") => StoreErrorKind::Constraint,
            Some("54") => StoreErrorKind::TooLarge,
            _ => StoreErrorKind::Statement,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extended_code_of_sqlite_is_of_the_kind_of_its_primary_code() {
        // A unique constraint, a stale snapshot, an interrupt, a damaged index.
        let codes = [2067, 517, 9, 779];
        let kinds = codes.map(|code: i32| sqlite_kind(&code.to_string()));
        let expected = [
            StoreErrorKind::Duplicate,
            StoreErrorKind::Busy,
            StoreErrorKind::Timeout,
            StoreErrorKind::Corrupt,
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn only_what_may_pass_by_itself_is_tried_again() {
        for (code, retryable) in [
            ("53300", true),
            ("53100", true),
            ("57P01", true),
            ("57014", true),
            ("40001", true),
            ("58030", true),
            ("23505", false),
            ("42P01", false),
            ("42501", false),
            ("XX001", false),
        ] {
            let error = StoreError::new(postgres_kind(code), code);
            assert_eq!(error.is_retryable(), retryable, "{code}: {:?}", error.kind);
        }
    }

    #[test]
    fn a_full_disk_is_a_kind_of_its_own() {
        assert_eq!(postgres_kind("53100"), StoreErrorKind::Full);
        assert_eq!(sqlite_kind("13"), StoreErrorKind::Full);
    }

    #[test]
    fn what_no_retry_mends_is_told_from_what_passes_and_from_a_sick_database() {
        // A text with U+0000, a number out of range, a row that is too long for an index, a
        // feature that is not there, a duplicate; a deadlock, a full disk, a damaged index.
        for (code, for_good) in [
            ("22021", true),
            ("22003", true),
            ("54000", true),
            ("0A000", true),
            ("23505", true),
            ("40001", false),
            ("40002", false),
            ("40P01", false),
            ("53100", false),
            ("55P03", false),
            ("XX001", false),
        ] {
            let error = StoreError::new(postgres_kind(code), code);
            assert_eq!(error.is_for_good(), for_good, "{code}: {:?}", error.kind);
        }
        // Too big, a constraint, a mismatch; busy, no memory, a full disk, no database.
        for (code, for_good) in [
            (18, true),
            (275, true),
            (20, true),
            (5, false),
            (7, false),
            (13, false),
            (26, false),
        ] {
            let error = StoreError::new(sqlite_kind(&code.to_string()), "");
            assert_eq!(error.is_for_good(), for_good, "{code}: {:?}", error.kind);
        }
    }
}
