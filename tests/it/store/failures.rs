//! Each way to fail has a kind of its own.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};

use callboard_core::store::{Dialect, Store, StoreErrorKind};
use sqlx::Connection as _;

use super::{NONE, execute, insert, kind, numbers, sql, table};
use crate::support::database::{on_both, runtime, with_database};

on_both!(
    a_constraint_of_the_schema_is_told_from_a_wrong_statement,
    async |store: Store, _url| {
        table(&store).await;
        execute(&store, "INSERT INTO t (n) VALUES (1)").await;
        let statements = [
            ("INSERT INTO t (n) VALUES (1)", StoreErrorKind::Duplicate),
            (
                "INSERT INTO posts (id) VALUES ('a')",
                StoreErrorKind::Constraint,
            ),
            (
                "INSERT INTO drafts (id, task, number, origin, editor, run, title, excerpt, markdown, \
                    written_by, details, report, conflicts, created_at) \
                    VALUES ('a', 'no task', 1, 'pipeline', '', '', '', '', '', '', '{}', '{}', 0, 0)",
                StoreErrorKind::Constraint,
            ),
            (
                "INSERT INTO diary_days VALUES ('a', 'odd', 'r', 0)",
                StoreErrorKind::Constraint,
            ),
            (
                "INSERT INTO nowhere (n) VALUES (1)",
                StoreErrorKind::Statement,
            ),
            ("INSERT INTO t (m) VALUES (1)", StoreErrorKind::Statement),
            ("INSERTT", StoreErrorKind::Statement),
        ];
        for (statement, expected) in statements {
            let error = store.execute(sql(statement)).await.expect_err(statement);
            assert_eq!(error.kind, expected, "{statement}: {error}");
            assert!(!error.is_retryable(), "{statement}");
        }
    }
);

on_both!(a_closed_store_is_unavailable, async |store: Store, _url| {
    store.close().await;
    assert_eq!(
        kind(store.query(sql("SELECT 1 AS n")).await),
        StoreErrorKind::Unavailable
    );
    assert_eq!(
        kind(store.execute(sql("SELECT 1")).await),
        StoreErrorKind::Unavailable
    );
    // Once more is fine.
    store.close().await;
});

/// Another process that is in the middle of writing to a SQLite file.
async fn holder(url: &str) -> sqlx::SqliteConnection {
    let mut other = sqlx::SqliteConnection::connect(url)
        .await
        .expect("another process");
    sqlx::raw_sql("PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .expect("it holds the file");
    other
}

#[test]
fn a_file_that_another_process_holds_is_busy_for_the_writer_only() {
    with_database(Dialect::Sqlite, async |store, url| {
        table(&store).await;
        let other = holder(&url).await;
        // It waits as long as any writer waits for another process, and no longer.
        let written = store.execute(insert(1)).await.expect_err("it is held");
        assert_eq!(written.kind, StoreErrorKind::Busy, "{written}");
        assert!(written.is_retryable());
        // Readers don't mind, a process that opens it now neither, and the writer goes on when the
        // other has gone.
        assert_eq!(numbers(&store, "SELECT n FROM t").await, NONE);
        let opened = Store::open(&url).await.expect("it opens");
        assert_eq!(numbers(&opened, "SELECT n FROM t").await, NONE);
        opened.close().await;
        other.close().await.expect("it goes");
        assert_eq!(store.execute(insert(2)).await.expect("it is free"), 1);
    });
}

#[test]
fn a_new_file_that_another_process_holds_is_busy_at_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("new.db").display());
    runtime().block_on(async {
        let other = holder(&format!("{url}?mode=rwc")).await;
        let opened = Store::open(&url).await.err().expect("it is held");
        assert_eq!(opened.kind, StoreErrorKind::Busy, "{opened}");
        assert!(
            opened
                .message
                .contains("another process holds a lock on the database"),
            "{opened}"
        );
        other.close().await.expect("it goes");
        let opened = Store::open(&url).await.expect("it is free");
        opened.close().await;
    });
}

#[test]
fn a_locked_table_of_postgres_is_busy_and_an_endless_statement_times_out() {
    with_database(Dialect::Postgres, async |store, url| {
        table(&store).await;
        let mut other = sqlx::PgConnection::connect(&url)
            .await
            .expect("another process");
        sqlx::raw_sql("BEGIN; LOCK TABLE t")
            .execute(&mut other)
            .await
            .expect("it holds the table");
        let lock = store
            .execute(sql("LOCK TABLE t NOWAIT"))
            .await
            .expect_err("it is held");
        assert_eq!(
            (lock.kind, lock.is_retryable()),
            (StoreErrorKind::Busy, true),
            "{lock}"
        );
        other.close().await.expect("it goes");
        let endless = store.write(|transaction| {
            Box::pin(async move {
                transaction
                    .execute(sql("SET LOCAL statement_timeout = '10ms'"))
                    .await?;
                transaction.execute(sql("SELECT pg_sleep(600)")).await
            })
        });
        let endless = endless.await.expect_err("it never ends");
        assert_eq!(
            (endless.kind, endless.is_retryable()),
            (StoreErrorKind::Timeout, true),
            "{endless}"
        );
        execute(&store, "INSERT INTO t (n) VALUES (1)").await;
    });
}

#[test]
fn a_postgres_that_dropped_its_connections_is_connected_to_again() {
    with_database(Dialect::Postgres, async |store, url| {
        table(&store).await;
        assert_eq!(numbers(&store, "SELECT n FROM t").await, NONE);
        let mut other = sqlx::PgConnection::connect(&url)
            .await
            .expect("an operator");
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::raw_sql(end)
            .execute(&mut other)
            .await
            .expect("all are ended");
        other.close().await.expect("it goes");
        execute(&store, "INSERT INTO t (n) VALUES (1)").await;
        assert_eq!(numbers(&store, "SELECT n FROM t").await, [1]);
    });
}

#[test]
fn a_grant_that_is_missing_in_postgres_is_denied() {
    with_database(Dialect::Postgres, async |store, _url| {
        let denied = store.write(|transaction| {
            Box::pin(async move {
                transaction
                    .execute(sql("SET LOCAL ROLE pg_monitor"))
                    .await?;
                transaction.execute(sql("DELETE FROM posts")).await
            })
        });
        assert_eq!(kind(denied.await), StoreErrorKind::Denied);
    });
}

#[test]
fn damage_to_a_sqlite_file_is_found_and_told_from_everything_else() {
    with_database(Dialect::Sqlite, async |store, url| {
        execute(&store, "CREATE TABLE big (v TEXT)").await;
        let rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 8000) \
            INSERT INTO big SELECT printf('%0200d', n) FROM c";
        execute(&store, rows).await;
        store.close().await;
        let path = url.strip_prefix("sqlite:").expect("a file");
        let mut file = OpenOptions::new()
            .write(true)
            .open(path)
            .expect("it is there");
        let length = file.metadata().expect("it is there").len();
        // The schema stays whole, so the damage is met by a query only.
        let start = length / 2;
        file.seek(SeekFrom::Start(start)).expect("inside");
        let noise = vec![0xA5; usize::try_from(length - start).expect("it is small")];
        file.write_all(&noise).expect("it is damaged");
        drop(file);
        let store = Store::open(&url).await.expect("its first pages are whole");
        let error = store
            .query(sql("SELECT COUNT(v) AS n FROM big"))
            .await
            .expect_err("damage");
        assert_eq!(
            (error.kind, error.is_retryable()),
            (StoreErrorKind::Corrupt, false),
            "{error}"
        );
        store.close().await;
    });
}
