//! A plugin's deferred writes: they run in the engine's transaction, under the plugin's grants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgConnection, PgPool, SqliteConnection};

use super::admission::{self, Asker};
use super::catalog::Catalog;
use super::passage::Passage;
use super::sqlite_guard::{Authorizer, Mode};
use super::{login, memory, session};
use crate::config::CallLimits;
use crate::grants::Grants;
use crate::store::{
    Connection, Dialect, StoreError, StoreErrorKind, Transaction, postgres, sqlite,
};
use crate::value::Statement;

/// The deferred writes of one checkpoint hold up the engine's transaction, so all of them together
/// have to be short.
const LONGEST: Duration = Duration::from_secs(8);
/// What asking may count besides what the server needs: a process that was frozen meanwhile is no slow server.
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// What is later than that was not cancelled, and the server ends it by itself.
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

/// Run the deferred writes of one checkpoint inside `transaction`, under the grants and limits of
/// their `writer`, in `left` of time at most; gives the rows touched. All of them together have one
/// budget, however many there are. The transaction should be rolled back if one fails.
pub async fn carry_out_deferred(
    transaction: &mut Transaction<'_>,
    writer: &DeferredWriter,
    statements: Vec<Statement>,
    left: Duration,
) -> Result<u64, DeferredError> {
    let mut budget = Budget::new(left, &writer.limits);
    let Connection::Sqlite(connection) = &mut transaction.connection else {
        return on_postgres(transaction, writer, statements, &mut budget).await;
    };
    let authorizer = Authorizer::new(&writer.plugin, &writer.grants, &writer.limits);
    authorizer.lend(connection).await?;
    let touched = on_sqlite(connection, writer, statements, (&authorizer, &mut budget)).await;
    Authorizer::take_back(connection).await?;
    touched
}

/// The same for one statement, as the tests of what a statement may do ask for it.
#[doc(hidden)]
pub async fn execute_deferred(
    transaction: &mut Transaction<'_>,
    writer: &DeferredWriter,
    statement: Statement,
    left: Duration,
) -> Result<u64, StoreError> {
    let executed = carry_out_deferred(transaction, writer, vec![statement], left).await;
    executed.map_err(|refused| refused.error)
}

/// The error of a deferred write, and which statement it is about, if it is about one.
#[derive(Debug)]
pub struct DeferredError {
    pub sql: Option<String>,
    pub error: StoreError,
}

impl From<StoreError> for DeferredError {
    fn from(error: StoreError) -> Self {
        Self { sql: None, error }
    }
}

/// The time of all deferred writes of one checkpoint. The statements spend it, and nothing else: what the
/// host waits for before them, and the sleep of a process that was frozen, are no fault of the plugin.
struct Budget {
    whole: Duration,
    left: Duration,
    /// What one statement may take of it.
    of_one: Duration,
}

impl Budget {
    fn new(left: Duration, limits: &CallLimits) -> Self {
        let whole = LONGEST.min(left);
        Self {
            whole,
            left: whole,
            of_one: super::statement_timeout(limits),
        }
    }

    /// What the next statement has of it.
    fn next(&self) -> Result<Duration, StoreError> {
        if self.left.is_zero() {
            return Err(self.over());
        }
        Ok(self.left.min(self.of_one))
    }

    fn spend(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    /// An error of a statement that had `longest`. What was late would take as long again.
    fn told(&self, longest: Duration, error: StoreError) -> StoreError {
        match error.kind {
            StoreErrorKind::Timeout if longest < self.of_one => self.over(),
            StoreErrorKind::Timeout => StoreError {
                kind: StoreErrorKind::Overdue,
                ..session::late(longest)
            },
            _ => error,
        }
    }

    fn over(&self) -> StoreError {
        let text = format!(
            "the deferred writes of one checkpoint took longer than the {:?} they had together; \
             write directly what takes long",
            self.whole
        );
        StoreError::new(StoreErrorKind::Overdue, text)
    }
}

async fn on_sqlite(
    connection: &mut SqliteConnection,
    writer: &DeferredWriter,
    statements: Vec<Statement>,
    (authorizer, budget): (&Authorizer, &mut Budget),
) -> Result<u64, DeferredError> {
    let mut touched = 0;
    for statement in statements {
        let sql = statement.sql.clone();
        let executed = async {
            let statement = admission::check(writer.asks(None), statement, true)?.statement();
            let longest = budget.next()?;
            let started = Instant::now();
            authorizer.arm(Mode::Write, longest);
            // Not persistent: the host's prepared statements and the plugin's never mix.
            let query = sqlite::bound(statement).persistent(false);
            let result = query.execute(&mut *connection).await;
            let denied = authorizer.disarm();
            budget.spend(started.elapsed());
            let touched = result
                .map(|done| done.rows_affected())
                .map_err(StoreError::from);
            let touched = session::explained(touched, denied, longest);
            touched.map_err(|error| budget.told(longest, error))
        };
        touched += about(sql, executed.await)?;
    }
    Ok(touched)
}

/// What is the same for all is asked and set once.
async fn on_postgres(
    transaction: &mut Transaction<'_>,
    writer: &DeferredWriter,
    statements: Vec<Statement>,
    budget: &mut Budget,
) -> Result<u64, DeferredError> {
    let catalog = Catalog::read_in(transaction, &writer.grants).await?;
    let passage = OpenPassage::open(transaction, writer).await?;
    let mut touched = 0;
    for statement in statements {
        let sql = statement.sql.clone();
        let executed = async {
            let sql = admission::check_for_passage(writer.asks(Some(&catalog)), &statement)?;
            let params = admission::texts(statement.params)?;
            let longest = budget.next()?;
            let executed = passage.execute(transaction, (sql, params), longest).await;
            let executed = executed.map_err(|error| budget.told(longest, error))?;
            budget.spend(executed.time);
            Ok(executed.touched)
        };
        touched += about(sql, executed.await)?;
    }
    passage.close(transaction).await?;
    Ok(touched)
}

fn about(sql: String, executed: Result<u64, StoreError>) -> Result<u64, DeferredError> {
    executed.map_err(|error| DeferredError {
        sql: Some(sql),
        error,
    })
}

/// The part of a deferred write that the server holds by itself, whatever `sql` is: for the tests
/// that try it with the check switched off.
#[doc(hidden)]
pub async fn execute_unchecked(
    transaction: &mut Transaction<'_>,
    writer: &DeferredWriter,
    call: (String, Vec<Option<String>>),
    longest: Duration,
) -> Result<u64, StoreError> {
    let passage = OpenPassage::open(transaction, writer).await?;
    let executed = passage.execute(transaction, call, longest).await?;
    passage.close(transaction).await?;
    Ok(executed.touched)
}

/// What became of a statement.
struct Executed {
    touched: u64,
    /// What it took, with the way to the server and back.
    time: Duration,
}

/// The way on which statements run as a plugin, until the commit or its close.
struct OpenPassage<'w> {
    outer: String,
    limits: &'w CallLimits,
}

impl<'w> OpenPassage<'w> {
    async fn open(
        transaction: &mut Transaction<'_>,
        writer: &'w DeferredWriter,
    ) -> Result<Self, StoreError> {
        let login = login::ensure(transaction, &writer.plugin, &writer.grants);
        let login = login.await.map_err(|error| not_theirs(writer, error))?;
        Ok(Self {
            outer: Passage::of(&login).outer(),
            limits: &writer.limits,
        })
    }

    async fn execute(
        &self,
        transaction: &mut Transaction<'_>,
        (sql, params): (String, Vec<Option<String>>),
        longest: Duration,
    ) -> Result<Executed, StoreError> {
        let started = Instant::now();
        let readers = transaction.readers.clone();
        let connection = postgres_of(transaction)?;
        // For each anew: what the one before may have changed holds for it no more.
        let watch = limit(connection, readers, (longest, self.limits)).await?;
        let outer = &self.outer;
        let call = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT touched, (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::int8 \
             FROM (SELECT {outer}($1, $2) AS touched OFFSET 0) AS executed"
        )));
        let call = call.bind(sql).bind(params).persistent(false);
        let within = longest.saturating_add(postgres::GRACE);
        let touched = postgres::answered(within, call.fetch_one(&mut *connection)).await;
        let (touched, time): (i64, i64) = touched.map_err(|error| watch.told(error))?;
        Ok(Executed {
            touched: touched.unsigned_abs(),
            time: started
                .elapsed()
                .min(Duration::from_micros(time.unsigned_abs()) + ROUND_TRIP),
        })
    }

    /// A setting that a statement changed, and a lock that it took, end with it.
    async fn close(self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        let reset = format!(
            "RESET ALL; SELECT pg_advisory_unlock_all(); {}",
            postgres::set_writing()
        );
        let connection = postgres_of(transaction)?;
        let reset = sqlx::raw_sql(AssertSqlSafe(reset)).execute(&mut *connection);
        postgres::answered(postgres::ANSWER, reset).await?;
        Ok(())
    }
}

fn postgres_of<'t>(
    transaction: &'t mut Transaction<'_>,
) -> Result<&'t mut PgConnection, StoreError> {
    match &mut transaction.connection {
        Connection::Postgres(connection) => Ok(&mut **connection),
        Connection::Sqlite(_) => Err(StoreError::internal("a passage is of PostgreSQL")),
    }
}

/// What the host does for a plugin before its statement, and was refused, is no fault of the plugin:
/// it is tried again. That a right is missing is said as it is.
fn not_theirs(writer: &DeferredWriter, error: StoreError) -> StoreError {
    if !error.is_for_good() {
        return error;
    }
    let plugin = &writer.plugin;
    let message = format!(
        "the login role of plugin `{plugin}` is not ready: {}",
        error.message
    );
    StoreError::new(StoreErrorKind::Busy, message)
}

/// The server ends the statement once it waited for one lock for half of its time. At the end of its
/// time it is cancelled, for which a lock that it waits for then is the reason; and if it was not,
/// the server ends it a little later. What else bounds it is set until the transaction ends, or all
/// is reset.
async fn limit(
    connection: &mut PgConnection,
    readers: Option<PgPool>,
    (longest, limits): (Duration, &CallLimits),
) -> Result<Watch, StoreError> {
    // Zero would be no limit.
    let milliseconds = |time: Duration| time.max(Duration::from_millis(1)).as_millis().to_string();
    let timeouts = [
        ("statement_timeout", milliseconds(longest + GRACE)),
        ("lock_timeout", milliseconds(longest / 2)),
    ];
    let settings = timeouts.into_iter().chain(memory::settings(limits));
    let (names, values): (Vec<_>, Vec<_>) = settings.unzip();
    let set = "SELECT pg_backend_pid() FROM (SELECT count(set_config(name, value, true)) \
        FROM unnest($1::text[], $2::text[]) AS setting (name, value) OFFSET 0) AS set";
    let set = sqlx::query_scalar(set).bind(names).bind(values);
    let process: i32 = postgres::answered(postgres::ANSWER, set.fetch_one(connection)).await?;
    let waits = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&waits);
    let task = tokio::spawn(async move {
        tokio::time::sleep(longest).await;
        if let Some(readers) = readers
            && let Err(error) = cancel(&readers, process, &told).await
        {
            tracing::warn!(%error, "a deferred write that is late cannot be cancelled");
        }
    });
    Ok(Watch { task, waits })
}

/// Cancel what `process` does, and remember whether it `waits` for a lock.
async fn cancel(readers: &PgPool, process: i32, waits: &AtomicBool) -> Result<(), sqlx::Error> {
    let blocked = sqlx::query_scalar("SELECT cardinality(pg_blocking_pids($1)) > 0").bind(process);
    waits.store(blocked.fetch_one(readers).await?, Ordering::Release);
    let cancel = sqlx::query("SELECT pg_cancel_backend($1)").bind(process);
    cancel.execute(readers).await.map(drop)
}

/// Cancels what is late, until it is dropped.
struct Watch {
    task: tokio::task::JoinHandle<()>,
    waits: Arc<AtomicBool>,
}

impl Watch {
    /// A lock of another session is no fault of the plugin that waits for it.
    fn told(&self, error: StoreError) -> StoreError {
        if error.kind == StoreErrorKind::Timeout && self.waits.load(Ordering::Acquire) {
            return StoreError::no_lock();
        }
        error
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_is_refused_for_a_plugin_is_no_fault_of_the_plugin() {
        let writer = DeferredWriter::unknown("ghost");
        for (kind, then) in [
            (StoreErrorKind::Statement, StoreErrorKind::Busy),
            (StoreErrorKind::Duplicate, StoreErrorKind::Busy),
            (StoreErrorKind::Denied, StoreErrorKind::Denied),
            (StoreErrorKind::Unavailable, StoreErrorKind::Unavailable),
        ] {
            let error = StoreError::new(kind, "role \"callboard_ghost\" already exists");
            let error = not_theirs(&writer, error);
            assert_eq!(error.kind, then, "{error}");
            assert!(!error.is_for_good(), "{error}");
        }
    }
}
