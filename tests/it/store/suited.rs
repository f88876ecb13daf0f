//! A database of PostgreSQL as others have set it up: what the host depends on it sets itself in each
//! session, and what it cannot set it refuses by name, with the mend.

use callboard_core::store::{Dialect, Store, StoreErrorKind, inspect};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{execute, insert, numbers, table};
use crate::support::database::{TestDatabase, runtime};

/// Do something to a database as its administrator.
async fn administer(database: &TestDatabase, statements: &[String]) {
    let mut other = PgConnection::connect(database.url())
        .await
        .expect("a session");
    for statement in statements {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.clone()))
            .execute(&mut other)
            .await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    other.close().await.expect("it goes");
}

/// The name of the database at an address.
fn name(database: &TestDatabase) -> String {
    let url = url::Url::parse(database.url()).expect("an address");
    url.path().trim_start_matches('/').to_owned()
}

#[test]
fn what_a_database_sets_for_its_sessions_is_not_what_the_host_depends_on() {
    let database = TestDatabase::new(Dialect::Postgres);
    let name = name(&database);
    runtime().block_on(async {
        let settings = [
            "default_transaction_isolation = 'serializable'",
            "standard_conforming_strings = off",
        ];
        let set = settings.map(|it| format!("ALTER DATABASE {name} SET {it}"));
        administer(&database, &set).await;
        let store = database.open().await;
        let asked = "SELECT current_setting('transaction_isolation') || ' ' || \
            current_setting('standard_conforming_strings') AS said";
        let expected = "read committed on";
        let rows = store.query(super::sql(asked)).await.expect("it answers");
        assert_eq!(
            rows.first().expect("a row").text("said").expect("a text"),
            expected
        );
        let written = store.write(move |transaction| {
            Box::pin(async move {
                let rows = transaction.query(super::sql(asked)).await?;
                Ok(rows.first().expect("a row").text("said")?)
            })
        });
        assert_eq!(written.await.expect("it answers"), expected);
        // Both change the same row, and the later one sees what the other has done.
        table(&store).await;
        store.execute(insert(0)).await.expect("a row");
        let count = || execute(&store, "UPDATE t SET n = n + 1");
        futures_util::future::join_all((0..50).map(|_| count())).await;
        assert_eq!(numbers(&store, "SELECT n FROM t").await, [50]);
        store.close().await;
    });
}

#[test]
fn a_database_that_cannot_keep_every_text_is_refused_by_name() {
    let database =
        TestDatabase::of("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    runtime().block_on(async {
        let error = Store::open(database.url())
            .await
            .err()
            .expect("it is refused");
        assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
        for said in ["LATIN1", "createdb -E UTF8", &name(&database)] {
            assert!(error.message.contains(said), "{said}: {error}");
        }
        let error = inspect(database.url()).await.expect_err("it is refused");
        assert!(error.message.contains("LATIN1"), "{error}");
    });
}

#[test]
fn whoever_may_make_no_tables_is_told_what_to_grant() {
    let database = TestDatabase::new(Dialect::Postgres);
    let (name, user) = (name(&database), format!("{}_guest", name(&database)));
    let theirs = database.url().replace("postgres@", &format!("{user}@"));
    runtime().block_on(async {
        let role = [
            format!("DROP ROLE IF EXISTS {user}"),
            format!("CREATE ROLE {user} LOGIN CREATEROLE"),
        ];
        administer(&database, &role).await;
        let refused = async |said: &str| {
            let opened = Store::open(&theirs).await.err().expect("it is refused");
            let looked = inspect(&theirs).await.expect_err("it is refused");
            for error in [opened, looked] {
                assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
                assert!(error.message.contains(said), "{said}: {error}");
            }
        };
        refused(&format!("GRANT USAGE, CREATE ON SCHEMA public TO {user}")).await;
        administer(
            &database,
            &[format!("GRANT USAGE, CREATE ON SCHEMA public TO {user}")],
        )
        .await;
        let store = Store::open(&theirs).await.expect("it opens");
        store.close().await;
        inspect(&theirs).await.expect("it is as it should be");
        let taken = [
            format!("REVOKE ALL ON SCHEMA public FROM {user}"),
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC".to_owned(),
        ];
        administer(&database, &taken).await;
        refused("names no schema that is there").await;
        let nowhere = [
            "GRANT USAGE ON SCHEMA public TO PUBLIC".to_owned(),
            format!("ALTER DATABASE {name} SET search_path = nowhere"),
        ];
        administer(&database, &nowhere).await;
        refused("its `search_path` is `nowhere`").await;
        let gone = format!("DROP OWNED BY {user}; DROP ROLE {user}");
        administer(&database, &[gone]).await;
    });
}

#[test]
fn a_server_that_counts_no_rows_is_refused_by_name() {
    let database = TestDatabase::new(Dialect::Postgres);
    let name = name(&database);
    runtime().block_on(async {
        let off = format!("ALTER DATABASE {name} SET track_counts = off");
        administer(&database, &[off]).await;
        let error = Store::open(database.url())
            .await
            .err()
            .expect("it is refused");
        assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
        let mend = format!("ALTER DATABASE {name} RESET track_counts");
        assert!(error.message.contains(&mend), "{error}");
        administer(&database, &[mend]).await;
        let store = Store::open(database.url()).await.expect("it opens");
        store.close().await;
    });
}
