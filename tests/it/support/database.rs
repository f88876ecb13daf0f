//! An empty database of a test's own, of either kind, removed when the test ends.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callboard_core::store::{Dialect, Store};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::postgres::Postgres;

/// A database that only its test knows.
pub(crate) struct TestDatabase {
    url: String,
    place: Place,
}

enum Place {
    Folder(TempDir),
    Server { name: String },
}

impl TestDatabase {
    pub(crate) fn new(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                Self {
                    url: format!("sqlite:{}", folder.path().join("callboard.db").display()),
                    place: Place::Folder(folder),
                }
            }
            Dialect::Postgres => Self::of(""),
        }
    }

    /// One of PostgreSQL that is made in this way, e.g. in another encoding.
    pub(crate) fn of(way: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        // A killed test of the same number may have left one.
        administer(vec![
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name} {way}"),
        ]);
        Self {
            url: Postgres::shared().url(&name),
            place: Place::Server { name },
        }
    }

    /// The address, as `Store::open` and `CALLBOARD_DATABASE` take it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url).await.expect("a new database opens")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Server { name } = &self.place {
            administer(vec![format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]);
        } else if let Place::Folder(folder) = &self.place {
            std::fs::remove_dir_all(folder.path()).ok();
        }
    }
}

/// What the server of PostgreSQL has logged so far.
pub(crate) fn server_log() -> String {
    Postgres::shared().log()
}

/// Run statements on the server itself. A thread of its own, for a test's runtime can't wait
/// inside itself.
fn administer(statements: Vec<String>) {
    let url = Postgres::shared().url("postgres");
    let work = async move {
        let mut connection = sqlx::PgConnection::connect(&url).await?;
        for statement in statements {
            let statement = sqlx::AssertSqlSafe(statement);
            sqlx::raw_sql(statement).execute(&mut connection).await?;
        }
        connection.close().await
    };
    let thread = std::thread::spawn(|| runtime().block_on(work));
    let result = thread.join().expect("the thread ends");
    if !std::thread::panicking() {
        result.expect("the server does as it is told");
    }
}

/// Whether no process is in the middle of writing to a SQLite file; PostgreSQL ends a transaction
/// that fell silent by itself.
pub(crate) fn nobody_writes(url: &str) -> bool {
    let Some(path) = url.strip_prefix("sqlite:") else {
        return true;
    };
    let options = SqliteConnectOptions::new().filename(path);
    runtime().block_on(async {
        let options = options.busy_timeout(Duration::ZERO);
        let connected = sqlx::SqliteConnection::connect_with(&options).await;
        let mut connection = connected.expect("the file is there");
        let begun = sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await;
        connection.close().await.expect("it can be closed");
        begun.is_ok()
    })
}

/// A runtime as the program has it.
pub(crate) fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder.build().expect("a runtime")
}

/// The body of one half of [`on_both!`].
pub(crate) fn with_database<F>(dialect: Dialect, body: F)
where
    F: AsyncFnOnce(Store, String),
{
    let database = TestDatabase::new(dialect);
    runtime().block_on(async {
        let store = database.open().await;
        body(store.clone(), database.url().to_owned()).await;
        store.close().await;
    });
}

/// One test that holds on both databases: `name::sqlite` and `name::postgres`. The body gets an
/// open store and the address of its database.
///
/// ```ignore
/// on_both!(a_row_is_found, async |store: Store, _url: String| { … });
/// ```
macro_rules! on_both {
    ($name:ident, $body:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                let dialect = callboard_core::store::Dialect::Sqlite;
                $crate::support::database::with_database(dialect, $body);
            }

            #[test]
            fn postgres() {
                let dialect = callboard_core::store::Dialect::Postgres;
                $crate::support::database::with_database(dialect, $body);
            }
        }
    };
}

pub(crate) use on_both;
