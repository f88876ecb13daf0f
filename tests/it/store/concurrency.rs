//! Many at once: writers, and processes that start together.

use callboard_core::store::{Dialect, Store, Transaction};
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::{insert, numbers, table};
use crate::support::database::{TestDatabase, on_both, runtime};

on_both!(
    two_hundred_writers_at_once_are_all_kept,
    async |store: Store, url: String| {
        table(&store).await;
        let writers = (0..200).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.execute(insert(number)).await })
        });
        for written in join_all(writers).await {
            assert_eq!(written.expect("no panic").expect("it is written"), 1);
        }
        store.close().await;
        let again = Store::open(&url).await.expect("it opens again");
        assert_eq!(
            numbers(&again, "SELECT n FROM t ORDER BY n").await,
            (0..200).collect::<Vec<_>>()
        );
        again.close().await;
    }
);

on_both!(
    two_processes_write_to_one_database,
    async |store: Store, url: String| {
        table(&store).await;
        let other = Store::open(&url).await.expect("a second process");
        let jobs = (0..100).map(|number| {
            let store = if number % 2 == 0 { &store } else { &other };
            store.execute(insert(number))
        });
        for written in join_all(jobs).await {
            assert_eq!(written.expect("it is written"), 1);
        }
        assert_eq!(numbers(&other, "SELECT COUNT(*) AS n FROM t").await, [100]);
        other.close().await;
    }
);

on_both!(
    opening_does_not_wait_for_who_writes,
    async |store: Store, url: String| {
        table(&store).await;
        let (begun, has_begun) = oneshot::channel();
        let (open, is_open) = oneshot::channel::<()>();
        let writer = store.clone();
        let writing = tokio::spawn(async move {
            let work = async move |transaction: &mut Transaction<'_>| {
                transaction.execute(insert(1)).await?;
                begun.send(()).expect("somebody waits");
                is_open.await.expect("it opens");
                Ok(())
            };
            writer
                .write(|transaction| Box::pin(work(transaction)))
                .await
        });
        has_begun.await.expect("it writes");
        let other = Store::open(&url).await.expect("it opens");
        assert_eq!(numbers(&other, "SELECT COUNT(*) AS n FROM t").await, [0]);
        open.send(()).expect("it still writes");
        writing.await.expect("no panic").expect("it is written");
        assert_eq!(numbers(&other, "SELECT COUNT(*) AS n FROM t").await, [1]);
        other.close().await;
    }
);

/// Open one new database from that many places at once.
fn race(dialect: Dialect, processes: usize) {
    let database = TestDatabase::new(dialect);
    runtime().block_on(async {
        let openings = (0..processes).map(|_| {
            let url = database.url().to_owned();
            tokio::spawn(async move { Store::open(&url).await })
        });
        for opened in join_all(openings).await {
            let store = opened.expect("no panic").expect("everybody opens it");
            let migrations = "SELECT COUNT(*) AS n FROM migrations WHERE owner = 'host'";
            assert_eq!(numbers(&store, migrations).await, [1]);
            store.close().await;
        }
    });
}

#[test]
fn two_processes_migrate_a_new_sqlite_file_together() {
    race(Dialect::Sqlite, 2);
}

#[test]
fn eight_processes_migrate_a_new_sqlite_file_together() {
    race(Dialect::Sqlite, 8);
}

/// Which of the two comes first is chance, so it is tried often.
#[test]
fn two_processes_turn_many_new_sqlite_files_together() {
    for _ in 0..100 {
        race(Dialect::Sqlite, 2);
    }
}

#[test]
fn two_processes_migrate_a_new_postgres_database_together() {
    race(Dialect::Postgres, 2);
}

#[test]
fn eight_processes_migrate_a_new_postgres_database_together() {
    race(Dialect::Postgres, 8);
}
