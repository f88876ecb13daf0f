//! A plugin's deferred write: it runs in the engine's transaction, under the plugin's grants.

use std::time::Duration;

use sqlx::{PgConnection, SqliteConnection};

use super::authorizer::{Authorizer, Mode};
use super::{admission, denial, login, session, text};
use crate::config::Limits;
use crate::grants::Grants;
use crate::store::{Connection, StoreError, Transaction, postgres, sqlite};
use crate::value::Statement;

/// A deferred write holds up the engine's transaction, so it has to be short.
const LONGEST: Duration = Duration::from_secs(10);

/// Run one deferred write of `plugin` inside `transaction`, under the plugin's own grants;
/// gives the rows touched. The transaction should be rolled back if it fails.
pub async fn execute_deferred(
    transaction: &mut Transaction<'_>,
    plugin: &str,
    grants: &Grants,
    statement: Statement,
) -> Result<u64, StoreError> {
    match &mut transaction.connection {
        Connection::Sqlite(connection) => on_sqlite(connection, plugin, grants, statement).await,
        Connection::Postgres(_) => on_postgres(transaction, plugin, grants, statement).await,
    }
}

async fn on_sqlite(
    connection: &mut SqliteConnection,
    plugin: &str,
    grants: &Grants,
    statement: Statement,
) -> Result<u64, StoreError> {
    if let Some(fault) = text::fault(&statement.sql) {
        return Err(denial::denied(denial::statement(plugin, fault)));
    }
    let authorizer = Authorizer::new(plugin, grants, &Limits::default());
    authorizer.lend(connection).await?;
    let armed = authorizer
        .arm(connection, &statement.sql, Mode::Write, LONGEST)
        .await;
    if let Err(error) = armed {
        Authorizer::take_back(connection).await?;
        return Err(error);
    }
    // Not persistent: the host's prepared statements and the plugin's never mix.
    let query = sqlite::bound(statement).persistent(false);
    let result = query.execute(&mut *connection).await;
    let denied = authorizer.disarm();
    Authorizer::take_back(connection).await?;
    let touched = result
        .map(|done| done.rows_affected())
        .map_err(StoreError::from);
    session::explained(touched, denied, LONGEST)
}

async fn on_postgres(
    transaction: &mut Transaction<'_>,
    plugin: &str,
    grants: &Grants,
    statement: Statement,
) -> Result<u64, StoreError> {
    admission::check(plugin, grants, &statement.sql, true)?;
    let role = login::ensure(transaction, plugin, grants).await?.role;
    let Connection::Postgres(connection) = &mut transaction.connection else {
        return Err(StoreError::internal(
            "the dialect changed within a transaction",
        ));
    };
    command(
        connection,
        format!("SET LOCAL ROLE {}", login::quoted(&role)),
    )
    .await?;
    let touched = postgres::execute(connection, statement).await?;
    command(connection, "RESET ROLE".to_owned()).await?;
    Ok(touched)
}

async fn command(connection: &mut PgConnection, sql: String) -> Result<(), StoreError> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}
