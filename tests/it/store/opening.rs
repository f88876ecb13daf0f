//! What is opened, what is refused, and what the refusal says.

use std::net::TcpListener;

use callboard_core::schema;
use callboard_core::store::{Dialect, Store, StoreError, StoreErrorKind};

use super::{NONE, execute, numbers};
use crate::support::database::{TestDatabase, on_both, runtime};

async fn refused(url: &str) -> StoreError {
    Store::open(url)
        .await
        .err()
        .unwrap_or_else(|| panic!("{url} opens"))
}

#[test]
fn an_address_that_is_none_is_refused_by_its_kind() {
    runtime().block_on(async {
        for url in [
            "",
            "callboard.db",
            "mysql://a/b",
            "sqlite:",
            "sqlite::memory:",
            "postgres://[",
            "postgres://a:port/b",
            "sqlite:a.db?mode=rwc&vfs=unix",
        ] {
            let error = refused(url).await;
            assert_eq!(error.kind, StoreErrorKind::Address, "{url}: {error}");
        }
    });
}

#[test]
fn a_path_is_taken_literally() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    runtime().block_on(async {
        for name in ["a b%20c&mode=ro#d.db", "ż🎭.db"] {
            let path = folder.path().join(name);
            for prefix in ["sqlite:", "sqlite://"] {
                let store = Store::open(&format!("{prefix}{}", path.display()))
                    .await
                    .expect(name);
                store.close().await;
            }
            assert!(path.is_file(), "{name}");
        }
    });
}

#[test]
fn a_clean_end_leaves_one_sqlite_file_with_everything_in_it() {
    let database = TestDatabase::new(Dialect::Sqlite);
    runtime().block_on(async {
        let store = database.open().await;
        execute(&store, "CREATE TABLE t (n BIGINT)").await;
        assert_eq!(numbers(&store, "SELECT n FROM t").await, NONE);
        store.close().await;
    });
    let path = database.url().strip_prefix("sqlite:").expect("a file");
    for suffix in ["-wal", "-shm"] {
        assert!(
            !std::path::Path::new(&format!("{path}{suffix}")).exists(),
            "{suffix}"
        );
    }
}

#[test]
fn a_missing_folder_is_unavailable_and_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("not/there");
    runtime().block_on(async {
        let error = refused(&format!("sqlite:{}", missing.join("a.db").display())).await;
        assert_eq!(error.kind, StoreErrorKind::Unavailable);
        assert!(
            error.message.contains(&missing.display().to_string()),
            "{error}"
        );
    });
    assert!(!missing.exists(), "and it is not created");
}

#[test]
fn a_folder_in_place_of_the_file_is_unavailable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    runtime().block_on(async {
        let error = refused(&format!("sqlite:{}", folder.path().display())).await;
        assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
        assert!(error.message.contains("is a folder"), "{error}");
    });
}

/// An operator looks at the file with the SQLite of the system, whatever its age: Debian 12 has 3.40.
#[test]
fn the_tables_of_sqlite_need_no_function_that_is_younger_than_theirs() {
    for scripts in schema::scripts() {
        for migration in scripts.migrations {
            let (owner, text) = (scripts.owner, migration.script("sqlite"));
            assert!(!text.contains("octet_length"), "{owner}: since 3.43");
        }
    }
}

#[test]
fn a_file_that_is_no_database_is_corrupt_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("notes.txt");
    let text = "Not a database. ".repeat(100);
    std::fs::write(&path, &text).expect("a file");
    runtime().block_on(async {
        let error = refused(&format!("sqlite:{}", path.display())).await;
        assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
        assert!(error.message.contains("notes.txt"), "{error}");
    });
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), text);
}

#[test]
fn a_postgres_that_is_not_there_is_unavailable_and_says_where_it_was_looked_for() {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|it| it.local_addr())
        .expect("a port")
        .port();
    runtime().block_on(async {
        let error = refused(&format!("postgres://a@127.0.0.1:{port}/b")).await;
        assert_eq!(
            (error.kind, error.is_retryable()),
            (StoreErrorKind::Unavailable, true),
            "{error}"
        );
        assert!(
            error.message.contains(&format!("127.0.0.1:{port}")),
            "{error}"
        );
        assert!(
            error.message.contains("refused"),
            "the cause is told: {error}"
        );
    });
}

#[test]
fn a_postgres_database_or_user_that_is_not_there_is_named() {
    let database = TestDatabase::new(Dialect::Postgres);
    runtime().block_on(async {
        let error = refused(&database.url().replace("/test_", "/missing_")).await;
        assert_eq!(error.kind, StoreErrorKind::Unavailable);
        assert!(error.message.contains("missing_"), "{error}");
        let error = refused(&database.url().replace("postgres@", "nobody_here@")).await;
        assert_eq!(error.kind, StoreErrorKind::Unavailable);
        assert!(error.message.contains("nobody_here"), "{error}");
    });
}

on_both!(
    a_database_is_opened_again_as_it_was,
    async |store: Store, url: String| {
        execute(
            &store,
            "INSERT INTO policy_runs VALUES ('p', 'r', 'done', 1)",
        )
        .await;
        let again = Store::open(&url).await.expect("it opens again");
        assert_eq!(
            numbers(&again, "SELECT finished_at AS n FROM policy_runs").await,
            [1]
        );
        again.close().await;
    }
);

on_both!(
    a_schema_from_the_future_is_refused,
    async |store: Store, url: String| {
        execute(
            &store,
            "INSERT INTO migrations (owner, number, digest) VALUES ('host', 999, 'x')",
        )
        .await;
        let error = refused(&url).await;
        assert_eq!(error.kind, StoreErrorKind::Schema);
        assert!(error.message.contains("schema 999"), "{error}");
    }
);

on_both!(
    a_schema_made_by_another_text_of_a_migration_is_refused,
    async |store: Store, url: String| {
        execute(
            &store,
            "UPDATE migrations SET digest = 'x' WHERE number = 1",
        )
        .await;
        let error = refused(&url).await;
        assert_eq!(error.kind, StoreErrorKind::Schema);
        assert!(error.message.contains("migration 1"), "{error}");
    }
);
