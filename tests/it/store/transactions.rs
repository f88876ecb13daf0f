//! All of a transaction is kept, or nothing.

use callboard_core::store::{Dialect, Store, StoreError, StoreErrorKind};
use callboard_core::value::Rows;

use super::{NONE, execute, insert, kind, numbers, sql, table};
use crate::support::database::{on_both, with_database};

const ALL: &str = "SELECT n FROM t ORDER BY n";

on_both!(
    what_a_transaction_wrote_is_there_when_it_returns,
    async |store: Store, url: String| {
        table(&store).await;
        let written = store.write(|transaction| {
            Box::pin(async move {
                let first = transaction.execute(insert(1)).await?;
                let second = transaction.execute(insert(2)).await?;
                // It reads what it wrote.
                let rows: Rows = transaction
                    .query(sql("SELECT COUNT(*) AS n FROM t"))
                    .await?;
                let seen = rows.first().map(|row| row.integer("n")).transpose()?;
                Ok((first + second, seen))
            })
        });
        assert_eq!(written.await.expect("it commits"), (2, Some(2)));
        let other = Store::open(&url).await.expect("a second process");
        assert_eq!(numbers(&other, ALL).await, [1, 2]);
        other.close().await;
    }
);

on_both!(
    a_job_that_fails_leaves_nothing,
    async |store: Store, _url| {
        table(&store).await;
        let failed: Result<(), StoreError> = store
            .write(|transaction| {
                Box::pin(async move {
                    transaction.execute(insert(1)).await?;
                    Err(StoreError::internal("changed its mind"))
                })
            })
            .await;
        assert_eq!(failed.expect_err("it failed").message, "changed its mind");
        assert_eq!(numbers(&store, ALL).await, NONE);
    }
);

on_both!(
    a_refused_statement_dooms_the_transaction_even_if_the_job_goes_on,
    async |store: Store, _url| {
        table(&store).await;
        let result = store.write(|transaction| {
            Box::pin(async move {
                transaction.execute(insert(1)).await?;
                transaction.execute(insert(1)).await.ok();
                transaction.execute(insert(2)).await.ok();
                Ok("all is well")
            })
        });
        assert_eq!(kind(result.await), StoreErrorKind::Duplicate);
        assert_eq!(numbers(&store, ALL).await, NONE);
    }
);

on_both!(
    a_job_that_fails_harms_none_of_its_neighbours,
    async |store: Store, _url| {
        table(&store).await;
        execute(&store, "INSERT INTO t (n) VALUES (7)").await;
        // Queued together, so on SQLite they share a commit.
        let jobs = (0..20).map(|number| store.execute(insert(number)));
        let results = futures_util::future::join_all(jobs).await;
        for (number, result) in results.into_iter().enumerate() {
            let expected = if number == 7 {
                Err(StoreErrorKind::Duplicate)
            } else {
                Ok(1)
            };
            assert_eq!(result.map_err(|error| error.kind), expected, "{number}");
        }
        assert_eq!(numbers(&store, ALL).await, (0..20).collect::<Vec<_>>());
    }
);

#[test]
fn a_job_that_panics_is_a_failed_job_and_sqlites_writer_goes_on() {
    with_database(Dialect::Sqlite, async |store, _url| {
        table(&store).await;
        let panics = store.write(|transaction| {
            Box::pin(async move {
                transaction.execute(insert(1)).await?;
                assert!(transaction.dialect() == Dialect::Postgres, "a defect");
                Ok(())
            })
        });
        let (panicked, neighbour) = tokio::join!(panics, store.execute(insert(2)));
        assert_eq!(kind(panicked), StoreErrorKind::Internal);
        assert_eq!(neighbour.expect("it did nothing wrong"), 1);
        assert_eq!(numbers(&store, ALL).await, [2]);
    });
}

#[test]
fn a_job_that_ends_the_transaction_of_all_is_told_why_and_its_neighbours_may_try_again() {
    with_database(Dialect::Sqlite, async |store, _url| {
        table(&store).await;
        execute(&store, "INSERT INTO t (n) VALUES (7)").await;
        let rollback = sql("INSERT OR ROLLBACK INTO t (n) VALUES (7)");
        let (before, rogue, after) = tokio::join!(
            store.execute(insert(1)),
            store.execute(rollback),
            store.execute(insert(2)),
        );
        assert_eq!(kind(rogue), StoreErrorKind::Duplicate);
        let mut kept = vec![7];
        for (number, result) in [(1, before), (2, after)] {
            match result {
                Ok(_) => kept.push(number),
                Err(error) => assert!(error.is_retryable(), "{number}: {error}"),
            }
        }
        kept.sort_unstable();
        assert_eq!(
            numbers(&store, ALL).await,
            kept,
            "what was said is what is there"
        );
        execute(&store, "INSERT INTO t (n) VALUES (8)").await;
    });
}

on_both!(a_query_does_not_write, async |store: Store, _url| {
    table(&store).await;
    for write in [
        "INSERT INTO t (n) VALUES (1) RETURNING n",
        "CREATE TABLE other (n BIGINT)",
    ] {
        assert_eq!(
            kind(store.query(sql(write)).await),
            StoreErrorKind::Denied,
            "{write}"
        );
    }
    assert_eq!(numbers(&store, ALL).await, NONE);
});

on_both!(
    the_clock_is_the_databases_and_counts_microseconds,
    async |store: Store, _url| {
        let clock = store.write(|transaction| Box::pin(transaction.clock()));
        let clock = clock.await.expect("a time");
        // After the day this was written, before the year 2200.
        assert!(
            (1_760_000_000_000_000..7_258_118_400_000_000).contains(&clock),
            "{clock}"
        );
    }
);
