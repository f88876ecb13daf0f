//! The database as one plugin sees it: connections of its own on which the database itself
//! enforces the plugin's grants.
//!
//! Every statement is read once and written anew from what was read (`granted/admission.rs`).
//! Below that the database holds the grants itself: on SQLite by an authorizer
//! (`granted/authorizer.rs`), on PostgreSQL by a login role with real grants
//! (`granted/login.rs`). A plugin's deferred writes run in the engine's transaction, under the
//! same grants (`granted/deferred.rs`).

mod about;
mod admission;
mod bounds;
mod catalog;
mod deferred;
mod denial;
mod dry_check;
mod functions;
mod held;
mod login;
mod measured;
mod memory;
mod passage;
mod passage_place;
mod query_limits;
mod role;
mod script;
mod session;
mod spare_sessions;
mod sqlite_guard;
mod stray_passages;
#[cfg(test)]
mod tests;
mod transaction;
mod user;
mod write_pauses;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::about::about;
use self::admission::{AdmittedStatement, Asker};
use self::catalog::Catalog;
pub use self::deferred::{DeferredWriter, carry_out_deferred, execute_deferred, execute_unchecked};
pub use self::dry_check::authorise;
#[doc(hidden)]
pub use self::functions::{FunctionResult, all as functions};
use self::login::PluginLogin;
pub use self::query_limits::QueryLimits;
use self::query_limits::statement_timeout;
pub use self::script::run_script;
pub use self::session::EachRow;
use self::session::{Budgeted, Session};
use self::spare_sessions::Idling;
use self::sqlite_guard::{Authorizer, Mode};
pub(in crate::store) use self::stray_passages::put_right;
pub use self::stray_passages::{StrayPassage, stray_passages};
pub use self::transaction::GrantedTransaction;
pub use self::user::{without_logins, without_passages, without_schema};
pub use self::write_pauses::Idle;
use super::sqlite::{GuestsPermit, kept_waiting};
use super::{Backend, Store, StoreError, StoreErrorKind};
use crate::config::CallLimits;
use crate::grants::Grants;
use crate::value::{Rows, Statement, Value};

/// Connections of one plugin at most.
const CONNECTIONS: u32 = 4;

/// The database of one plugin. Cheap to clone.
#[derive(Clone)]
pub struct GrantedDatabase {
    shared: Arc<SharedGrants>,
}

struct SharedGrants {
    store: Store,
    plugin: Arc<str>,
    grants: Arc<Grants>,
    limits: CallLimits,
    /// How to connect as the plugin, on PostgreSQL.
    login: Option<PluginLogin>,
    /// Its tables as they were when they were last looked at, on PostgreSQL.
    catalog: Mutex<Option<Arc<Catalog>>>,
    idle: Arc<Idling>,
    permits: Arc<Semaphore>,
}

impl Store {
    /// A new place for connections of a plugin. On SQLite they are closed with the store.
    fn idling(&self) -> Arc<Idling> {
        let idling = Arc::<Idling>::default();
        if let Backend::Sqlite(store) = self.backend() {
            let guest: Weak<Idling> = Arc::downgrade(&idling);
            store.add_guest(guest);
        }
        idling
    }

    /// The database as `plugin` may use it. On PostgreSQL this makes the plugin's login role.
    pub async fn granted(
        &self,
        plugin: &str,
        grants: &Grants,
        limits: &CallLimits,
    ) -> Result<GrantedDatabase, StoreError> {
        let connections = CONNECTIONS.min(limits.concurrent_calls.max(1));
        let login = match self.backend() {
            Backend::Sqlite(_) => None,
            Backend::Postgres(store) => {
                Some(login::of_plugin(self, &store.options, plugin, grants, limits).await?)
            }
        };
        let shared = SharedGrants {
            store: self.clone(),
            plugin: plugin.into(),
            grants: Arc::new(grants.clone()),
            limits: *limits,
            login,
            catalog: Mutex::default(),
            idle: self.idling(),
            permits: Arc::new(Semaphore::new(connections as usize)),
        };
        Ok(GrantedDatabase {
            shared: Arc::new(shared),
        })
    }
}

impl GrantedDatabase {
    pub fn dialect(&self) -> super::Dialect {
        self.shared.store.dialect()
    }

    /// Rows of a SELECT.
    pub async fn query(
        &self,
        statement: Statement,
        limits: QueryLimits,
    ) -> Result<Rows, StoreError> {
        let mut rows = Budgeted::new(limits);
        self.each(statement, limits.timeout, &mut |columns, row| {
            rows.add(columns, row)
        })
        .await?;
        Ok(rows.rows())
    }

    /// Rows of a SELECT, given to `row` one by one with the names of the columns.
    pub async fn each(
        &self,
        statement: Statement,
        timeout: Duration,
        row: EachRow<'_>,
    ) -> Result<(), StoreError> {
        let started = Instant::now();
        let checked = self.check(statement, Mode::Read).await?;
        let mut borrowed = self.borrow(timeout).await?;
        let left = timeout.saturating_sub(started.elapsed());
        let session = borrowed.session()?;
        let bounds = (left, self.row_bytes());
        let result = session.each(checked, Mode::Read, bounds, row).await;
        borrowed.end(result).await
    }

    /// Run a statement; gives the rows touched.
    pub async fn execute(
        &self,
        statement: Statement,
        timeout: Duration,
    ) -> Result<u64, StoreError> {
        let started = Instant::now();
        let checked = self.check(statement, Mode::Write).await?;
        let mut borrowed = self.borrow(timeout).await?;
        let permit = self.permit(timeout).await?;
        let _holding = permit.is_some().then(|| Holding(self, Instant::now()));
        let left = self.at_a_time(timeout.saturating_sub(started.elapsed()));
        let result = borrowed.session()?.execute(checked, left).await;
        borrowed.end(result).await
    }

    /// Run a statement once for each set of parameters, in one transaction.
    pub async fn execute_many(
        &self,
        sql: &str,
        params: Vec<Vec<Value>>,
        timeout: Duration,
    ) -> Result<u64, StoreError> {
        let checked = self.check_text(sql, Mode::Write).await?;
        let mut transaction = self.begin(timeout).await?;
        let mut touched = 0;
        for params in params {
            let checked = checked.with(params, self.value_bytes());
            touched += transaction.run(checked, timeout).await?;
        }
        transaction.commit().await?;
        Ok(touched)
    }

    /// Begin a transaction that lasts `longest` at most. Dropped without a commit it rolls
    /// back.
    pub async fn begin(&self, longest: Duration) -> Result<GrantedTransaction, StoreError> {
        self.begin_with(longest, Idle::default()).await
    }

    /// The same for a call that may keep others from writing while it computes for as long as is
    /// left of `idle`.
    pub async fn begin_with(
        &self,
        longest: Duration,
        idle: Idle,
    ) -> Result<GrantedTransaction, StoreError> {
        let longest = longest.min(statement_timeout(&self.shared.limits));
        let held = self.at_a_time(longest);
        let started = Instant::now();
        let mut borrowed = self.borrow(longest).await?;
        let permit = self.permit(longest).await?;
        let begin = if self.shared.login.is_some() {
            "BEGIN"
        } else {
            "BEGIN IMMEDIATE"
        };
        borrowed.session()?.command(begin).await?;
        Ok(GrantedTransaction::start(
            borrowed,
            permit,
            (longest.saturating_sub(started.elapsed()).min(held), idle),
        ))
    }

    /// Whether the grants allow a statement, and it fits the schema; it is not run.
    pub async fn authorise(&self, sql: &str) -> Result<(), StoreError> {
        let checked = self.check_text(sql, Mode::Write).await?;
        let timeout = statement_timeout(&self.shared.limits);
        let mut borrowed = self.borrow(timeout).await?;
        let result = borrowed.session()?.prepare(checked, timeout).await;
        borrowed.end(result).await
    }

    /// What one row may bring, in bytes.
    fn row_bytes(&self) -> u64 {
        self.shared.limits.row_bytes.into()
    }

    /// What one value may have, in bytes.
    fn value_bytes(&self) -> u64 {
        self.shared.limits.value_bytes.into()
    }

    async fn check(
        &self,
        statement: Statement,
        mode: Mode,
    ) -> Result<AdmittedStatement, StoreError> {
        let checked = self.check_text(&statement.sql, mode).await?;
        checked.with(statement.params, self.value_bytes())
    }

    /// What may run of a statement. What names a table that is not there is told as that, as the operator
    /// who asks is told, and not as what a grant would open.
    async fn check_text(&self, sql: &str, mode: Mode) -> Result<AdmittedStatement, StoreError> {
        let error = match self.check_grants(sql, mode).await {
            Err(error) if error.kind == StoreErrorKind::Denied => error,
            checked => return checked,
        };
        let there = self.shared.store.tables().await?;
        let catalog = self.catalog(None).await?;
        let asker = Asker {
            there: Some(&there),
            ..self.asker(catalog.as_deref())
        };
        let again = admission::check_text(asker, sql, mode == Mode::Write);
        Err(again.err().unwrap_or(error))
    }

    /// What the grants let run of it. What is refused may be about a column that is new.
    async fn check_grants(&self, sql: &str, mode: Mode) -> Result<AdmittedStatement, StoreError> {
        let Some(held) = self.catalog(None).await? else {
            return self.check_with(None, sql, mode);
        };
        let error = match self.check_with(Some(&held), sql, mode) {
            Err(error) => error,
            checked => return checked,
        };
        match self.catalog(Some(&held)).await? {
            Some(now) if now != held => self.check_with(Some(&now), sql, mode),
            _ => Err(error),
        }
    }

    fn check_with(
        &self,
        catalog: Option<&Catalog>,
        sql: &str,
        mode: Mode,
    ) -> Result<AdmittedStatement, StoreError> {
        admission::check_text(self.asker(catalog), sql, mode == Mode::Write)
    }

    fn asker<'a>(&'a self, catalog: Option<&'a Catalog>) -> Asker<'a> {
        Asker {
            dialect: self.dialect(),
            plugin: &self.shared.plugin,
            grants: &self.shared.grants,
            catalog,
            most: self.value_bytes(),
            there: None,
        }
    }

    /// The tables as they are on PostgreSQL, read anew if what is held is `outdated`.
    async fn catalog(
        &self,
        outdated: Option<&Arc<Catalog>>,
    ) -> Result<Option<Arc<Catalog>>, StoreError> {
        if self.dialect() == super::Dialect::Sqlite {
            return Ok(None);
        }
        let held = self.held_catalog().clone();
        if let Some(held) = held.filter(|held| outdated.is_none_or(|old| !Arc::ptr_eq(old, held))) {
            return Ok(Some(held));
        }
        let read = Catalog::read(&self.shared.store, &self.shared.grants).await?;
        let read = Arc::new(read);
        *self.held_catalog() = Some(Arc::clone(&read));
        Ok(Some(read))
    }

    fn held_catalog(&self) -> std::sync::MutexGuard<'_, Option<Arc<Catalog>>> {
        let catalog = &self.shared.catalog;
        catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection, one that is idle or a new one.
    async fn borrow(&self, longest: Duration) -> Result<BorrowedSession, StoreError> {
        let permits = Arc::clone(&self.shared.permits);
        let what = "its connections to the database are all in use";
        let permit = acquire(permits, longest, what).await?;
        let idle = self.idle().pop();
        let session = match idle {
            Some(session) => session,
            None => self.connect().await?,
        };
        Ok(BorrowedSession {
            session: Some(session),
            database: self.clone(),
            _permit: permit,
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.shared.idle.sessions()
    }

    async fn connect(&self) -> Result<Session, StoreError> {
        let shared = &self.shared;
        match (shared.store.backend(), &shared.login) {
            (Backend::Sqlite(store), _) => {
                store.in_place().await?;
                // Rows wait in a buffer, uncounted, until they are asked for.
                let options = store.options.clone().create_if_missing(false);
                let mut connection = options.row_buffer_size(1).connect().await?;
                let authorizer = Authorizer::new(&shared.plugin, &shared.grants, &shared.limits);
                authorizer.guard(&mut connection).await?;
                Ok(Session::Sqlite {
                    connection,
                    authorizer,
                })
            }
            (Backend::Postgres(_), Some(login)) => {
                login.connect(&shared.store, &shared.plugin).await
            }
            (Backend::Postgres(_), None) => Err(StoreError::internal("a plugin without its login")),
        }
    }

    /// How long it may write at a time: where only one can write, no longer than others wait.
    fn at_a_time(&self, longest: Duration) -> Duration {
        let held = (self.dialect() == super::Dialect::Sqlite).then_some(write_pauses::HELD);
        held.map_or(longest, |held| longest.min(held))
    }

    /// After a guest kept all others waiting, they go first.
    fn rest(&self, waited: Duration) {
        if let Backend::Sqlite(store) = self.shared.store.backend() {
            store.turns.let_others_write(waited);
        }
    }

    /// The right to write, where only one can write at a time.
    async fn permit(&self, longest: Duration) -> Result<Option<GuestsPermit>, StoreError> {
        match self.shared.store.backend() {
            Backend::Sqlite(store) => {
                let permit = Arc::clone(&store.write_permits);
                let what =
                    "somebody else is writing to the database, perhaps a transaction of its own";
                let began = Instant::now();
                loop {
                    let left = longest.saturating_sub(began.elapsed());
                    let permit = Arc::clone(&permit);
                    let permit = acquire(permit, left, what).await?;
                    let rest = store.turns.rest_of_guests();
                    if rest.is_zero() {
                        return Ok(Some(store.turns.begin(permit)));
                    }
                    drop(permit);
                    tokio::time::sleep(rest).await;
                }
            }
            Backend::Postgres(_) => Ok(None),
        }
    }
}

async fn acquire(
    semaphore: Arc<Semaphore>,
    longest: Duration,
    what: &str,
) -> Result<OwnedSemaphorePermit, StoreError> {
    let busy = || {
        let text = format!("it waited {longest:?} in vain: {what}");
        StoreError::new(StoreErrorKind::Busy, text)
    };
    let acquired = tokio::time::timeout(longest, semaphore.acquire_owned()).await;
    acquired.map_err(|_| busy())?.map_err(|_| busy())
}

/// A statement that keeps others from writing, since then.
struct Holding<'a>(&'a GrantedDatabase, Instant);

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.rest(kept_waiting(self.1.elapsed()));
    }
}

/// A connection in use. Only one that came to its end in good order is used again.
struct BorrowedSession {
    session: Option<Session>,
    database: GrantedDatabase,
    _permit: OwnedSemaphorePermit,
}

impl BorrowedSession {
    fn session(&mut self) -> Result<&mut Session, StoreError> {
        self.session
            .as_mut()
            .ok_or_else(|| StoreError::internal("the connection has gone"))
    }

    /// Give the connection back, clean, unless it failed for a reason that may be its own.
    async fn end<T>(mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        use StoreErrorKind::{Constraint, Denied, Duplicate, Statement, TooLarge};
        let sound = match &result {
            Ok(_) => true,
            Err(error) => matches!(
                error.kind,
                Constraint | Denied | Duplicate | Statement | TooLarge
            ),
        };
        if sound
            && let Some(mut session) = self.session.take()
            && session.clean().await.is_ok()
        {
            self.database.idle().push(session);
        }
        result
    }
}

/// A call that is stopped amid a statement does not leave it at work: on SQLite it may hold the
/// right to write. PostgreSQL ends it with the time that it was given.
impl Drop for BorrowedSession {
    fn drop(&mut self) {
        if let Some(Session::Sqlite { authorizer, .. }) = &self.session {
            authorizer.give_up();
        }
    }
}
