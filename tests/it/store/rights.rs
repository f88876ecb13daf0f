//! Rights of the host's own user on its own tables, on PostgreSQL: one that is missing is told by name,
//! with its mend, and is no table that is not there.

use callboard_core::store::rights::lacking;
use callboard_core::store::{Dialect, Store, StoreErrorKind, inspect, poll};
use callboard_core::value::Statement;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::database::{TestDatabase, runtime};

/// A database whose tables are of a user who is no superuser.
pub(crate) struct Owned {
    database: TestDatabase,
    pub(crate) user: String,
    pub(crate) url: String,
}

impl Owned {
    pub(crate) fn new() -> Self {
        let database = TestDatabase::new(Dialect::Postgres);
        let url = url::Url::parse(database.url()).expect("an address");
        let user = format!("{}_owner", url.path().trim_start_matches('/'));
        let owned = Self {
            url: database.url().replace("postgres@", &format!("{user}@")),
            user,
            database,
        };
        let user = &owned.user;
        owned.administer(&format!(
            "DROP ROLE IF EXISTS {user}; CREATE ROLE {user} LOGIN CREATEROLE; \
            GRANT ALL ON SCHEMA public TO {user} WITH GRANT OPTION; \
            DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {user}', current_database()); END$$"
        ));
        owned
    }

    /// Do something as the administrator.
    pub(crate) fn administer(&self, statements: &str) {
        let (url, statements) = (self.database.url().to_owned(), statements.to_owned());
        let work = async move {
            let mut other = PgConnection::connect(&url).await.expect("a session");
            let done = sqlx::raw_sql(AssertSqlSafe(statements.clone()));
            let done = done.execute(&mut other).await;
            done.unwrap_or_else(|error| panic!("{statements}: {error}"));
            other.close().await.expect("it goes");
        };
        // A test's runtime can't wait inside itself.
        let thread = std::thread::spawn(|| runtime().block_on(work));
        thread.join().expect("the thread ends");
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let user = &self.user;
            self.administer(&format!("DROP OWNED BY {user} CASCADE; DROP ROLE {user}"));
        }
    }
}

/// What is wrong, and the mend.
async fn told(owned: &Owned) -> Vec<(String, String)> {
    let lacking = lacking(&owned.url).await.expect("it answers");
    let told = lacking.iter().map(|one| (one.problem(), one.mend()));
    told.collect()
}

#[test]
fn a_right_that_is_missing_is_told_with_its_mend() {
    let owned = Owned::new();
    let user = owned.user.clone();
    runtime().block_on(async {
        let store = Store::open(&owned.url).await.expect("it opens");
        store.probe().await.expect("all is well");
        assert_eq!(told(&owned).await, []);
        owned.administer(&format!(
            "REVOKE INSERT, DELETE ON findings, effects FROM {user}"
        ));
        let grant = format!("GRANT INSERT, DELETE ON effects, findings TO {user}");
        let lacks = told(&owned).await;
        assert_eq!(lacks.len(), 1, "{lacks:?}");
        assert!(lacks[0].0.contains("`effects`, `findings`"), "{lacks:?}");
        assert!(lacks[0].1.contains(&grant), "{lacks:?}");
        let delete = Statement::new("DELETE FROM findings");
        let error = store.execute(delete).await.expect_err("denied");
        assert_eq!(error.kind, StoreErrorKind::Denied);
        assert!(error.message.contains(&grant), "{error}");
        let other = Store::open(&owned.url).await.expect("it opens");
        let error = other.probe().await.expect_err("something can't be written");
        assert!(error.message.contains(&grant), "{error}");
        other.close().await;
        let mended = Statement::new(grant);
        store.execute(mended).await.expect("it is the owner");
        assert_eq!(told(&owned).await, []);
        owned.administer("ALTER TABLE migrations OWNER TO postgres");
        let error = inspect(&owned.url).await.expect_err("denied");
        let alter = format!("ALTER TABLE migrations OWNER TO {user}");
        assert!(error.message.contains(&alter), "{error}");
        let error = Store::open(&owned.url).await.err().expect("denied");
        assert!(error.message.contains(&alter), "{error}");
        store.close().await;
    });
}

#[test]
fn a_table_of_somebody_else_is_there_all_the_same() {
    let owned = Owned::new();
    runtime().block_on(async {
        let store = Store::open(&owned.url).await.expect("it opens");
        let columns = store.columns("items").await.expect("columns");
        owned.administer("ALTER TABLE items OWNER TO postgres");
        let tables = store.tables().await.expect("tables");
        assert!(tables.contains("items"), "{tables:?}");
        assert_eq!(store.columns("items").await.expect("columns"), columns);
        let denied = store.denied_tables().await.expect("rights");
        let problem = denied["items"].problem();
        assert!(problem.contains("belongs to `postgres`"), "{problem}");
        store.close().await;
    });
}

/// As after `pg_restore --no-owner` by a superuser under a worker.
#[test]
fn a_database_that_is_restored_by_somebody_else_is_another_one() {
    let owned = Owned::new();
    let (user, whole) = (owned.user.clone(), owned.database.url().to_owned());
    runtime().block_on(async {
        let store = Store::open(&owned.url).await.expect("it opens");
        poll::ask(&store, "", 1).await.expect("it answers");
        owned.administer(&format!("REVOKE SELECT ON activations FROM {user}"));
        let error = poll::ask(&store, "", 1).await.expect_err("denied");
        assert!(
            error.message.contains("GRANT SELECT ON activations"),
            "{error}"
        );
        store.in_place().await.expect("it is the same");
        owned.administer(&format!(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; \
            GRANT ALL ON SCHEMA public TO {user} WITH GRANT OPTION"
        ));
        let restored = Store::open(&whole).await.expect("it is made anew");
        restored.close().await;
        poll::ask(&store, "", 1).await.expect_err("not its own");
        let error = store.in_place().await.expect_err("another one");
        let said = "another database was restored";
        assert!(error.message.contains(said), "{error}");
        store.close().await;
    });
}
