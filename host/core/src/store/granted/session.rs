//! One connection of a plugin, and how a statement runs on it within its budgets.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor, PgConnection, SqlSafeStr, SqliteConnection,
    Statement as _,
};

use super::admission::AdmittedStatement;
use super::measured::Measured;
use super::sqlite_guard::{Authorizer, Mode};
use super::{QueryLimits, bounds};
use crate::store::{StoreError, StoreErrorKind, postgres, sqlite};
use crate::value::{Rows, Statement, Value};

/// Gets the names of the columns and one row.
pub type EachRow<'a> = &'a mut (dyn FnMut(&[String], Vec<Value>) -> Result<(), StoreError> + Send);

const TOO_LONG: &str = "a value of the statement or a row that it stores is larger than plugins may have; divide it, or raise `value_bytes` under [limits.\"*\"], or under the plugin's own table, in callboard.toml";
const TOO_MUCH: &str =
    "the statement is too large for the database to work it out; divide it into several";

pub(super) enum Session {
    Sqlite {
        connection: SqliteConnection,
        authorizer: Arc<Authorizer>,
    },
    Postgres {
        connection: PgConnection,
        /// The command that makes its settings.
        settings: Arc<str>,
    },
}

impl Session {
    /// Rows of a guest's statement, one by one, none of which is larger than `most` bytes.
    pub(super) async fn each(
        &mut self,
        checked: AdmittedStatement,
        mode: Mode,
        (timeout, most): (Duration, u64),
        row: EachRow<'_>,
    ) -> Result<(), StoreError> {
        let statement = checked.statement();
        match self {
            Session::Sqlite {
                connection,
                authorizer,
            } => {
                authorizer.arm(mode, timeout);
                let result = each_sqlite(connection, statement, row).await;
                let result = forget(connection, result).await;
                explained(result, authorizer.disarm(), timeout)
            }
            Session::Postgres { connection, .. } => {
                within(timeout, each_postgres(connection, statement, most, row)).await
            }
        }
    }

    /// Run a guest's statement that changes rows; gives how many.
    pub(super) async fn execute(
        &mut self,
        checked: AdmittedStatement,
        timeout: Duration,
    ) -> Result<u64, StoreError> {
        let gives_rows = checked.gives_rows();
        let statement = checked.statement();
        match self {
            Session::Sqlite {
                connection,
                authorizer,
            } => {
                authorizer.arm(Mode::Write, timeout);
                let result = sqlite::execute(connection, statement).await;
                explained(result, authorizer.disarm(), timeout)
            }
            Session::Postgres { connection, .. } if gives_rows => {
                within(timeout, count_postgres(connection, statement)).await
            }
            Session::Postgres { connection, .. } => {
                within(
                    timeout,
                    postgres::execute(connection, statement, Duration::MAX),
                )
                .await
            }
        }
    }

    /// Whether the database takes a statement; it is prepared and not run.
    pub(super) async fn prepare(
        &mut self,
        checked: AdmittedStatement,
        timeout: Duration,
    ) -> Result<(), StoreError> {
        let text = AssertSqlSafe(checked.statement().sql).into_sql_str();
        match self {
            Session::Sqlite {
                connection,
                authorizer,
            } => {
                authorizer.arm(Mode::Write, timeout);
                let result = connection.prepare(text).await;
                let result = result.map(drop).map_err(StoreError::from);
                let result = forget(connection, result).await;
                explained(result, authorizer.disarm(), timeout)
            }
            Session::Postgres { connection, .. } => {
                within(timeout, async {
                    Ok(connection.prepare(text).await.map(drop)?)
                })
                .await
            }
        }
    }

    /// Leave nothing of what a guest did behind: no setting, lock, statement or table.
    pub(super) async fn clean(&mut self) -> Result<(), StoreError> {
        match self {
            Session::Sqlite { .. } => Ok(()),
            Session::Postgres {
                connection,
                settings,
            } => {
                connection.clear_cached_statements().await?;
                let discard = sqlx::raw_sql("DISCARD ALL");
                discard.execute(&mut *connection).await?;
                set(connection, settings).await
            }
        }
    }

    /// Run a command of the host: `BEGIN` and its like.
    pub(super) async fn command(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match self {
            Session::Sqlite { connection, .. } => {
                sqlx::raw_sql(sql).execute(connection).await?;
            }
            Session::Postgres { connection, .. } => {
                sqlx::raw_sql(sql).execute(connection).await?;
            }
        }
        Ok(())
    }
}

/// Make the settings of a session, in one command.
pub(super) async fn set(connection: &mut PgConnection, settings: &str) -> Result<(), StoreError> {
    let settings = sqlx::raw_sql(AssertSqlSafe(settings.to_owned()));
    settings.execute(connection).await?;
    Ok(())
}

async fn each_sqlite(
    connection: &mut SqliteConnection,
    statement: Statement,
    row: EachRow<'_>,
) -> Result<(), StoreError> {
    let text = AssertSqlSafe(statement.sql.clone()).into_sql_str();
    let columns = names(connection.prepare(text).await?.columns());
    if columns.len() > bounds::COLUMNS {
        let most = bounds::COLUMNS;
        let text = format!("the query gives more than {most} columns; name those that are needed");
        return Err(StoreError::new(StoreErrorKind::TooLarge, text));
    }
    let mut stream = sqlite::bound(statement).fetch(connection);
    while let Some(found) = stream.try_next().await? {
        row(&columns, sqlite::decode(&found)?)?;
    }
    Ok(())
}

/// Forget what was prepared: a plan of an older schema would give rows of other columns.
async fn forget<T>(
    connection: &mut SqliteConnection,
    result: Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.clear_cached_statements().await?;
    result
}

async fn each_postgres(
    connection: &mut PgConnection,
    statement: Statement,
    most: u64,
    row: EachRow<'_>,
) -> Result<(), StoreError> {
    let measured = Measured::of(connection, statement, most).await?;
    // Prepared anew, for the same reason.
    let query = postgres::bound(measured.statement).persistent(false);
    let mut stream = query.fetch(connection);
    while let Some(found) = stream.try_next().await? {
        let mut values = postgres::decode(&found)?;
        if measured.with_size
            && let Some(Value::Integer(bytes)) = values.pop()
            && bytes.unsigned_abs() > most
        {
            return Err(too_large(&format!(
                "a row of {bytes} bytes, of {most} at most"
            )));
        }
        row(&measured.columns, values)?;
    }
    Ok(())
}

/// How many rows a statement gives, whose values the caller does not want: none of any length is
/// sent.
async fn count_postgres(
    connection: &mut PgConnection,
    statement: Statement,
) -> Result<u64, StoreError> {
    let measured = Measured::of(connection, statement, 0).await?;
    let query = postgres::bound(measured.statement).persistent(false);
    let mut stream = query.fetch(connection);
    let mut rows = 0;
    while stream.try_next().await?.is_some() {
        rows += 1;
    }
    Ok(rows)
}

fn names<C: sqlx::Column>(columns: &[C]) -> Vec<String> {
    columns
        .iter()
        .map(|column| column.name().to_owned())
        .collect()
}

/// A failure in the words of the grants: SQLite itself says only "not authorized".
pub(super) fn explained<T>(
    result: Result<T, StoreError>,
    refused: Option<StoreError>,
    timeout: Duration,
) -> Result<T, StoreError> {
    let Err(error) = result else {
        return result;
    };
    Err(match refused {
        Some(refused) => refused,
        None if error.kind == StoreErrorKind::Timeout => late(timeout),
        None => match error.message.as_str() {
            "string or blob too big" => StoreError::new(StoreErrorKind::TooLarge, TOO_LONG),
            "out of memory" => StoreError::new(StoreErrorKind::TooLarge, TOO_MUCH),
            _ => error,
        },
    })
}

async fn within<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(timeout, work)
        .await
        .unwrap_or_else(|_| Err(late(timeout)))
}

pub(super) fn late(timeout: Duration) -> StoreError {
    let text = format!("the statement took longer than the {timeout:?} it had");
    StoreError::new(StoreErrorKind::Timeout, text)
}

/// Collects rows until a budget is spent.
pub(super) struct Budgeted {
    limits: QueryLimits,
    bytes: u64,
    rows: Rows,
}

impl Budgeted {
    pub(super) fn new(limits: QueryLimits) -> Self {
        Self {
            limits,
            bytes: 0,
            rows: Rows::default(),
        }
    }

    pub(super) fn add(&mut self, columns: &[String], row: Vec<Value>) -> Result<(), StoreError> {
        if self.rows.columns.is_empty() {
            self.rows.columns = columns.to_vec();
        }
        self.bytes += size_of::<Vec<Value>>() as u64;
        self.bytes += row.iter().map(|value| value.size() as u64).sum::<u64>();
        if self.rows.rows.len() as u64 >= self.limits.rows {
            return Err(too_large(&format!("more than {} rows", self.limits.rows)));
        }
        if self.bytes > self.limits.bytes {
            return Err(too_large(&format!("more than {} bytes", self.limits.bytes)));
        }
        self.rows.rows.push(row);
        Ok(())
    }

    pub(super) fn rows(self) -> Rows {
        self.rows
    }
}

fn too_large(what: &str) -> StoreError {
    let text = format!(
        "the query gives {what}; ask for less with LIMIT, or raise `rows` and `row_bytes` under [limits.\"*\"], or under the plugin's own table, in callboard.toml"
    );
    StoreError::new(StoreErrorKind::TooLarge, text)
}
