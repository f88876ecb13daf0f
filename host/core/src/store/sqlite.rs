//! SQLite: one writer task with group commit, and a pool of readers.

mod guests;
mod locked;
mod opened_file;
mod opening;
mod place;
mod search;
mod timed;
mod turns;
mod writer;

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection as _, Executor, Row as _, SqlSafeStr,
    TypeInfo, ValueRef,
};
use tokio::sync::{Mutex, Semaphore, oneshot};
use tokio::task::JoinHandle;

pub(super) use self::guests::Guest;
use self::guests::Guests;
pub(super) use self::opening::{files, inspect, is_absent};
use self::place::DatabaseFile;
pub(super) use self::search::install as search;
pub(super) use self::timed::{lift, limit};
use self::turns::Turns;
pub(super) use self::turns::{GuestsPermit, kept_waiting};
use self::writer::{Job, Senders, WriterJob};
use super::borrowed::Borrowed;
use super::counted::{self, ReadLimit};
use super::{Connection, StoreError, StoreErrorKind, Transaction, TransactionWork};
use crate::supervision;
use crate::value::{Rows, Statement, Value};

/// Jobs of the host, and of plugins, that wait at most.
const WAITING: usize = 1024;
/// How long a statement waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

/// How a transaction begins. Reading the schema makes a connection notice that another process
/// has changed it. It would notice later by itself, but sqlx would not: it goes by the columns
/// it saw first, loses the rows and says that there are none.
const SNAPSHOT: &str = "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1";

pub(crate) struct SqliteStore {
    readers: SqlitePool,
    jobs: Mutex<Option<Senders>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held by the task that writes in this process, so that waiting is fair and needs no polling.
    pub(crate) write_permits: Arc<Semaphore>,
    pub(super) turns: Arc<Turns>,
    /// How to open further connections to the same file.
    pub(crate) options: SqliteConnectOptions,
    pub(super) place: Arc<DatabaseFile>,
    /// Where the connections of plugins wait.
    guests: Guests,
    /// The folder of a file that ends with this.
    passing: Option<tempfile::TempDir>,
}

impl SqliteStore {
    pub(super) async fn open(path: &str) -> Result<Self, StoreError> {
        let path = opening::file(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .immutable(opening::is_at_rest(Path::new(path)))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            // What a plugin's statement sorts or keeps aside is held against its bound of memory,
            // and does not fill the disk.
            .pragma("temp_store", "memory")
            .log_statements(tracing::log::LevelFilter::Trace)
            // The caller that waited says so once, in an error.
            .log_slow_statements(tracing::log::LevelFilter::Off, Duration::ZERO);
        let writing = options.clone().busy_timeout(locked::PATIENCE);
        let mut connection = opening::current(&writing, path).await?;
        let anchor = opening::anchor(&options).await?;
        let place = Arc::new(DatabaseFile::new(Path::new(path), anchor));
        if !place.settled().await? {
            opening::settle(&mut connection).await;
            place.check().await?;
        }
        let reading = options.clone().read_only(true);
        let reading = reading
            .pragma("query_only", "on")
            .pragma("temp_store", "default");
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(reading);
        let write_permits = Arc::new(Semaphore::new(1));
        let turns = Arc::<Turns>::default();
        let (senders, waiting) = writer::queues(WAITING, Arc::clone(&turns));
        let permit = Arc::clone(&write_permits);
        let writes = writer::write_jobs(connection, waiting, permit, (writing, Arc::clone(&place)));
        let writer = tokio::spawn(supervision::vital("the writer of the database", writes));
        Ok(Self {
            readers,
            jobs: Mutex::new(Some(senders)),
            writer: Mutex::new(Some(writer)),
            write_permits,
            turns,
            options,
            place,
            guests: Guests::default(),
            passing: None,
        })
    }

    /// An empty database that ends with this.
    pub(super) async fn open_nowhere() -> Result<Self, StoreError> {
        let no_place = |problem: &dyn std::fmt::Display| {
            let message = format!("no temporary folder for an empty database: {problem}");
            StoreError::new(StoreErrorKind::Unavailable, message)
        };
        let folder = tempfile::tempdir().map_err(|error| no_place(&error))?;
        let file = folder.path().join("empty.db");
        let path = file.to_str();
        let path = path.ok_or_else(|| no_place(&"its path is not UTF-8"))?;
        Ok(Self {
            passing: Some(folder),
            ..Self::open(path).await?
        })
    }

    pub(super) fn is_nowhere(&self) -> bool {
        self.passing.is_some()
    }

    /// Refused once the database is not the one at its path any more.
    pub(super) async fn in_place(&self) -> Result<(), StoreError> {
        self.place.check().await
    }

    pub(super) async fn query(
        &self,
        statement: Statement,
        limit: ReadLimit,
    ) -> Result<Rows, StoreError> {
        self.read(async |snapshot| query(snapshot, statement, limit).await)
            .await
    }

    pub(super) async fn query_until(
        &self,
        statement: Statement,
        (deadline, most): (Instant, ReadLimit),
    ) -> Result<Rows, StoreError> {
        self.read(async |snapshot| {
            limit(snapshot, deadline).await?;
            let rows = query(snapshot, statement, most).await;
            lift(snapshot).await?;
            rows
        })
        .await
    }

    pub(super) async fn prepare(&self, sql: &str) -> Result<(), StoreError> {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        self.read(async |snapshot| Ok(snapshot.prepare(sql).await.map(drop)?))
            .await
    }

    async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut borrowed = Borrowed::of(self.readers.acquire().await?);
        let result = in_snapshot(borrowed.connection()?, work).await;
        let sound = |error: &StoreError| {
            use StoreErrorKind::{Denied, Statement, TooLarge};
            matches!(error.kind, Denied | Statement | TooLarge)
        };
        // Otherwise it may have stopped in the middle of its beginning.
        if result.as_ref().err().is_none_or(sound) {
            borrowed.give_back();
        }
        result
    }

    /// In a commit that others share; or, for the deferred writes of a `plugin`, once it is its turn,
    /// in one of its own.
    pub(super) async fn write<T, F>(&self, plugin: Option<&str>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Transaction<'_>) -> TransactionWork<'t, T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        // Where the work leaves what it came to, until the commit is known. Still empty then
        // means that the work has panicked.
        let left = Arc::new(std::sync::Mutex::new(None));
        let result = Arc::clone(&left);
        let work: WriterJob = Box::new(move |connection| {
            Box::pin(async move {
                let mut transaction = Transaction::new(Connection::Sqlite(connection));
                let result = work(&mut transaction).await;
                let result = transaction.verdict(result);
                let keep = result.is_ok();
                *held(&left) = Some(result);
                keep
            })
        });
        let file = self.options.get_filename().to_owned();
        let answer = Box::new(move |commit: Result<(), StoreError>| {
            let result = held(&result).take();
            let answer = match (result, commit) {
                (Some(Err(error)), _) | (_, Err(error)) => Err(opening::unwritable(&file, error)),
                (Some(Ok(value)), Ok(())) => Ok(value),
                (None, Ok(())) => Err(StoreError::internal("the work in a transaction panicked")),
            };
            // An answer that cannot be sent means that the caller has gone; the work stands.
            drop(sender.send(answer));
        });
        let turn = match plugin {
            Some(plugin) => Some(self.turns.of_plugin(plugin).await),
            None => None,
        };
        let job = Job { work, answer, turn };
        let queue = self.jobs.lock().await.as_ref().map(|jobs| jobs.of(&job));
        let sent = queue.ok_or_else(stopped)?.send(job).await;
        sent.map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }

    /// Close the connections that wait there with the store.
    pub(super) fn add_guest(&self, guest: Weak<dyn Guest>) {
        self.guests.add(guest);
    }

    pub(super) async fn close(&self) {
        if self.place.close().await.is_err() {
            return;
        }
        self.guests.close().await;
        // The writer goes last: it is the one that can empty the log into the file.
        self.readers.close().await;
        self.jobs.lock().await.take();
        if let Some(writer) = self.writer.lock().await.take() {
            writer.await.ok();
        }
    }
}

async fn in_snapshot<T>(
    connection: &mut SqliteConnection,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut snapshot = connection.begin_with(SNAPSHOT).await?;
    let result = work(&mut snapshot).await;
    snapshot.rollback().await?;
    result
}

fn stopped() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the writer of the database has stopped",
    )
}

pub(super) fn held<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Rows of a statement on one connection, inside a transaction that began with [`SNAPSHOT`]
/// or by [`locked::begin`]. It names its columns, because sqlx keeps those of what it remembers.
pub(super) async fn query(
    connection: &mut SqliteConnection,
    statement: Statement,
    limit: ReadLimit,
) -> Result<Rows, StoreError> {
    counted::rows(bound(statement).fetch(connection), decode, limit).await
}

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<u64, StoreError> {
    Ok(bound(statement).execute(connection).await?.rows_affected())
}

type SqliteQuery = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// A statement with its parameters bound.
pub(super) fn bound(statement: Statement) -> SqliteQuery {
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
    pub(super) async fn script(&mut self, sql: String) -> Result<(), StoreError> {
        let sql = AssertSqlSafe(sql);
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
