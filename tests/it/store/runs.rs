//! `runs` and `stage_runs`: the lease, the fence, and what is kept under them.

use std::time::Duration;

use callboard::outcome::{Done, FailureKind, Outcome, Patch, Stop};
use callboard::store::runs::{self, Claim, Progress, Run, RunStatus};
use callboard::store::stage_runs::{self, StageRun};
use callboard::store::{Store, StoreErrorKind, timestamp};
use futures_util::future::join_all;

use super::{execute, kind, sql};
use crate::support::database::on_both;

/// A queued run of the revision 1, due since long ago.
pub(super) fn run(id: &str) -> Run {
    let mut input = Patch::new();
    input.insert("day".to_owned(), "2026-01-02".into());
    Run {
        id: id.to_owned(),
        pipeline: "diary".to_owned(),
        revision: 1,
        status: RunStatus::Queued,
        detail: String::new(),
        input,
        settings: "digest".to_owned(),
        created_at: timestamp(1_000_000),
        wake_at: timestamp(1_000_000),
        spent: Duration::from_millis(1500),
        finished_at: None,
    }
}

pub(super) async fn queue(store: &Store, runs: &[Run]) {
    let revision = "INSERT INTO revisions (id, digest, note, created_at) VALUES (1, 'd', '', 0) \
        ON CONFLICT (id) DO NOTHING";
    execute(store, revision).await;
    for run in runs {
        let insert = runs::insert(run).expect("its input is JSON");
        store.execute(insert).await.expect("it is queued");
    }
}

async fn claimed(store: &Store, only: Option<&str>) -> Option<Claim> {
    runs::claim(store, only).await.expect("the store answers")
}

/// As if the holder of the lease had been silent for long.
async fn let_the_lease_end(store: &Store) {
    execute(store, "UPDATE runs SET lease_until = 1").await;
}

fn progress(status: RunStatus) -> Progress {
    Progress {
        status,
        detail: "a reason".to_owned(),
        spent: Duration::from_secs(2),
        wake_at: timestamp(5_000_000),
    }
}

async fn record(store: &Store, claim: &Claim, status: RunStatus) -> Result<(), StoreErrorKind> {
    let claim = claim.clone();
    let recorded = store.write(move |transaction| {
        Box::pin(async move { runs::record(transaction, &claim, progress(status)).await })
    });
    recorded.await.map_err(|error| error.kind)
}

async fn by_id(store: &Store, id: &str) -> Run {
    runs::by_prefix(store, id)
        .await
        .expect("the store answers")
        .expect("it is there")
}

on_both!(
    a_run_comes_back_as_it_was_queued_and_by_the_start_of_its_id,
    async |store: Store, _url| {
        queue(&store, &[run("ab1"), run("ab2"), run("c%_")]).await;
        assert_eq!(by_id(&store, "ab1").await, run("ab1"));
        assert_eq!(by_id(&store, "c").await, run("c%_"));
        assert_eq!(runs::by_prefix(&store, "x").await.expect("none"), None);
        assert_eq!(
            runs::by_prefix(&store, "_").await.expect("no pattern"),
            None
        );
        assert_eq!(
            kind(runs::by_prefix(&store, "ab").await),
            StoreErrorKind::Statement
        );
    }
);

on_both!(
    the_newest_runs_come_first_of_one_status_if_named,
    async |store: Store, _url| {
        let newer = Run {
            created_at: timestamp(2_000_000),
            ..run("newer")
        };
        queue(&store, &[run("older"), newer]).await;
        claimed(&store, Some("older")).await.expect("it is due");
        let ids = async |limit, status| {
            let found = runs::newest(&store, limit, status).await.expect("runs");
            found.into_iter().map(|run| run.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(10, None).await, ["newer", "older"]);
        assert_eq!(ids(1, None).await, ["newer"]);
        assert_eq!(ids(10, Some("running")).await, ["older"]);
        assert_eq!(ids(10, Some("done")).await, Vec::<String>::new());
    }
);

on_both!(
    a_run_is_claimed_by_one_worker_when_it_is_due,
    async |store: Store, _url| {
        let later = Run {
            wake_at: timestamp(4_000_000_000_000_000),
            ..run("later")
        };
        let first = Run {
            wake_at: timestamp(1),
            ..run("first")
        };
        queue(&store, &[run("second"), first, later]).await;
        let claim = claimed(&store, None).await.expect("one is due");
        assert_eq!(
            (claim.run.id.as_str(), claim.run.status, claim.fence),
            ("first", RunStatus::Running, 1)
        );
        assert_eq!(
            claimed(&store, None).await.expect("another is due").run.id,
            "second"
        );
        assert_eq!(claimed(&store, None).await, None, "the third is not due");
        assert_eq!(
            claimed(&store, Some("first")).await,
            None,
            "somebody has it"
        );
        assert_eq!(
            claimed(&store, Some("later"))
                .await
                .expect("it is asked for")
                .run
                .id,
            "later"
        );
    }
);

on_both!(
    many_workers_claim_each_run_once,
    async |store: Store, url: String| {
        let queued: Vec<Run> = (0..20)
            .map(|number| run(&format!("run-{number:02}")))
            .collect();
        queue(&store, &queued).await;
        let other = Store::open(&url).await.expect("a second process");
        // PostgreSQL may skip a row that another claim looks at just now, so everybody asks until
        // nothing is left.
        let worker = async |store: &Store| {
            let mut mine = Vec::new();
            while let Some(claim) = claimed(store, None).await {
                mine.push(claim.run.id);
            }
            mine
        };
        let workers = (0..8).map(|number| worker(if number % 2 == 0 { &store } else { &other }));
        let mut ids: Vec<String> = join_all(workers).await.into_iter().flatten().collect();
        ids.sort();
        assert_eq!(
            ids,
            queued.into_iter().map(|run| run.id).collect::<Vec<_>>()
        );
        other.close().await;
    }
);

on_both!(
    a_lease_is_lengthened_by_its_holder_only,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        let stale = claimed(&store, None).await.expect("it is due");
        assert!(runs::heartbeat(&store, &stale).await.expect("it is ours"));
        let_the_lease_end(&store).await;
        let current = claimed(&store, None).await.expect("its lease has ended");
        assert_eq!(current.fence, 2);
        assert!(
            !runs::heartbeat(&store, &stale)
                .await
                .expect("the store answers"),
            "it is lost"
        );
        assert!(runs::heartbeat(&store, &current).await.expect("it is ours"));
        assert_eq!(claimed(&store, None).await, None);
    }
);

on_both!(a_stale_fence_writes_nothing, async |store: Store, _url| {
    queue(&store, &[run("a")]).await;
    let stale = claimed(&store, None).await.expect("it is due");
    let_the_lease_end(&store).await;
    let current = claimed(&store, None).await.expect("its lease has ended");
    let old = stale.clone();
    let checkpoint = stage_runs::insert(&stage("a", 1)).expect("JSON");
    let refused = store.write(move |transaction| {
        Box::pin(async move {
            transaction.execute(checkpoint).await?;
            runs::record(transaction, &old, progress(RunStatus::Done)).await
        })
    });
    assert_eq!(kind(refused.await), StoreErrorKind::Denied);
    assert_eq!(stage_runs::of_run(&store, "a").await.expect("rows"), []);
    assert_eq!(by_id(&store, "a").await.status, RunStatus::Running);
    assert_eq!(record(&store, &current, RunStatus::Done).await, Ok(()));
    assert_eq!(
        record(&store, &current, RunStatus::Done).await,
        Err(StoreErrorKind::Denied),
        "it has ended"
    );
});

on_both!(
    what_is_recorded_decides_who_may_claim_next,
    async |store: Store, _url| {
        let goes_on = [RunStatus::Queued, RunStatus::Waiting];
        let statuses = [
            RunStatus::Queued,
            RunStatus::Running,
            RunStatus::Waiting,
            RunStatus::Gated,
            RunStatus::Done,
            RunStatus::NothingToDo,
            RunStatus::Rejected,
            RunStatus::Unavailable,
            RunStatus::Failed,
            RunStatus::Cancelled,
        ];
        for status in statuses {
            let id = status.as_str();
            queue(&store, &[run(id)]).await;
            let claim = claimed(&store, Some(id)).await.expect("it is due");
            assert_eq!(record(&store, &claim, status).await, Ok(()), "{status}");
            let kept = by_id(&store, id).await;
            assert_eq!(
                (kept.status, kept.detail.as_str(), kept.spent),
                (status, "a reason", Duration::from_secs(2))
            );
            assert_eq!(kept.finished_at.is_some(), status.is_final(), "{status}");
            let next = claimed(&store, Some(id)).await;
            assert_eq!(next.is_some(), goes_on.contains(&status), "{status}");
            assert_eq!(
                runs::heartbeat(&store, &claim).await.expect("an answer"),
                status == RunStatus::Running
            );
        }
    }
);

on_both!(
    a_pipeline_is_open_until_its_runs_have_ended,
    async |store: Store, _url| {
        let is_open = async |pipeline: &'static str| {
            let asked =
                store.write(move |transaction| Box::pin(runs::is_open(transaction, pipeline)));
            asked.await.expect("an answer")
        };
        assert!(!is_open("diary").await);
        queue(&store, &[run("a")]).await;
        assert!(is_open("diary").await && !is_open("other").await);
        let claim = claimed(&store, None).await.expect("it is due");
        record(&store, &claim, RunStatus::Gated)
            .await
            .expect("it is ours");
        assert!(is_open("diary").await);
        execute(&store, "UPDATE runs SET finished_at = 1").await;
        assert!(!is_open("diary").await);
    }
);

fn stage(run: &str, visit: u32) -> StageRun {
    StageRun {
        run: run.to_owned(),
        stage: "draft".to_owned(),
        visit,
        handler: "content.draft".to_owned(),
        attempts: 2,
        outcome: Outcome::Stopped(Stop::failed(FailureKind::Timeout, "too long")),
        follow: "goto:draft".to_owned(),
        superseded: false,
        started_at: timestamp(1_000_000),
        finished_at: timestamp(2_000_000 + i64::from(visit)),
    }
}

on_both!(
    checkpoints_come_back_in_order_without_their_writes,
    async |store: Store, _url| {
        queue(&store, &[run("a"), run("b")]).await;
        let mut patch = Patch::new();
        patch.insert("draft".to_owned(), "text".into());
        let done = Done::new(patch).effect("drafts", 1);
        let carried_out = done.clone().write(sql("DELETE FROM drafts"));
        let second = StageRun {
            outcome: Outcome::Done(carried_out),
            superseded: true,
            ..stage("a", 2)
        };
        for row in [&second, &stage("a", 1), &stage("b", 1)] {
            store
                .execute(stage_runs::insert(row).expect("JSON"))
                .await
                .expect("it is kept");
        }
        let kept = StageRun {
            outcome: Outcome::Done(done),
            ..second.clone()
        };
        assert_eq!(
            stage_runs::of_run(&store, "a").await.expect("rows"),
            [stage("a", 1), kept]
        );
        let twice = stage_runs::insert(&second).expect("JSON");
        assert_eq!(
            kind(store.execute(twice).await),
            StoreErrorKind::Constraint,
            "a visit has one checkpoint"
        );
        assert_eq!(
            store
                .execute(stage_runs::supersede("a", "draft"))
                .await
                .expect("both"),
            2
        );
        let rows = stage_runs::of_run(&store, "a").await.expect("rows");
        assert!(rows.iter().all(|row| row.superseded));
        assert!(!stage_runs::of_run(&store, "b").await.expect("rows")[0].superseded);
    }
);
