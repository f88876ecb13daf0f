//! What a guest has the host compute or keep: memory, the disk, a processor, or the lock that all
//! others wait for.

use std::time::{Duration, Instant};

use callboard_core::config::CallLimits;
use callboard_core::outcome::{FailureKind, Outcome, Patch, Stop};
use callboard_core::store::checkpoints::{self, Checkpoint};
use callboard_core::store::granted::{QueryLimits, carry_out_deferred};
use callboard_core::store::runs::RunStatus;
use callboard_core::store::{Dialect, Store, StoreErrorKind};
use callboard_core::value::{Query, Statement, Value};
use futures_util::future::join_all;
use serde_json::json;

use super::attacks;
use super::limits::{grants, host_writes, query, scratch, writer};
use crate::plugins::bench::Bench;
use crate::store::checkpoints::stage;
use crate::store::runs::{checkpoint, claimed, queue, run};
use crate::support::database::with_database;

attacks! {
    a_sort_that_fills_the_disk: "a query that sorts 180 GB, which SQLite keeps aside" => {
        sorts_are_bounded
    };
    a_write_that_takes_all_the_time: "a guest's write of 30 s on SQLite, while others wait for theirs" => {
        writes_let_others_write
    };
    moments_out_of_reach: "a time before the first one of the database, which it would take for another" => {
        early_moments_are_refused
    };
    deferred_writes_together: "hundreds of deferred writes of a second each, in one checkpoint" => {
        both deferred_writes_have_one_budget
    };
    locks_of_the_host: "another process of the host that holds the lock of the logins for longer than a guest's writes have" => {
        what_the_host_waits_for_is_not_spent
    };
    deferred_writes_of_many_runs: "four runs of a plugin, each with slow deferred writes, on SQLite, while others wait for theirs" => {
        others_write_between_two_checkpoints
    };
    rows_of_nothing: "32 MB of NULL, which take a hundred times as much in memory" => { nothing_takes_place };
    a_sum_without_end: "the mean of 4,000,000 times one row of 100,000 numbers, on a thread that nobody waits for" => {
        sums_end
    };
}

fn sorts_are_bounded() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) \
            SELECT max(length(b)) AS c FROM (SELECT i, randomblob(900000) AS b FROM n \
            ORDER BY 2 DESC LIMIT 190000 OFFSET 1) AS t";
        let error = query(&database, sql).await.expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::TooLarge, "{error}");
        assert!(error.message.contains("MiB"), "{error}");
    });
}

fn writes_let_others_write() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        let sql = "INSERT INTO scratch (name) SELECT 'x' FROM (WITH RECURSIVE n(i) AS \
            (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) \
            SELECT count(*) AS c FROM n) AS t";
        let minute = Duration::from_secs(60);
        let error = database.execute(Statement::new(sql), minute).await;
        let error = error.expect_err("it ends");
        assert_eq!(error.kind, StoreErrorKind::Timeout, "{error}");
        let mut transaction = database.begin(minute).await.expect("begun");
        let error = transaction.execute(Statement::new(sql), minute).await;
        let error = error.expect_err("it ends");
        assert_eq!(error.kind, StoreErrorKind::Timeout, "{error}");
        let seconds = error.message.split("than the ").nth(1).unwrap_or_default();
        assert!(seconds.starts_with(['7', '8']), "{error}");
        drop(transaction);
        host_writes(&store, sql).await;
    });
}

/// A machine that is twenty times as fast afterwards as while it was measured is none.
fn deferred_writes_have_one_budget(dialect: Dialect) {
    with_database(dialect, async |store: Store, _: String| {
        let sql = "CREATE TABLE scratch (id BIGINT, name TEXT)";
        store.execute(Statement::new(sql)).await.expect("a table");
        let slow = |rows: u64| {
            Statement::new(format!(
                "INSERT INTO scratch (name) SELECT 'x' FROM (WITH RECURSIVE n(i) AS \
                 (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
                 SELECT count(*) AS c FROM n) AS t"
            ))
        };
        let deferred = async |statements: Vec<Statement>| {
            let written = store.write(move |transaction| {
                Box::pin(async move {
                    let (writer, minute) = (writer(CallLimits::default()), Duration::from_secs(60));
                    let written = carry_out_deferred(transaction, &writer, statements, minute);
                    written.await.map_err(|refused| refused.error)
                })
            });
            written.await
        };
        let mut rows = 50_000;
        loop {
            let began = Instant::now();
            deferred(vec![slow(rows)]).await.expect("it is short");
            if began.elapsed() > Duration::from_millis(700) {
                break;
            }
            rows *= 2;
        }
        let before = store.query(Statement::new("SELECT * FROM scratch")).await;
        let error = deferred(vec![slow(rows); 240]).await.expect_err("too long");
        assert_eq!(error.kind, StoreErrorKind::Overdue, "{error}");
        assert!(error.message.contains("together"), "{error}");
        let after = store.query(Statement::new("SELECT * FROM scratch")).await;
        let (before, after) = (before.expect("rows"), after.expect("rows"));
        assert_eq!(before.rows.len(), after.rows.len());
    });
}

/// A worker that freezes while it makes a login keeps the others waiting; their plugins are not at fault.
fn what_the_host_waits_for_is_not_spent() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let sql = "CREATE TABLE scratch (id BIGINT, name TEXT)";
        store.execute(Statement::new(sql)).await.expect("a table");
        let left = Duration::from_millis(1000);
        let holder = store.write(move |transaction| {
            Box::pin(async move {
                let lock = "SELECT name FROM locks WHERE name = 'logins' FOR UPDATE";
                transaction.query(Statement::new(lock)).await?;
                tokio::time::sleep(2 * left).await;
                Ok(())
            })
        });
        let guest = async {
            tokio::time::sleep(left / 4).await;
            let written = store.write(move |transaction| {
                Box::pin(async move {
                    let (writer, one) = (writer(CallLimits::default()), slow(1));
                    let written = carry_out_deferred(transaction, &writer, vec![one], left);
                    written.await.map_err(|refused| refused.error)
                })
            });
            written.await
        };
        let (held, written) = tokio::join!(holder, guest);
        held.expect("it was held");
        assert_eq!(written.expect("written after it"), 1);
    });
}

/// An insertion of one row `guest` that computes for some time first.
fn slow(rows: u64) -> Statement {
    Statement::new(format!(
        "INSERT INTO scratch (name) SELECT 'guest' FROM (WITH RECURSIVE n(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT count(*) AS c FROM n) AS t"
    ))
}

/// Who wrote is told by the order of the rows, and each of the guests keeps all others waiting for a
/// multiple of what it takes to ask again.
fn others_write_between_two_checkpoints() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        let (minute, mut rows) = (Duration::from_secs(60), 50_000);
        loop {
            let began = Instant::now();
            let written = database.execute(slow(rows), minute).await;
            written.expect("it is short");
            if began.elapsed() > Duration::from_millis(500) {
                break;
            }
            rows *= 2;
        }
        let names = ["a", "b", "c", "d"];
        queue(&store, &names.map(run)).await;
        let mut guests = Vec::new();
        for name in names {
            let claim = claimed(&store, Some(name)).await.expect("it is due");
            let mut kept = checkpoint(&claim, vec![stage(name, 1)], RunStatus::Done);
            (kept.writes, kept.left) = (vec![slow(rows)], minute);
            kept.writer = Some(writer(CallLimits::default()));
            guests.push((store.clone(), kept));
        }
        let commit = async |(store, kept): (Store, Checkpoint)| {
            let committed = checkpoints::commit(&store, vec![kept.into()]).await;
            assert!(committed.expect("it is kept")[0].is_kept());
        };
        let mut guests = std::pin::pin!(join_all(guests.into_iter().map(commit)));
        let before = "DELETE FROM scratch";
        store.execute(Statement::new(before)).await.expect("empty");
        loop {
            tokio::select! {
                _ = &mut guests => break,
                () = host_writes(&store, "beside them") => {}
            }
        }
        let sql = "SELECT name FROM scratch ORDER BY id";
        let told: Vec<String> = store.read(Query::new(sql)).await.expect("rows");
        let are_guests = |name: &&String| *name == "guest";
        assert_eq!(told.iter().filter(are_guests).count(), 4);
        let together = told
            .windows(2)
            .find(|two| two.iter().all(|one| one == "guest"));
        assert_eq!(
            together, None,
            "another process wrote between any two: {told:?}"
        );
    });
}

fn early_moments_are_refused() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let (grants, limits) = (grants(), CallLimits::default());
        let sql = "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT)";
        store.execute(Statement::new(sql)).await.expect("a table");
        let database = store.granted("p", &grants, &limits).await.expect("granted");
        let ask = async |moment: i64| {
            let limits = QueryLimits::of(&limits, Duration::from_secs(60));
            let asked = Statement::new("SELECT $1 AS a").bind(Value::Timestamp(moment));
            database.query(asked, limits).await
        };
        let error = ask(i64::MIN).await.expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::Unstorable, "{error}");
        for moment in [i64::MAX, 0, -210_866_803_200_000_000] {
            let rows = ask(moment).await.expect("a moment").rows;
            assert_eq!(rows, [[Value::Timestamp(moment)]]);
        }
        // What is bound is not what the statement takes: its author's mistake, and no outage.
        let limits = QueryLimits::of(&limits, Duration::from_secs(60));
        let asked = Statement::new("SELECT $1 AS a, $2 AS b").bind(1_i64);
        let error = database.query(asked, limits).await.expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::Statement, "{error}");
    });
}

fn nothing_takes_place() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90000) \
             SELECT {} FROM n",
            vec!["NULL"; 99].join(", ")
        );
        let error = query(&database, &sql).await.expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::TooLarge, "{error}");
        assert!(error.message.contains("row_bytes"), "{error}");
    });
}

/// When the runtime of this test ends, it waits for its threads.
fn sums_end() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let bench = Bench::misbehave(Some(store), CallLimits::default()).await;
        let row = format!("[1{}]", ",1".repeat(99_999));
        let config = json!({
            "statement": "SELECT 'a', $1", "params": [row], "clusters": 1, "means": 4_000_000,
        });
        let long = Duration::from_secs(10);
        let outcome = bench.call_for("probe.clusters", config, Patch::new(), long);
        let Outcome::Stopped(Stop::Failed(failure)) = outcome.await else {
            panic!("it ended");
        };
        assert_eq!(failure.kind, FailureKind::Timeout, "{failure}");
    });
}
