//! Keys whose rates are spent: a claim puts their runs off, and those after it do not look at them.

use std::time::{Duration, Instant};

use callboard_core::store::runs::{Run, RunLimits};
use callboard_core::store::{Dialect, Store, claims, history};

use super::runs::{by_id, claimant, queue, run};
use super::{execute, numbers};
use crate::support::database::{on_both, with_database};

const KEYS: i64 = 600;
/// A day.
const WINDOW: i64 = 86_400_000_000;

fn rated(id: &str, key: i64) -> Run {
    Run {
        limits: RunLimits {
            key: Some(format!("key-{key}")),
            at_once: None,
            rate: Some(1),
            rate_window: Some(Duration::from_micros(WINDOW.unsigned_abs())),
        },
        ..run(id)
    }
}

/// The database's clock.
fn now(store: &Store) -> &'static str {
    match store.dialect() {
        Dialect::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        Dialect::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
    }
}

/// A spent key each, and a run that would be next.
async fn spent(store: &Store) {
    let first: Vec<Run> = (0..KEYS)
        .map(|key| rated(&format!("a{key:03}"), key))
        .collect();
    queue(store, &first).await;
    let now = now(store);
    let begun = format!("UPDATE open_runs SET status = 'gated', started_at = {now}");
    execute(store, &begun).await;
    let next: Vec<Run> = (0..KEYS)
        .map(|key| rated(&format!("b{key:03}"), key))
        .collect();
    queue(store, &next).await;
}

async fn take(store: &Store, slots: usize) -> Vec<String> {
    let taken = claims::take(store, &claimant(), slots).await;
    let taken = taken.expect("the store answers").into_iter();
    taken.map(|claim| claim.run.id).collect()
}

on_both!(
    runs_of_spent_keys_are_put_off_until_there_is_room_and_hide_nobody,
    async |store: Store, _url| {
        spent(&store).await;
        queue(&store, &[run("free"), rated("fresh", KEYS)]).await;
        assert_eq!(take(&store, 4).await, ["free", "fresh"]);
        let off = "SELECT COUNT(*) AS n FROM open_runs AS late JOIN open_runs AS first \
            ON first.limit_key = late.limit_key AND first.id < late.id \
            WHERE late.wake_at = first.started_at + late.rate_window";
        assert_eq!(numbers(&store, off).await, [KEYS]);
        let waits = by_id(&store, "b000").await.detail;
        assert!(
            waits.starts_with("waits for its limit: 1 of `key-0`"),
            "{waits}"
        );
        // A start that is yet to come is none, whatever wrote it down.
        execute(
            &store,
            "UPDATE open_runs SET wake_at = 1, \
                started_at = CASE WHEN id = 'a007' THEN 9000000000000000 ELSE started_at END",
        )
        .await;
        assert_eq!(take(&store, 4).await, ["b007"]);
        // Who has started goes on, whatever started of its key.
        execute(
            &store,
            "UPDATE open_runs SET status = 'waiting', wake_at = 1 WHERE id = 'a003'",
        )
        .await;
        assert_eq!(take(&store, 4).await, ["a003"]);
    }
);

/// Rows of open runs that the server has read so far, as it has counted.
async fn read(observer: &Store) -> i64 {
    let sql = "SELECT (COALESCE(idx_tup_fetch, 0) + seq_tup_read)::bigint AS n \
        FROM pg_stat_user_tables WHERE relname = 'open_runs'";
    numbers(observer, sql).await[0]
}

/// The same once nothing is added any more.
async fn settled(store: &Store, observer: &Store) -> i64 {
    let (began, mut last, mut since) = (Instant::now(), read(observer).await, Instant::now());
    while since.elapsed() < Duration::from_secs(3) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it never settles"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
        execute(store, "SELECT 1").await;
        let now = read(observer).await;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last
}

#[test]
fn claims_of_postgres_read_no_rows_of_spent_keys() {
    with_database(Dialect::Postgres, async |store, url| {
        spent(&store).await;
        assert_eq!(take(&store, 4).await, Vec::<String>::new());
        let observer = Store::open(&url).await.expect("it opens");
        let before = settled(&store, &observer).await;
        for number in 0..10 {
            queue(&store, &[run(&format!("free-{number}"))]).await;
            assert_eq!(take(&store, 4).await.len(), 1);
        }
        let after = settled(&store, &observer).await;
        assert!(after - before < KEYS, "{} rows", after - before);
        let jit = numbers(
            &store,
            "SELECT (current_setting('jit') = 'off')::int::bigint AS n",
        )
        .await;
        assert_eq!(jit, [1]);
        observer.close().await;
    });
}

on_both!(
    what_a_rate_counts_outlives_its_pruning,
    async |store: Store, _url| {
        queue(
            &store,
            &[rated("a", 1), rated("b", 2), rated("c", 3), run("d")],
        )
        .await;
        let (now, window) = (now(&store), WINDOW + 1);
        // The first has just started; the window of the second is over, and the third never started.
        execute(
            &store,
            &format!(
                "UPDATE open_runs SET started_at = CASE id WHEN 'a' THEN {now} WHEN 'b' THEN {now} - {window} END"
            ),
        )
        .await;
        let columns = "id, pipeline, revision, detail, input, origin, priority, limit_key, at_once, rate, \
            rate_window, created_at, started_at, spent, fence, signals";
        execute(
            &store,
            &format!(
                "INSERT INTO history ({columns}, status, finished_at) \
                 SELECT {columns}, 'done', created_at FROM open_runs"
            ),
        )
        .await;
        execute(&store, "DELETE FROM open_runs").await;
        let counted = async || history::count_older(&store, Duration::ZERO).await;
        assert_eq!(counted().await.expect("it answers"), (4, 1));
        let until = async |run: &str| history::counted_until(&store, run).await;
        let (key, _) = until("a").await.expect("it answers").expect("it counts");
        assert_eq!(key, "key-1");
        assert_eq!(until("b").await.expect("it answers"), None);
        let pruned = history::prune(&store, Duration::ZERO, |_| true).await;
        assert_eq!(pruned.expect("it is pruned"), 3);
        queue(&store, &[rated("e", 1), rated("f", 2)]).await;
        assert_eq!(take(&store, 4).await, ["f"]);
    }
);
