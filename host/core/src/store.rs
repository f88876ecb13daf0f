//! Persistence: the only module that names sqlx.
//!
//! One set of statements serves SQLite and PostgreSQL: values are [`Value`](crate::value::Value),
//! parameters are `$1`, `$2` …, times are microseconds. What differs between the two is in
//! `sqlite.rs`, `postgres.rs` and the migrations. SQLite has one writer task with group
//! commit and a pool of readers; PostgreSQL has a pool.

mod backup;
pub mod batch;
mod blobs;
mod borrowed;
pub mod checkpoints;
pub mod claims;
mod columns;
mod condition;
mod counted;
pub mod decisions;
pub mod effects;
mod ends;
mod error;
pub mod exclusive;
pub mod findings;
pub mod gates;
pub mod granted;
pub mod health;
pub mod history;
pub mod holders;
pub mod leases;
mod locks;
mod migrate;
pub mod model_calls;
pub mod named;
mod open_tables;
mod poisoned;
pub mod policy_runs;
pub mod poll;
mod postgres;
mod probe;
pub mod prunable;
pub mod revisions;
pub mod rights;
pub mod runs;
pub mod schedules;
pub mod setting_changes;
pub mod settings;
pub mod settings_snapshots;
mod sqlite;
pub mod stage_runs;
pub mod steering;
pub mod storable;
pub mod tenants;
mod timed;
pub mod times;
pub mod unreadable;
mod wake;
pub mod workers;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

pub use self::columns::ColumnFacts;
use self::condition::DatabaseCondition;
pub use self::counted::ReadLimit;
pub use self::error::{StoreError, StoreErrorKind};
use self::postgres::PostgresStore;
use self::probe::WriteProbe;
use self::sqlite::SqliteStore;
use self::wake::Wake;
pub use self::wake::Woken;
use crate::value::{Query, Rows, Statement};

/// The kind of database behind a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        })
    }
}

/// An open database with the current schema. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<Backend>,
    wake: Arc<Wake>,
    logins: Arc<OnceLock<[u8; 32]>>,
    probe: Arc<WriteProbe>,
    condition: Arc<DatabaseCondition>,
}

pub(crate) enum Backend {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// A transaction that is under way. It commits when the job that got it returns `Ok`.
///
/// A statement that failed dooms the whole transaction, on both databases, even if the job
/// goes on and returns `Ok`: what the job was refused is what its caller is told.
pub struct Transaction<'c> {
    connection: Connection<'c>,
    /// Through which a statement that runs too long is cancelled, on PostgreSQL.
    readers: Option<sqlx::PgPool>,
    /// How long an answer of PostgreSQL is waited for.
    patience: Duration,
    refused: Option<StoreError>,
}

enum Connection<'c> {
    Sqlite(&'c mut sqlx::SqliteConnection),
    Postgres(&'c mut sqlx::PgConnection),
}

/// What the store is asked for, boxed: what is below is compiled with the store, once. The body of an
/// `async fn` is compiled anew, in the release profile, in each crate that awaits it.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Work inside one transaction.
pub type TransactionWork<'t, T> = BoxFuture<'t, Result<T, StoreError>>;

impl Store {
    /// Open `sqlite:PATH` or `postgres://…` and bring the schema up to date, under a lock,
    /// so that processes that start together do not race. What has a plugin's rights on PostgreSQL and
    /// is not as it was made, as after a dump was restored, is removed before anything else.
    pub fn open(url: &str) -> StoreFuture<'_, Self> {
        Box::pin(async move {
            let store = Self::opened(url).await?;
            granted::put_right(&store).await?;
            Ok(store)
        })
    }

    async fn opened(url: &str) -> Result<Self, StoreError> {
        let backend = match kind(url)? {
            DatabaseAddress::Sqlite(path) => Backend::Sqlite(SqliteStore::open(path).await?),
            DatabaseAddress::Postgres => match PostgresStore::open(url).await {
                Ok(store) => Backend::Postgres(store),
                Err(error) => return Err(rights::explained_at(url, error).await),
            },
        };
        Ok(Self::on(backend))
    }

    /// Open a database as it is: nothing is made, and none is brought up to date. On SQLite, one
    /// that is not there is as an empty one, which ends with this.
    pub async fn open_as_it_is(url: &str) -> Result<Self, StoreError> {
        if let DatabaseAddress::Sqlite(path) = kind(url)?
            && sqlite::is_absent(path)?
        {
            return Ok(Self::on(Backend::Sqlite(
                SqliteStore::open_nowhere().await?,
            )));
        }
        inspect(url).await?;
        Self::opened(url).await
    }

    /// Whether it is an empty one in place of a database that is not there.
    pub fn is_nowhere(&self) -> bool {
        matches!(&*self.backend, Backend::Sqlite(sqlite) if sqlite.is_nowhere())
    }

    fn on(backend: Backend) -> Self {
        Self {
            backend: Arc::new(backend),
            wake: Arc::default(),
            logins: Arc::default(),
            probe: Arc::default(),
            condition: Arc::default(),
        }
    }

    /// The files in which it is kept, on SQLite, whether they are there or not.
    pub fn files(&self) -> Vec<PathBuf> {
        match &*self.backend {
            Backend::Sqlite(store) => sqlite::files(store.options.get_filename()),
            Backend::Postgres(_) => Vec::new(),
        }
    }

    /// Derive the passwords of plugins' login roles from `secret`, so that every process that
    /// has it has the same. Without one each process makes its own, and gives the roles new
    /// passwords when another has.
    pub fn derive_logins(&self, secret: [u8; 32]) {
        // The first one holds for the life of the process: logins may have been made by it.
        let _first = self.logins.set(secret);
    }

    fn login_password(&self, role: &str) -> Result<[u8; 32], StoreError> {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| StoreError::internal(error.to_string()))?;
        let secret = self.logins.get_or_init(|| fresh);
        Ok(Sha256::digest([secret.as_slice(), role.as_bytes()].concat()).into())
    }

    pub fn dialect(&self) -> Dialect {
        match &*self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Rows of a SELECT, outside any transaction.
    pub fn query(&self, statement: impl Into<Statement>) -> StoreFuture<'_, Rows> {
        self.query_within(statement, ReadLimit::HOST)
    }

    /// The same, up to a limit of its own. More than that is
    /// [`TooLarge`](StoreErrorKind::TooLarge), as soon as so much was read.
    pub fn query_within(
        &self,
        statement: impl Into<Statement>,
        limit: ReadLimit,
    ) -> StoreFuture<'_, Rows> {
        let statement = statement.into();
        Box::pin(async move {
            storable::statement(&statement)?;
            let answer = match &*self.backend {
                Backend::Sqlite(store) => store.query(statement, limit).await,
                Backend::Postgres(store) => store.query(statement, limit).await,
            };
            self.noted(answer).await
        })
    }

    /// What a query gives, outside any transaction.
    pub async fn read<T>(&self, query: Query<T>) -> Result<Vec<T>, StoreError>
    where
        T: DeserializeOwned,
    {
        Ok(self.query(query).await?.taken().collect::<Result<_, _>>()?)
    }

    /// The first row of a query that always gives one.
    pub async fn read_one<T: DeserializeOwned>(&self, query: Query<T>) -> Result<T, StoreError> {
        let first = self.read_first(query).await?;
        first.ok_or_else(|| StoreError::internal("a query gave no row"))
    }

    /// The first row that a query gives, if it gives one.
    pub async fn read_first<T>(&self, query: Query<T>) -> Result<Option<T>, StoreError>
    where
        T: DeserializeOwned,
    {
        Ok(self.query(query).await?.read_first()?)
    }

    /// Run `work` in one transaction: all of it is committed, durably, or nothing. On SQLite
    /// several jobs may share a commit; one that fails does not harm the others.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Transaction<'_>) -> TransactionWork<'t, T> + Send + 'static,
    {
        self.write_for(None, work).await
    }

    /// The same for deferred writes of a `plugin`. On SQLite, where no other transaction can write meanwhile,
    /// they share no commit; others go first after them, and what took long of the plugin's has its
    /// next no sooner than as long after it.
    pub(crate) async fn write_for<T, F>(
        &self,
        plugin: Option<&str>,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Transaction<'_>) -> TransactionWork<'t, T> + Send + 'static,
    {
        let answer = match &*self.backend {
            Backend::Sqlite(store) => store.write(plugin, work).await,
            Backend::Postgres(store) => store.write(work).await,
        };
        self.noted(answer).await
    }

    /// Run one statement in a transaction of its own; gives the rows touched.
    pub fn execute(&self, statement: Statement) -> StoreFuture<'_, u64> {
        Box::pin(self.write(move |transaction| transaction.execute(statement)))
    }

    /// Tell workers, of other processes too, that there may be something to do.
    pub async fn wake(&self) {
        self.wake.wake();
        if let Backend::Postgres(store) = &*self.backend
            && let Err(error) = store.notify(wake::NOTIFY).await
        {
            tracing::debug!(%error, "other processes hear of it a second later");
        }
    }

    /// Hear when there may be something to do.
    pub fn woken(&self) -> Woken {
        if let Backend::Postgres(store) = &*self.backend {
            self.wake.listen(&store.options);
        }
        self.wake.woken()
    }

    /// Whether `sql` prepares against the live schema.
    pub fn prepare<'a>(&'a self, sql: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            match &*self.backend {
                Backend::Sqlite(store) => store.prepare(sql).await,
                Backend::Postgres(store) => store.prepare(sql).await,
            }
        })
    }

    /// Wait for what is under way and close every connection.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        match &*self.backend {
            Backend::Sqlite(store) => Box::pin(store.close()),
            Backend::Postgres(store) => Box::pin(store.close()),
        }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }
}

impl<'c> Transaction<'c> {
    fn new(connection: Connection<'c>) -> Self {
        Self {
            connection,
            readers: None,
            patience: postgres::ANSWER,
            refused: None,
        }
    }

    /// Rows of a statement that gives rows.
    pub fn query(&mut self, statement: impl Into<Statement>) -> StoreFuture<'_, Rows> {
        self.query_within(statement, ReadLimit::HOST)
    }

    /// The same, up to a limit of its own.
    fn query_within(
        &mut self,
        statement: impl Into<Statement>,
        limit: ReadLimit,
    ) -> StoreFuture<'_, Rows> {
        let statement = statement.into();
        Box::pin(async move {
            let result = match (storable::statement(&statement), &mut self.connection) {
                (Err(error), _) => Err(error),
                (_, Connection::Sqlite(connection)) => {
                    sqlite::query(connection, statement, limit).await
                }
                (_, Connection::Postgres(connection)) => {
                    postgres::read(connection, statement, (self.patience, limit)).await
                }
            };
            self.doomed_by(result)
        })
    }

    /// What a query gives.
    pub async fn read<T>(&mut self, query: Query<T>) -> Result<Vec<T>, StoreError>
    where
        T: DeserializeOwned,
    {
        Ok(self.query(query).await?.taken().collect::<Result<_, _>>()?)
    }

    /// The first row of a query that always gives one.
    pub async fn read_one<T: DeserializeOwned>(
        &mut self,
        query: Query<T>,
    ) -> Result<T, StoreError> {
        let first = self.read_first(query).await?;
        first.ok_or_else(|| StoreError::internal("a query gave no row"))
    }

    /// The first row that a query gives, if it gives one.
    pub async fn read_first<T>(&mut self, query: Query<T>) -> Result<Option<T>, StoreError>
    where
        T: DeserializeOwned,
    {
        Ok(self.query(query).await?.read_first()?)
    }

    /// Run a statement; gives the rows touched.
    pub fn execute(&mut self, statement: Statement) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let result = match (storable::statement(&statement), &mut self.connection) {
                (Err(error), _) => Err(error),
                (_, Connection::Sqlite(connection)) => sqlite::execute(connection, statement).await,
                (_, Connection::Postgres(connection)) => {
                    postgres::execute(connection, statement, self.patience).await
                }
            };
            self.doomed_by(result)
        })
    }

    /// Remember the first refusal. PostgreSQL rolls such a transaction back when it is told to
    /// commit, and says nothing; SQLite would commit the rest.
    fn doomed_by<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Err(error), None) = (&result, &self.refused) {
            self.refused = Some(error.clone());
        }
        result
    }

    /// What comes of the transaction of a job that returned `result`.
    fn verdict<T>(self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match self.refused {
            Some(refused) => result.and(Err(refused)),
            None => result,
        }
    }

    pub fn dialect(&self) -> Dialect {
        match &self.connection {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The clock of the database, in microseconds: the only clock that leases are kept by.
    pub async fn clock(&mut self) -> Result<i64, StoreError> {
        let sql = format!("SELECT {} AS now", batch::now(self.dialect()));
        self.read_one(Query::new(sql)).await
    }
}

enum DatabaseAddress<'u> {
    /// The path of the file.
    Sqlite(&'u str),
    Postgres,
}

fn kind(url: &str) -> Result<DatabaseAddress<'_>, StoreError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(DatabaseAddress::Sqlite(path));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(DatabaseAddress::Postgres);
    }
    let message = format!(
        "`{url}` is no database address; write `sqlite:PATH` or `postgres://USER@HOST/NAME`"
    );
    Err(StoreError::new(StoreErrorKind::Address, message))
}

/// The files in which a database is kept, on SQLite, whether they are there or not.
pub fn files(url: &str) -> Vec<PathBuf> {
    match kind(url) {
        Ok(DatabaseAddress::Sqlite(path)) => sqlite::files(Path::new(path)),
        _ => Vec::new(),
    }
}

/// Whether the database answers and has the schema of this program; changes nothing.
pub fn inspect(url: &str) -> StoreFuture<'_, ()> {
    Box::pin(async move {
        match kind(url)? {
            DatabaseAddress::Sqlite(path) => sqlite::inspect(path).await,
            DatabaseAddress::Postgres => match postgres::inspect(url).await {
                Err(error) => Err(rights::explained_at(url, error).await),
                inspected => inspected,
            },
        }
    })
}

/// A time that does not come, 9999-01-01, in microseconds.
pub const NEVER: i64 = 253_370_764_800_000_000;

/// A time as it stands in the database.
pub fn microseconds(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A time from the database; the epoch if the number is out of range.
pub fn timestamp(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
