//! A script that nobody of the house wrote, such as that of a workspace's tests: it makes and fills tables of the
//! database that it is run in, and reaches no other file.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::AssertSqlSafe;

use super::sqlite_guard::{Authorizer, Mode};
use super::{denial, session};
use crate::config::CallLimits;
use crate::grants::Grants;
use crate::store::{Connection, Store, StoreError, StoreErrorKind, Transaction};
use crate::value::Query;

/// What a script may take.
const LONGEST: Duration = Duration::from_secs(5);

/// What a database is made of: kind, name, the table that it is or is about, and the statement that makes it.
type Made = BTreeSet<(String, String, String, String)>;

/// Run the statements of `sql`, all or none.
///
/// # Errors
/// If one is refused by the database or by what a script may do, if something that was there before is another
/// thing after them, if they take longer than five seconds, or if the database is not of SQLite.
pub async fn run_script(store: &Store, sql: String) -> Result<(), StoreError> {
    let work = store.write(move |transaction| Box::pin(run(transaction, sql)));
    work.await
}

async fn run(transaction: &mut Transaction<'_>, sql: String) -> Result<(), StoreError> {
    let before = made(transaction).await?;
    execute(transaction, sql).await?;
    let after = made(transaction).await?;
    // The host's own statements are bounded on what its migrations made, and on nothing that acts on that.
    let is_theirs = |table: &str| before.iter().any(|(_, _, own, _)| own == table);
    let mut came = after.difference(&before);
    let came = came.find(|(_, _, table, _)| is_theirs(table));
    // A table rather than its indexes.
    let changed = before.difference(&after).last().or(came);
    changed.map_or(Ok(()), |(_, _, table, _)| {
        let what = format!("DROP, ALTER or an index on `{table}`, which was there before it");
        let denied = denial::script(&what);
        Err(StoreError::new(StoreErrorKind::Denied, denied))
    })
}

async fn made(transaction: &mut Transaction<'_>) -> Result<Made, StoreError> {
    let all =
        Query::new("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
    Ok(transaction.read(all).await?.into_iter().collect())
}

async fn execute(transaction: &mut Transaction<'_>, sql: String) -> Result<(), StoreError> {
    let Connection::Sqlite(connection) = &mut transaction.connection else {
        return Err(StoreError::internal("a script is run on SQLite alone"));
    };
    let authorizer = Authorizer::new("", &Grants::default(), &CallLimits::default());
    authorizer.lend(connection).await?;
    authorizer.arm(Mode::Script, LONGEST);
    let ran = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **connection);
    let ran = ran.await.map(drop).map_err(StoreError::from);
    let denied = authorizer.disarm();
    Authorizer::take_back(connection).await?;
    session::explained(ran, denied, LONGEST)
}
