//! Checkpoints: what is kept under the fence, and what is not.

use callboard::outcome::{Done, FailureKind, Outcome, Patch, Stop};
use callboard::store::runs::RunStatus;
use callboard::store::stage_runs::{self, StageRun};
use callboard::store::{Store, StoreErrorKind, checkpoints, timestamp};

use super::runs::{by_id, checkpoint, claimed, let_the_lease_end, queue, record, run};
use super::{execute, kind, sql};
use crate::support::database::on_both;

fn stage(run: &str, visit: u32) -> StageRun {
    StageRun {
        run: run.to_owned(),
        stage: "draft".to_owned(),
        visit,
        step: i64::from(visit),
        handler: "content.draft".to_owned(),
        attempts: 2,
        holds: 0,
        outcome: Outcome::Stopped(Stop::failed(FailureKind::Timeout, "too long")),
        follow: "goto:draft".to_owned(),
        superseded: false,
        log: Vec::new(),
        wake_at: None,
        started_at: timestamp(1_000_000),
        finished_at: timestamp(2_000_000),
    }
}

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
    assert_eq!((kept[0].is_some(), kept[1].is_some()), (false, true));
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
    a_run_that_was_changed_from_outside_does_not_rest,
    async |store: Store, _url| {
        queue(&store, &[run("a"), run("b")]).await;
        let signalled = claimed(&store, Some("a")).await.expect("it is due");
        let wished = claimed(&store, Some("b")).await.expect("it is due");
        execute(
            &store,
            "UPDATE open_runs SET signals = signals + 1 WHERE id = 'a'",
        )
        .await;
        execute(
            &store,
            "UPDATE open_runs SET wish = 'cancel' WHERE id = 'b'",
        )
        .await;
        for claim in [signalled, wished] {
            assert!(record(&store, &claim, RunStatus::Gated).await);
            assert_eq!(by_id(&store, &claim.run.id).await.status, RunStatus::Queued);
        }
    }
);

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
            follow: "hold".to_owned(),
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
