//! SQLite: one writer task with group commit, and a pool of readers.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection as _, Executor, Row as _, SqlSafeStr,
    TypeInfo, ValueRef,
};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Connection, StoreError, StoreErrorKind, Transaction, Work, migrate};
use crate::value::{Rows, Statement, Value};

/// Jobs that share one commit at most.
const GROUP: usize = 256;
/// How long a statement waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

pub(crate) struct SqliteStore {
    readers: SqlitePool,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held by whoever writes in this process, so that waiting is fair and needs no polling.
    pub(crate) write_gate: Arc<Semaphore>,
    /// How to open further connections to the same file.
    pub(crate) options: SqliteConnectOptions,
}

/// One transaction's work. It says whether its changes stay, and answers after the commit.
type Job = Box<dyn for<'t> FnOnce(&'t mut SqliteConnection) -> BoxFuture<'t, Done> + Send>;

struct Done {
    keep: bool,
    answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

impl SqliteStore {
    pub(super) async fn open(path: &str) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(&format!("sqlite:{path}"))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .log_statements(tracing::log::LevelFilter::Trace);
        refuse_missing_folder(path)?;
        let mut connection = options
            .connect()
            .await
            .map_err(|error| opening(path, error))?;
        migrate_locked(&mut connection)
            .await
            .map_err(|error| named(path, error))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(options.clone().read_only(true).pragma("query_only", "on"));
        let write_gate = Arc::new(Semaphore::new(1));
        let (sender, receiver) = mpsc::channel(GROUP * 4);
        let writer = tokio::spawn(write_jobs(connection, receiver, Arc::clone(&write_gate)));
        Ok(Self {
            readers,
            jobs: Mutex::new(Some(sender)),
            writer: Mutex::new(Some(writer)),
            write_gate,
            options,
        })
    }

    pub(super) async fn query(&self, statement: Statement) -> Result<Rows, StoreError> {
        let mut connection = self.readers.acquire().await?;
        query(&mut connection, statement).await
    }

    pub(super) async fn prepare(&self, sql: &str) -> Result<(), StoreError> {
        let mut connection = self.readers.acquire().await?;
        connection
            .prepare(AssertSqlSafe(sql.to_owned()).into_sql_str())
            .await?;
        Ok(())
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Transaction<'_>) -> Work<'t, T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            Box::pin(async move {
                let mut transaction = Transaction {
                    connection: Connection::Sqlite(connection),
                };
                let result = work(&mut transaction).await;
                Done {
                    keep: result.is_ok(),
                    answer: Box::new(move |commit| {
                        // Nobody to answer means that the caller has gone; the work stands.
                        drop(sender.send(result.and_then(|value| commit.map(|()| value))));
                    }),
                }
            })
        });
        let jobs = self.jobs.lock().await.clone().ok_or_else(stopped)?;
        jobs.send(job).await.map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }

    pub(super) async fn close(&self) {
        self.jobs.lock().await.take();
        if let Some(writer) = self.writer.lock().await.take() {
            writer.await.ok();
        }
        self.readers.close().await;
    }
}

fn stopped() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the writer of the database has stopped",
    )
}

fn refuse_missing_folder(path: &str) -> Result<(), StoreError> {
    let folder = Path::new(path)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!(
                "the folder {} of the database does not exist; create it",
                folder.display()
            ),
        )),
        _ => Ok(()),
    }
}

fn opening(path: &str, error: sqlx::Error) -> StoreError {
    named(path, error.into())
}

/// Say which file, and the mend.
fn named(path: &str, error: StoreError) -> StoreError {
    let mend = match error.kind {
        StoreErrorKind::Corrupt => {
            "; it is no SQLite database or is damaged: restore a backup or move it away"
        }
        StoreErrorKind::Busy => "; another process holds it: stop that process or wait for it",
        StoreErrorKind::Unavailable => "; check that the file and its folder can be written",
        _ => "",
    };
    StoreError::new(
        error.kind,
        format!("cannot open the database {path}: {}{mend}", error.message),
    )
}

async fn migrate_locked(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN EXCLUSIVE").await?;
    migrate::run(&mut Transaction {
        connection: Connection::Sqlite(&mut transaction),
    })
    .await?;
    transaction.commit().await?;
    Ok(())
}

async fn write_jobs(
    mut connection: SqliteConnection,
    mut receiver: mpsc::Receiver<Job>,
    gate: Arc<Semaphore>,
) {
    while let Some(first) = receiver.recv().await {
        let Ok(permit) = gate.acquire().await else {
            break;
        };
        write_group(&mut connection, first, &mut receiver).await;
        drop(permit);
    }
    connection.close().await.ok();
}

/// Run the jobs that are waiting, each in a savepoint, and commit them together.
async fn write_group(
    connection: &mut SqliteConnection,
    first: Job,
    receiver: &mut mpsc::Receiver<Job>,
) {
    let mut answers = Vec::new();
    let result = match connection.begin_with("BEGIN IMMEDIATE").await {
        Err(error) => Err(StoreError::from(error)),
        Ok(mut transaction) => {
            let mut next = Some(first);
            let mut result = Ok(());
            while let Some(job) = next.take() {
                match in_savepoint(&mut transaction, job).await {
                    Ok(answer) => answers.push(answer),
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                }
                if answers.len() < GROUP {
                    next = receiver.try_recv().ok();
                }
            }
            match result {
                Ok(()) => transaction.commit().await.map_err(StoreError::from),
                Err(error) => Err(error),
            }
        }
    };
    for answer in answers {
        answer(result.clone());
    }
}

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

async fn in_savepoint(connection: &mut SqliteConnection, job: Job) -> Result<Answer, StoreError> {
    let mut savepoint = connection.begin().await?;
    let done = job(&mut savepoint).await;
    if done.keep {
        savepoint.commit().await?;
    } else {
        savepoint.rollback().await?;
    }
    Ok(done.answer)
}

/// Rows of a statement on one connection.
pub(super) async fn query(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<Rows, StoreError> {
    let fetched = bound(statement).fetch_all(connection).await?;
    let columns = fetched
        .first()
        .map(|row| {
            row.columns()
                .iter()
                .map(|column| column.name().to_owned())
                .collect()
        })
        .unwrap_or_default();
    let rows = fetched.iter().map(decode).collect::<Result<_, _>>()?;
    Ok(Rows { columns, rows })
}

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<u64, StoreError> {
    Ok(bound(statement).execute(connection).await?.rows_affected())
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// A statement with its parameters bound.
pub(super) fn bound(statement: Statement) -> Query {
    let query = sqlx::query(AssertSqlSafe(statement.sql));
    statement
        .params
        .into_iter()
        .fold(query, |query, value| match value {
            Value::Null => query.bind(None::<String>),
            Value::Boolean(flag) => query.bind(flag),
            Value::Integer(number) | Value::Timestamp(number) => query.bind(number),
            Value::Real(number) => query.bind(number),
            Value::Text(text) | Value::Json(text) | Value::Other { text, .. } => query.bind(text),
            Value::Blob(bytes) => query.bind(bytes),
            Value::Vector(vector) => query.bind(Value::vector_bytes(&vector)),
        })
}

/// The values of a row. A text that is not UTF-8 comes as a blob.
pub(super) fn decode(row: &SqliteRow) -> Result<Vec<Value>, StoreError> {
    (0..row.len())
        .map(|index| decode_column(row, index))
        .collect()
}

fn decode_column(row: &SqliteRow, index: usize) -> Result<Value, StoreError> {
    let (is_null, stored) = {
        let raw = row.try_get_raw(index)?;
        (raw.is_null(), raw.type_info().name().to_owned())
    };
    if is_null {
        return Ok(Value::Null);
    }
    Ok(match stored.as_str() {
        "BOOLEAN" => Value::Boolean(row.try_get_unchecked::<i64, _>(index)? != 0),
        "INTEGER" if row.column(index).type_info().name() == "BOOLEAN" => {
            Value::Boolean(row.try_get_unchecked::<i64, _>(index)? != 0)
        }
        "INTEGER" => Value::Integer(row.try_get_unchecked(index)?),
        "REAL" => Value::Real(row.try_get_unchecked(index)?),
        "BLOB" => Value::Blob(row.try_get_unchecked(index)?),
        _ => match row.try_get_unchecked::<String, _>(index) {
            Ok(text) => Value::Text(text),
            Err(_) => Value::Blob(row.try_get_unchecked(index)?),
        },
    })
}

impl Transaction<'_> {
    /// Run a script of several statements without parameters.
    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                sqlx::raw_sql(sql).execute(&mut **connection).await?;
            }
            Connection::Postgres(connection) => {
                sqlx::raw_sql(sql).execute(&mut **connection).await?;
            }
        }
        Ok(())
    }
}
