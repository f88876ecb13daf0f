//! A plugin's deferred write: it runs in the engine's transaction, under the plugin's grants.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, PgPool, SqliteConnection};

use super::admission::{self, Asker};
use super::authorizer::{Authorizer, Mode};
use super::catalog::Catalog;
use super::passage::Passage;
use super::{login, memory, session};
use crate::config::CallLimits;
use crate::grants::Grants;
use crate::store::{
    Connection, Dialect, StoreError, StoreErrorKind, Transaction, postgres, sqlite,
};
use crate::value::Statement;

/// A deferred write holds up the engine's transaction, so it has to be short.
const LONGEST: Duration = Duration::from_secs(8);
/// What is later than that, the server did not end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// A plugin whose deferred writes run, and what it may do and take.
#[derive(Debug, Clone)]
pub struct DeferredWriter {
    pub plugin: String,
    pub grants: Grants,
    pub limits: CallLimits,
}

impl DeferredWriter {
    /// One that may do nothing.
    pub fn unknown(plugin: &str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            grants: Grants::default(),
            limits: CallLimits::default(),
        }
    }

    fn asks<'a>(&'a self, catalog: Option<&'a Catalog>) -> Asker<'a> {
        Asker {
            catalog,
            dialect: catalog.map_or(Dialect::Sqlite, |_| Dialect::Postgres),
            plugin: &self.plugin,
            grants: &self.grants,
            most: self.limits.value_bytes.into(),
            there: None,
        }
    }
}

/// Run one deferred write of `writer` inside `transaction`, under its own grants and limits,
/// with at most `left` of time; gives the rows touched. The transaction should be rolled back if
/// it fails.
pub async fn execute_deferred(
    transaction: &mut Transaction<'_>,
    writer: &DeferredWriter,
    statement: Statement,
    left: Duration,
) -> Result<u64, StoreError> {
    let longest = LONGEST
        .min(left)
        .min(super::statement_timeout(&writer.limits));
    let touched = match &mut transaction.connection {
        Connection::Sqlite(connection) => on_sqlite(connection, writer, statement, longest).await,
        Connection::Postgres(_) => on_postgres(transaction, writer, statement, longest).await,
    };
    touched.map_err(|error| match error.kind {
        // It would take as long again.
        StoreErrorKind::Timeout => StoreError {
            kind: StoreErrorKind::Overdue,
            ..session::late(longest)
        },
        _ => error,
    })
}

async fn on_sqlite(
    connection: &mut SqliteConnection,
    writer: &DeferredWriter,
    statement: Statement,
    longest: Duration,
) -> Result<u64, StoreError> {
    let asker = writer.asks(None);
    let statement = admission::check(asker, statement, true)?.statement();
    let authorizer = Authorizer::new(&writer.plugin, &writer.grants, &writer.limits);
    authorizer.lend(connection).await?;
    authorizer.arm(Mode::Write, longest);
    // Not persistent: the host's prepared statements and the plugin's never mix.
    let query = sqlite::bound(statement).persistent(false);
    let result = query.execute(&mut *connection).await;
    let denied = authorizer.disarm();
    Authorizer::take_back(connection).await?;
    let touched = result
        .map(|done| done.rows_affected())
        .map_err(StoreError::from);
    session::explained(touched, denied, longest)
}

async fn on_postgres(
    transaction: &mut Transaction<'_>,
    writer: &DeferredWriter,
    statement: Statement,
    longest: Duration,
) -> Result<u64, StoreError> {
    let catalog = Catalog::read_in(transaction, &writer.grants).await?;
    let sql = admission::check_for_passage(writer.asks(Some(&catalog)), &statement)?;
    let params = admission::texts(statement.params)?;
    execute_unchecked(transaction, writer, (sql, params), longest).await
}

/// The part of a deferred write that the server holds by itself, whatever `sql` is: for
/// [`execute_deferred`], and for the tests that try it with the check switched off.
#[doc(hidden)]
pub async fn execute_unchecked(
    transaction: &mut Transaction<'_>,
    writer: &DeferredWriter,
    (sql, params): (String, Vec<Option<String>>),
    longest: Duration,
) -> Result<u64, StoreError> {
    let login = login::ensure(transaction, &writer.plugin, &writer.grants).await?;
    let outer = Passage::of(&login).outer();
    let readers = transaction.readers.clone();
    let Connection::Postgres(connection) = &mut transaction.connection else {
        return Err(StoreError::internal("a passage is of PostgreSQL"));
    };
    let _watch = limit(connection, readers, (longest, &writer.limits)).await?;
    let call = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {outer}($1, $2)")));
    let call = call.bind(sql).bind(params).persistent(false);
    let within = longest.saturating_add(postgres::GRACE);
    let touched: i64 = postgres::answered(within, call.fetch_one(&mut **connection)).await?;
    // A setting that the statement changed, and a lock that it took, end with it.
    let reset = format!(
        "RESET ALL; SELECT pg_advisory_unlock_all(); {}",
        postgres::set_writing()
    );
    let reset = sqlx::raw_sql(AssertSqlSafe(reset)).execute(&mut **connection);
    postgres::answered(postgres::ANSWER, reset).await?;
    Ok(touched.unsigned_abs())
}

/// The server ends the statement in time; and if it did not, it is cancelled a little later. What
/// else bounds it is set until the transaction ends, or all is reset.
async fn limit(
    connection: &mut PgConnection,
    readers: Option<PgPool>,
    (longest, limits): (Duration, &CallLimits),
) -> Result<Watch, StoreError> {
    // Zero would be no limit.
    let milliseconds = longest.max(Duration::from_millis(1)).as_millis();
    let timeouts = ["statement_timeout", "lock_timeout"];
    let timeouts = timeouts.map(|name| (name, milliseconds.to_string()));
    let settings = timeouts.into_iter().chain(memory::settings(limits));
    let (names, values): (Vec<_>, Vec<_>) = settings.unzip();
    let set = "SELECT pg_backend_pid() FROM (SELECT count(set_config(name, value, true)) \
        FROM unnest($1::text[], $2::text[]) AS setting (name, value) OFFSET 0) AS set";
    let set = sqlx::query_scalar(set).bind(names).bind(values);
    let process: i32 = postgres::answered(postgres::ANSWER, set.fetch_one(connection)).await?;
    Ok(Watch(tokio::spawn(async move {
        tokio::time::sleep(longest + GRACE).await;
        if let Some(readers) = readers {
            let cancel = sqlx::query("SELECT pg_cancel_backend($1)").bind(process);
            if let Err(error) = cancel.execute(&readers).await {
                tracing::warn!(%error, "a deferred write that is late cannot be cancelled");
            }
        }
    })))
}

/// Cancels what is late, until it is dropped.
struct Watch(tokio::task::JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}
