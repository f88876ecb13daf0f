//! PostgreSQL: a pool, and the migration lock.

mod answered;
mod locked;
mod pooler;
mod suited;
mod timed;
mod values;

use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Executor, SqlSafeStr};

pub(super) use self::answered::{ANSWER, GRACE, answered};
use self::suited::SchemaPlace;
pub(super) use self::timed::limit;
pub(super) use self::values::{bound, decode, kinds, known};
use super::borrowed::Borrowed;
use super::counted::{self, ReadLimit};
use super::{Connection, StoreError, StoreErrorKind, Transaction, TransactionWork, migrate};
use crate::schema;
use crate::value::{Rows, Statement};

const CONNECTIONS: u32 = 10;
const READERS: u32 = 5;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection may take to say that it is there.
const PING: Duration = Duration::from_secs(2);
/// How long the first connection may take, and finding out what answers there.
const REACH: Duration = Duration::from_secs(20);
/// Statements that take milliseconds are not compiled: a disabled kind of scan counts as so dear
/// that the server would compile every one.
const JIT: (&str, &str) = ("jit", "off");
/// How every connection is set, whatever the database, the user or the server say. Two that change the
/// same row wait for one another, and the later one sees what the other has done; and a text is
/// written in plain quotes, where a backslash means itself.
const EVERY: [(&str, &str); 5] = [
    JIT,
    answered::LONGEST,
    locked::PATIENCE,
    ("default_transaction_isolation", "read committed"),
    ("standard_conforming_strings", "on"),
];
/// How connections that write are set besides. A process that freezes in a transaction, or loses
/// its machine, would keep its locks for ever, and no other could claim or commit. And open runs
/// change faster than they are counted: a plan for the few of a moment ago reads the whole table,
/// dead rows and all, while an index passes over what it once found dead.
const WRITERS: [(&str, &str); 3] = [
    ("idle_in_transaction_session_timeout", "5s"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
];
/// How connections that only read are set besides.
const READING: [(&str, &str); 1] = [("default_transaction_read_only", "on")];
/// How long sessions that are busy are waited for at the end; they end with the process.
const CLOSING: Duration = Duration::from_secs(2);

pub(crate) struct PostgresStore {
    pool: PgPool,
    /// Connections that refuse to write, as the readers of SQLite do.
    readers: PgPool,
    /// How to open further connections to the same database.
    pub(crate) options: PgConnectOptions,
}

impl PostgresStore {
    pub(super) async fn open(url: &str) -> Result<Self, StoreError> {
        let options = options(url)?;
        let (connection, place) = reach(&options).await?;
        connection.close().await?;
        let pool = pool(CONNECTIONS, options.clone(), &WRITERS);
        let readers = self::pool(READERS, options.clone(), &READING);
        let mut connection = pool.acquire().await?;
        let current = match look_on(&mut connection).await {
            Err(error) if !error.is_lock_timeout() => migrate_locked(&mut connection).await,
            looked => looked,
        };
        if let Err(error) = current {
            return Err(locked::named(&readers, place.explained(error)).await);
        }
        drop(connection);
        Ok(Self {
            pool,
            readers,
            options,
        })
    }

    pub(super) async fn query(
        &self,
        statement: Statement,
        limit: ReadLimit,
    ) -> Result<Rows, StoreError> {
        let mut borrowed = Borrowed::of(self.readers.acquire().await?);
        let connection = borrowed.connection()?;
        let rows = match read(connection, statement.clone(), (ANSWER, limit)).await {
            Err(error) if error.is_outdated_plan() => {
                forget(connection).await?;
                read(connection, statement, (ANSWER, limit)).await
            }
            result => result,
        };
        borrowed.give_back_unless_silent(&rows);
        self.named(rows).await
    }

    /// With who holds the lock, if one was waited for in vain.
    async fn named<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match result {
            Err(error) => Err(locked::named(&self.readers, error).await),
            done => done,
        }
    }

    pub(super) async fn query_until(
        &self,
        statement: Statement,
        within: (Instant, ReadLimit),
    ) -> Result<Rows, StoreError> {
        let mut borrowed = Borrowed::of(self.readers.acquire().await?);
        let connection = borrowed.connection()?;
        let rows = match query_timed(connection, statement.clone(), within).await {
            Err(error) if error.is_outdated_plan() => {
                forget(connection).await?;
                query_timed(connection, statement, within).await
            }
            result => result,
        };
        borrowed.give_back_unless_silent(&rows);
        self.named(rows).await
    }

    /// Run a statement outside of any transaction.
    pub(super) async fn notify(&self, sql: &'static str) -> Result<(), StoreError> {
        let mut borrowed = Borrowed::of(self.pool.acquire().await?);
        let told = execute(borrowed.connection()?, Statement::new(sql), ANSWER).await;
        borrowed.give_back_unless_silent(&told);
        told.map(drop)
    }

    pub(super) async fn prepare(&self, sql: &str) -> Result<(), StoreError> {
        let mut borrowed = Borrowed::of(self.readers.acquire().await?);
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        let prepared = answered(ANSWER, borrowed.connection()?.prepare(sql)).await;
        let prepared = prepared.map(drop);
        borrowed.give_back_unless_silent(&prepared);
        prepared
    }

    /// Whether `sql` prepares where `path` is searched for what it names without a schema.
    pub(super) async fn prepare_in(&self, path: &str, sql: &str) -> Result<(), StoreError> {
        let mut borrowed = Borrowed::of(self.readers.acquire().await?);
        let prepares = prepare_in(borrowed.connection()?, path, sql);
        let prepared = answered(ANSWER, prepares).await;
        borrowed.give_back_unless_silent(&prepared);
        prepared
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        F: for<'t> FnOnce(&'t mut Transaction<'_>) -> TransactionWork<'t, T> + Send,
    {
        let mut borrowed = Borrowed::of(self.pool.acquire().await?);
        let connection = borrowed.connection()?;
        let result = write(connection, &self.readers, work).await;
        match &result {
            Err(error) if error.is_outdated_plan() => forget(connection).await?,
            Err(error) if error.kind == StoreErrorKind::Denied => {
                refuse_read_only(connection).await?;
            }
            _ => {}
        }
        borrowed.give_back_unless_silent(&result);
        self.named(result).await
    }

    pub(super) async fn close(&self) {
        let close = async { tokio::join!(self.readers.close(), self.pool.close()) };
        if tokio::time::timeout(CLOSING, close).await.is_err() {
            tracing::warn!("a session of the database is still busy, and ends with the process");
        }
    }
}

/// What was prepared before another process changed a table.
async fn forget(connection: &mut PgConnection) -> Result<(), StoreError> {
    answered(ANSWER, connection.clear_cached_statements()).await
}

async fn prepare_in(
    connection: &mut PgConnection,
    path: &str,
    sql: &str,
) -> Result<(), sqlx::Error> {
    let mut begun = connection.begin().await?;
    let set = format!("SET LOCAL search_path = {path}");
    begun.execute(AssertSqlSafe(set)).await?;
    let text = AssertSqlSafe(sql.to_owned()).into_sql_str();
    let prepared = begun.prepare(text).await.map(drop);
    begun.rollback().await?;
    prepared
}

/// A server that takes no writes refuses every one. That says nothing about the statement: after a
/// failover the address leads to a replica for a while, until it is promoted, and some servers make
/// themselves read-only when their disk is full.
async fn refuse_read_only(connection: &mut PgConnection) -> Result<(), StoreError> {
    let asked = "SELECT pg_is_in_recovery() AS replica, \
        current_setting('default_transaction_read_only') = 'on' AS closed";
    let rows = query(connection, Statement::new(asked), ANSWER).await?;
    let (replica, closed) = rows.read_first()?.unwrap_or_default();
    let why = if replica {
        "the server is a replica that takes no writes; wait until it is promoted"
    } else if closed {
        "the database takes no writes, since `default_transaction_read_only` is on, as some servers \
         set it when their disk is full; see that it has room, and turn it off"
    } else {
        return Ok(());
    };
    Err(StoreError::new(StoreErrorKind::Unavailable, why))
}

/// Whether the database answers and has the current schema.
pub(super) async fn inspect(url: &str) -> Result<(), StoreError> {
    let (mut connection, place) = reach(&options(url)?).await?;
    let looked = look_on(&mut connection).await;
    looked.map_err(|error| place.explained(error))
}

/// What a database answers on a connection of its own, whatever its schema is.
pub(super) async fn ask(url: &str, statement: Statement) -> Result<Rows, StoreError> {
    let (mut connection, _) = reach(&options(url)?).await?;
    query(&mut connection, statement, ANSWER).await
}

/// How to connect. Settings are made in the session, since not every pooler passes on those
/// that come with the connection.
fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(PgConnectOptions::from_str(url)?
        .application_name("callboard")
        .extra_float_digits(None)
        .log_statements(tracing::log::LevelFilter::Trace)
        // The caller that waited says so once, in an error.
        .log_slow_statements(tracing::log::LevelFilter::Off, Duration::ZERO))
}

async fn look_on(connection: &mut PgConnection) -> Result<(), StoreError> {
    let mut transaction = answered(ANSWER, connection.begin()).await?;
    migrate::inspect(&mut Transaction::new(Connection::Postgres(
        &mut transaction,
    )))
    .await
}

async fn migrate_locked(connection: &mut PgConnection) -> Result<(), StoreError> {
    // Of two that make the table at once the later one is told, in one of several ways, that it is
    // there. The lock finds out: without the table, why it was not made is the cause.
    let made = execute(connection, Statement::new(schema::APPLIED), ANSWER).await;
    let mut begun = answered(ANSWER, connection.begin()).await?;
    let lock = "LOCK TABLE migrations IN SHARE ROW EXCLUSIVE MODE";
    let locked = execute(&mut begun, Statement::new(lock), ANSWER).await;
    locked.map_err(|error| made.err().unwrap_or(error))?;
    // A large table is changed for as long as that takes.
    let unlimited = Statement::new("SET LOCAL statement_timeout = 0");
    execute(&mut begun, unlimited, ANSWER).await?;
    let mut transaction = Transaction::new(Connection::Postgres(&mut begun));
    transaction.patience = Duration::MAX;
    migrate::run(&mut transaction).await?;
    answered(ANSWER, begun.commit()).await
}

async fn write<T, F>(
    connection: &mut PgConnection,
    readers: &PgPool,
    work: F,
) -> Result<T, StoreError>
where
    F: for<'t> FnOnce(&'t mut Transaction<'_>) -> TransactionWork<'t, T> + Send,
{
    let mut begun = answered(ANSWER, connection.begin()).await?;
    let mut transaction = Transaction::new(Connection::Postgres(&mut begun));
    transaction.readers = Some(readers.clone());
    let result = work(&mut transaction).await;
    let value = transaction.verdict(result)?;
    answered(ANSWER, begun.commit()).await?;
    Ok(value)
}

async fn query_timed(
    connection: &mut PgConnection,
    statement: Statement,
    (deadline, most): (Instant, ReadLimit),
) -> Result<Rows, StoreError> {
    let mut begun = answered(ANSWER, connection.begin()).await?;
    let left = limit(&mut begun, deadline).await?;
    let within = left.saturating_add(GRACE);
    let rows = read(&mut begun, statement, (within, most)).await;
    // What is left of such an answer would have to be read first.
    let is_cut = |error: &StoreError| error.kind == StoreErrorKind::TooLarge;
    if !rows.as_ref().is_err_and(is_cut) {
        answered(ANSWER, begun.rollback()).await?;
    }
    rows
}

/// Connections whose sessions have these settings.
fn pool(
    connections: u32,
    options: PgConnectOptions,
    settings: &'static [(&'static str, &'static str)],
) -> PgPool {
    let set = set(settings);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Asked here, with a bound: one that died without a word makes room for another.
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            let answer = tokio::time::timeout(PING, connection.ping());
            Box::pin(async move { Ok(matches!(answer.await, Ok(Ok(())))) })
        })
        .after_connect(move |connection, _| {
            let set = sqlx::raw_sql(AssertSqlSafe(set.clone()));
            Box::pin(async move { set.execute(connection).await.map(drop) })
        })
        .connect_lazy_with(options)
}

/// The commands that make the settings of every connection, and these.
fn set(settings: &[(&str, &str)]) -> String {
    let set = EVERY.iter().chain(settings);
    set.map(|(name, value)| format!("SET {name} = '{value}'; "))
        .collect()
}

/// The commands that make the settings of a session that writes, after all were reset.
pub(super) fn set_writing() -> String {
    set(&WRITERS)
}

/// Connect once. A pool waits for a server that refuses, and then says only that it waited.
async fn reach(options: &PgConnectOptions) -> Result<(PgConnection, SchemaPlace), StoreError> {
    let reaches = async {
        let connected = options.connect().await;
        let mut connection = connected.map_err(|error| opening(options, error))?;
        // A pooler that has no session left takes the connection, and answers nothing.
        pooler::refuse(options, &mut connection).await?;
        let set = sqlx::raw_sql(AssertSqlSafe(set(&[])));
        set.execute(&mut connection).await?;
        let place = suited::place(&mut connection).await;
        let place = place.map_err(|error| unsuited(options, error))?;
        Ok((connection, place))
    };
    let reached = tokio::time::timeout(REACH, reaches).await;
    reached.unwrap_or_else(|_| Err(opening(options, sqlx::Error::PoolTimedOut)))
}

fn unsuited(options: &PgConnectOptions, error: StoreError) -> StoreError {
    let name = options.get_database().unwrap_or_default();
    let (host, port) = (options.get_host(), options.get_port());
    let message = format!(
        "cannot work on the database {name} at {host}:{port}: {}",
        error.message
    );
    StoreError::new(error.kind, message)
}

fn opening(options: &PgConnectOptions, error: sqlx::Error) -> StoreError {
    let error = StoreError::from(error);
    let (host, port) = (options.get_host(), options.get_port());
    StoreError::new(
        if error.kind == StoreErrorKind::Busy {
            StoreErrorKind::Unavailable
        } else {
            error.kind
        },
        format!(
            "cannot open the database at {host}:{port}: {}; check that PostgreSQL runs there and the user may connect",
            error.message
        ),
    )
}

/// Rows of a statement on one connection.
pub(super) async fn query(
    connection: &mut PgConnection,
    statement: Statement,
    within: Duration,
) -> Result<Rows, StoreError> {
    read(connection, statement, (within, ReadLimit::HOST)).await
}

/// The same, up to a limit. A connection whose answer was not read to its end is closed.
pub(super) async fn read(
    connection: &mut PgConnection,
    statement: Statement,
    (within, limit): (Duration, ReadLimit),
) -> Result<Rows, StoreError> {
    let found = bound(statement).fetch(connection);
    answered(within, counted::rows(found, decode, limit)).await
}

pub(super) async fn execute(
    connection: &mut PgConnection,
    statement: Statement,
    within: Duration,
) -> Result<u64, StoreError> {
    let done = answered(within, bound(statement).execute(connection)).await?;
    Ok(done.rows_affected())
}
