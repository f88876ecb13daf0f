//! Checkpoints: what is kept under the fence, and what is not.

use std::time::Duration;

use callboard_core::outcome::{Done, FailureKind, Outcome, Patch, Stop};
use callboard_core::pipeline::Follow;
use callboard_core::store::granted::DeferredWriter;
use callboard_core::store::runs::RunStatus;
use callboard_core::store::stage_runs::{self, StageRun, VisitOf};
use callboard_core::store::{Dialect, Store, StoreErrorKind, checkpoints, timestamp};
use sqlx::{Connection as _, PgConnection};

use super::runs::{by_id, checkpoint, claimed, let_the_lease_end, queue, record, run};
use super::{kind, sql};
use crate::support::database::{on_both, with_database};

pub(crate) fn stage(run: &str, visit: u32) -> StageRun {
    StageRun {
        run: run.to_owned(),
        stage: "draft".to_owned(),
        visit,
        step: i64::from(visit),
        what: VisitOf::Handler("content.draft".to_owned()),
        attempts: 2,
        holds: 0,
        outcome: Outcome::Stopped(Stop::failed(FailureKind::Timeout, "too long")),
        follow: Follow::Goto("draft".to_owned()),
        undone: None,
        superseded: false,
        log: Vec::new(),
        wake_at: None,
        started_at: timestamp(1_000_000),
        finished_at: timestamp(2_000_000),
    }
}

on_both!(
    a_write_that_has_to_touch_a_row_and_touches_none_keeps_nothing,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        let claim = claimed(&store, None).await.expect("it is due");
        let mut kept = checkpoint(&claim, vec![stage("a", 1)], RunStatus::Running);
        let insert = sql("INSERT INTO diary_days VALUES ('x', 'thin', 'a', 1)");
        let moved = "UPDATE diary_days SET state = 'published' WHERE subject = 'y'";
        kept.writes = vec![insert, sql(moved).exactly(1)];
        let refused = checkpoints::commit(&store, vec![kept.clone().into()]).await;
        let error = refused.expect_err("there is no such row");
        assert_eq!(error.kind, StoreErrorKind::Duplicate, "{error}");
        let days = store
            .query(sql("SELECT * FROM diary_days"))
            .await
            .expect("rows");
        assert!(days.rows.is_empty(), "its other writes went with it");
        kept.writes[1] = sql(&moved.replace("'y'", "'x'")).exactly(1);
        let committed = checkpoints::commit(&store, vec![kept.into()]).await;
        assert!(committed.expect("it is there")[0].is_kept());
    }
);

on_both!(a_stale_fence_writes_nothing, async |store: Store, _url| {
    queue(&store, &[run("a"), run("b")]).await;
    let stale = claimed(&store, Some("a")).await.expect("it is due");
    let_the_lease_end(&store).await;
    let current = claimed(&store, Some("a"))
        .await
        .expect("its lease has ended");
    let sound = claimed(&store, Some("b")).await.expect("it is due");
    let mut late = checkpoint(&stale, vec![stage("a", 1)], RunStatus::Done);
    late.writes = vec![sql("INSERT INTO diary_days VALUES ('x', 'thin', 'a', 1)")];
    let good = checkpoint(&sound, vec![stage("b", 1)], RunStatus::Running);
    let kept = checkpoints::commit(&store, vec![late.into(), good.into()])
        .await
        .expect("an answer");
    assert_eq!((kept[0].is_kept(), kept[1].is_kept()), (false, true));
    assert_eq!(stage_runs::of_run(&store, "a").await.expect("rows"), []);
    assert_eq!(
        stage_runs::of_run(&store, "b").await.expect("rows").len(),
        1
    );
    let days = store
        .query(sql("SELECT * FROM diary_days"))
        .await
        .expect("rows");
    assert!(days.rows.is_empty(), "its deferred writes went with it");
    assert_eq!(by_id(&store, "a").await.status, RunStatus::Running);
    assert!(record(&store, &current, RunStatus::Done).await);
    assert!(
        !record(&store, &current, RunStatus::Done).await,
        "it has ended"
    );
});

on_both!(
    checkpoints_come_back_in_order_large_and_small_without_their_writes,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        let claim = claimed(&store, None).await.expect("it is due");
        let keep = async |rows, superseded| {
            let mut kept = checkpoint(&claim, rows, RunStatus::Running);
            kept.superseded = superseded;
            checkpoints::commit(&store, vec![kept.into()]).await
        };
        let mut patch = Patch::new();
        patch.insert("draft".to_owned(), "long ".repeat(40_000).into());
        let done = Done::new(patch).effect("drafts", 1);
        let second = StageRun {
            outcome: Outcome::Done(done.clone().write(sql("DELETE FROM drafts"))),
            ..stage("a", 2)
        };
        let held = StageRun {
            follow: Follow::Hold,
            wake_at: Some(timestamp(7)),
            ..stage("a", 1)
        };
        for row in [&second, &held, &stage("a", 1)] {
            keep(vec![row.clone()], Vec::new())
                .await
                .expect("it is kept");
        }
        let kept = StageRun {
            outcome: Outcome::Done(done),
            ..second.clone()
        };
        assert_eq!(
            stage_runs::of_run(&store, "a").await.expect("rows"),
            [stage("a", 1), kept],
            "a held visit was kept over"
        );
        let blobs = store
            .query(sql("SELECT digest FROM blobs"))
            .await
            .expect("blobs");
        assert_eq!(blobs.rows.len(), 1, "the large one lies apart");
        assert_eq!(
            kind(keep(vec![second], Vec::new()).await),
            StoreErrorKind::Internal,
            "a visit has one checkpoint"
        );
        keep(Vec::new(), vec!["draft".to_owned()])
            .await
            .expect("kept");
        let rows = stage_runs::of_run(&store, "a").await.expect("rows");
        assert!(rows.iter().all(|row| row.superseded));
    }
);

/// A session of another program with its number.
async fn stranger(url: &str) -> (PgConnection, i32) {
    let mut other = PgConnection::connect(url).await.expect("a session");
    let id = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut other);
    let id = id.await.expect("its number");
    (other, id)
}

/// A table is waited for before anything is done, and a row amid the work: until all of its time is
/// up, where it works for longer than it waits for a lock.
#[test]
fn a_deferred_write_that_waits_for_somebody_elses_lock_is_no_failure() {
    with_database(Dialect::Postgres, async |store: Store, url: String| {
        for line in [
            "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT)",
            "INSERT INTO scratch VALUES (1, 'one')",
        ] {
            store.execute(sql(line)).await.expect("it is done");
        }
        queue(&store, &[run("a")]).await;
        let claim = claimed(&store, None).await.expect("it is due");
        let grants = "[[db]]\ntable = \"scratch\"\nverbs = [\"select\", \"update\"]";
        let mut kept = checkpoint(&claim, vec![stage("a", 1)], RunStatus::Running);
        kept.writer = Some(DeferredWriter {
            grants: toml::from_str(grants).expect("grants"),
            ..DeferredWriter::unknown("p")
        });
        let (mut other, id) = stranger(&url).await;
        let mut refused = async |lock: &'static str, write: &str, left: Duration| {
            let locked = sqlx::raw_sql(lock).execute(&mut other).await;
            locked.expect("it has the lock");
            (kept.writes, kept.left) = (vec![sql(write)], left);
            let refused = checkpoints::commit(&store, vec![kept.clone().into()]).await;
            let gone = sqlx::raw_sql("ROLLBACK").execute(&mut other).await;
            gone.expect("it lets go");
            refused.expect_err("it is locked")
        };
        let early = "UPDATE scratch SET name = 'guest' WHERE id = 1";
        let row = "BEGIN; UPDATE scratch SET name = 'other' WHERE id = 1";
        let named = format!("session {id} of ");
        for lock in [row, "BEGIN; LOCK TABLE scratch IN ACCESS EXCLUSIVE MODE"] {
            let error = refused(lock, early, Duration::from_secs(2)).await;
            assert!(error.is_retryable(), "{lock}: {error}");
            assert!(error.message.starts_with(&named), "{lock}: {error}");
        }
        let late = |rows: u64| {
            format!(
                "UPDATE scratch SET name = 'guest' WHERE id = 1 AND (SELECT count(*) FROM \
                 (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
                 SELECT i FROM n) AS t) > 0"
            )
        };
        // How long it works is not known. It is told in the end that it waited, whatever it worked before.
        let lefts = (1..=8).map(|quarters| Duration::from_millis(250 * quarters));
        let mut waited = 0;
        for left in lefts {
            let error = refused(row, &late(500_000), left).await;
            waited += u32::from(error.message.starts_with(&named));
        }
        assert!(waited > 0, "it always was its own fault");
        (kept.writes, kept.left) = (vec![sql(early)], Duration::from_secs(60));
        let committed = checkpoints::commit(&store, vec![kept.into()]).await;
        assert!(committed.expect("tried again")[0].is_kept());
    });
}
