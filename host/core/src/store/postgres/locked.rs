//! Waiting for a lock on PostgreSQL. Sessions of callboard hold one for moments; a session that
//! holds one for longer may never let go, and is told by name.

use sqlx::postgres::PgPool;

use super::super::{StoreError, StoreErrorKind};
use crate::value::Statement;

/// How long a session of the host waits for a lock: longer than the server leaves one to a session
/// of the host that froze.
pub(super) const PATIENCE: (&str, &str) = ("lock_timeout", "7s");

/// The transaction that has had a lock on a table of this schema for the longest. One that only
/// reads is in no other's way. How old those of others are is not told to every user.
const HOLDER: &str = "SELECT held.pid, COALESCE(usename::text, '') AS name, \
        COALESCE(application_name, '') AS program, relname::text AS held_table \
    FROM pg_locks AS held \
    JOIN pg_stat_activity AS session ON session.pid = held.pid \
    JOIN pg_class ON pg_class.oid = held.relation \
    JOIN pg_namespace ON pg_namespace.oid = relnamespace \
    JOIN pg_database ON pg_database.oid = held.database \
    WHERE held.granted AND relkind = 'r' AND held.mode <> 'AccessShareLock' \
        AND nspname = current_schema() AND pg_database.datname = current_database() \
    ORDER BY application_name = 'callboard', xact_start, held.mode = 'AccessExclusiveLock' DESC \
    LIMIT 1";

/// The transaction of this database that waits for its second half for the longest, as it is named in
/// a statement.
const PREPARED: &str = "SELECT quote_literal(gid) AS gid, owner::text AS owner \
    FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 1";

/// An error that says who holds the lock, if it is about one.
pub(super) async fn named(readers: &PgPool, error: StoreError) -> StoreError {
    if !error.is_lock_timeout() {
        return error;
    }
    let by = match holder(readers).await {
        Ok(None) => prepared(readers).await,
        known => known,
    };
    let by = by.unwrap_or_else(|error| {
        tracing::debug!(%error, "who holds the lock is not known");
        None
    });
    let message = by.unwrap_or_else(|| {
        "another session holds a lock on the database: wait for it, and try again".to_owned()
    });
    StoreError::new(StoreErrorKind::Busy, message)
}

async fn holder(readers: &PgPool) -> Result<Option<String>, StoreError> {
    let mut connection = readers.acquire().await?;
    let rows = super::query(&mut connection, Statement::new(HOLDER), super::ANSWER).await?;
    Ok(rows.read_first()?.map(told))
}

/// A transaction that was prepared belongs to no session, and nothing ends it by itself.
async fn prepared(readers: &PgPool) -> Result<Option<String>, StoreError> {
    let mut connection = readers.acquire().await?;
    let rows = super::query(&mut connection, Statement::new(PREPARED), super::ANSWER).await?;
    let told = |(gid, owner): (String, String)| {
        format!(
            "the prepared transaction {gid} of {owner} holds a lock on the database: end it with \
             `ROLLBACK PREPARED {gid}` or `COMMIT PREPARED {gid}`, and try again"
        )
    };
    Ok(rows.read_first()?.map(told))
}

fn told((process, name, program, table): (i64, String, String, String)) -> String {
    let program = match program.as_str() {
        "" => String::new(),
        program => format!(" ({program})"),
    };
    format!(
        "session {process} of {name}{program} holds a lock on `{table}`: end its transaction, e.g. \
         with `SELECT pg_terminate_backend({process})`, or wait for it, and try again"
    )
}
