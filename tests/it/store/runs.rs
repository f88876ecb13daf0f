//! Runs: how they are claimed, by whom, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use callboard_core::outcome::Patch;
use callboard_core::store::checkpoints::{self, Checkpoint, Then};
use callboard_core::store::claims::{self, Claimant, ClaimedRun};
use callboard_core::store::leases::{self, Lease};
use callboard_core::store::named::{self, NameMatch};
use callboard_core::store::poll;
use callboard_core::store::runs::{self, Only, Run, RunLimits, RunOrigin, RunStatus};
use callboard_core::store::stage_runs::StageRun;
use callboard_core::store::{Dialect, Store, timestamp};
use callboard_core::value::Statement;
use futures_util::future::join_all;

use super::execute;
use crate::support::database::{on_both, with_database};

pub(super) const LEASE: Duration = Duration::from_secs(30);

/// A queued run of the revision 1, due at once.
pub(crate) fn run(id: &str) -> Run {
    let mut input = Patch::new();
    input.insert("day".to_owned(), "2026-01-02".into());
    Run {
        id: id.to_owned(),
        pipeline: "diary".to_owned(),
        revision: 1,
        status: RunStatus::Queued,
        detail: String::new(),
        input,
        settings: None,
        origin: RunOrigin::Cli,
        priority: 0,
        limits: RunLimits::default(),
        created_at: timestamp(1_000_000),
        started_at: None,
        wake_at: timestamp(1_000_000),
        spent: Duration::from_millis(1500),
        finished_at: None,
    }
}

pub(crate) async fn queue(store: &Store, runs: &[Run]) {
    let revision = "INSERT INTO revisions (id, digest, note, created_at) VALUES (1, 'd', '', 0) \
        ON CONFLICT (id) DO NOTHING";
    execute(store, revision).await;
    for run in runs {
        let insert = runs::insert(run, store.dialect()).expect("its input is JSON");
        store.execute(insert).await.expect("it is queued");
    }
}

pub(super) fn claimant() -> Claimant {
    Claimant {
        worker: "test".to_owned(),
        lease: LEASE,
        suspect: 4,
    }
}

pub(crate) async fn claimed(store: &Store, only: Option<&str>) -> Option<ClaimedRun> {
    let answer = match only {
        Some(id) => claims::take_one(store, &claimant(), id).await,
        None => claims::take(store, &claimant(), 1)
            .await
            .map(|mut all| all.pop()),
    };
    answer.expect("the store answers")
}

/// As if the holder of the lease had been silent for long.
pub(super) async fn let_the_lease_end(store: &Store) {
    execute(store, "UPDATE open_runs SET lease_until = 1").await;
    leases::recover(store, 5).await.expect("the store answers");
}

pub(super) fn held(claim: &ClaimedRun) -> Lease {
    Lease {
        run: claim.run.id.clone(),
        fence: claim.fence,
    }
}

fn then(status: RunStatus) -> Then {
    let detail = "a reason".to_owned();
    match status {
        RunStatus::Running => Then::GoOn { lease: LEASE },
        status if status.is_final() => Then::End { status, detail },
        status => Then::Rest {
            status,
            detail,
            wake_at: timestamp(5_000_000),
        },
    }
}

pub(crate) fn checkpoint(claim: &ClaimedRun, rows: Vec<StageRun>, status: RunStatus) -> Checkpoint {
    Checkpoint {
        held: held(claim),
        signals: claim.told.signals,
        rows,
        superseded: Vec::new(),
        gates: Vec::new(),
        settled: Vec::new(),
        writes: Vec::new(),
        writer: None,
        left: Duration::ZERO,
        spent: Duration::from_secs(2),
        settings: None,
        then: then(status),
        effects: Vec::new(),
    }
}

/// Whether the checkpoint was kept.
pub(super) async fn record(store: &Store, claim: &ClaimedRun, status: RunStatus) -> bool {
    let kept =
        checkpoints::commit(store, vec![Arc::new(checkpoint(claim, Vec::new(), status))]).await;
    kept.expect("the store answers")[0].is_kept()
}

async fn beats(store: &Store, claim: &ClaimedRun) -> bool {
    let kept = leases::heartbeat(store, &[held(claim)], LEASE).await;
    !kept.expect("the store answers").is_empty()
}

pub(super) async fn by_id(store: &Store, id: &str) -> Run {
    runs::by_id(store, id)
        .await
        .expect("the store answers")
        .expect("it is there")
}

on_both!(
    a_run_comes_back_as_it_was_queued_and_by_the_start_of_its_id,
    async |store: Store, _url| {
        queue(&store, &[run("ab1"), run("ab2"), run("c%_")]).await;
        let stored = by_id(&store, "ab1").await;
        let expected = Run {
            created_at: stored.created_at,
            wake_at: stored.wake_at,
            ..run("ab1")
        };
        assert_eq!(stored, expected);
        let find = async |id| {
            let found = named::find(&store, &named::RUN, id).await;
            found.expect("an answer")
        };
        assert_eq!(find("c").await, NameMatch::One("c%_".to_owned()));
        assert_eq!(find("x").await, NameMatch::None);
        assert_eq!(find("_").await, NameMatch::None, "no pattern");
        let both = ["ab1", "ab2"].map(str::to_owned).to_vec();
        assert_eq!(find("ab").await, NameMatch::Several(both));
    }
);

on_both!(
    the_newest_runs_come_first_of_one_status_if_named,
    async |store: Store, _url| {
        queue(&store, &[run("older"), run("newer"), run("ended")]).await;
        let at = "UPDATE open_runs SET created_at = CASE id WHEN 'older' THEN 1 WHEN 'newer' THEN 2 ELSE 3 END";
        execute(&store, at).await;
        claimed(&store, Some("older")).await.expect("it is due");
        let ended = claimed(&store, Some("ended")).await.expect("it is due");
        assert!(record(&store, &ended, RunStatus::Done).await);
        let ids = async |limit, status, pipeline| {
            let found = runs::newest(&store, limit, Only { status, pipeline }).await;
            let found = found.expect("runs").into_iter();
            let ids = found.filter_map(|listed| Some(listed.run()?.id));
            ids.collect::<Vec<_>>().join(" ")
        };
        let (running, done) = (Some(RunStatus::Running), Some(RunStatus::Done));
        assert_eq!(ids(10, None, None).await, "ended newer older");
        assert_eq!(ids(1, None, None).await, "ended");
        assert_eq!(ids(10, running, None).await, "older");
        assert_eq!(ids(10, done, Some("diary")).await, "ended");
        assert_eq!(ids(10, None, Some("other")).await, "");
        assert_eq!(ids(10, Some(RunStatus::Failed), None).await, "");
    }
);

on_both!(
    a_run_is_claimed_by_one_worker_when_it_is_due,
    async |store: Store, _url| {
        let later = Run {
            wake_at: timestamp(4_000_000_000_000_000),
            ..run("later")
        };
        queue(&store, &[run("first"), run("second"), later]).await;
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
        // Nor for who asks for it: a follower whose worker has died asks in a loop.
        assert_eq!(claimed(&store, Some("later")).await, None, "it waits");
    }
);

on_both!(
    a_run_that_lost_its_worker_too_often_is_taken_alone,
    async |store: Store, _url| {
        queue(&store, &["a", "b", "suspect"].map(run)).await;
        execute(
            &store,
            "UPDATE open_runs SET recoveries = 4, wake_at = 1000000 WHERE id = 'suspect'",
        )
        .await;
        let poll = poll::ask(&store, "test", 4).await.expect("an answer");
        assert_eq!(poll.suspect_at, Some(timestamp(1_000_000)));
        assert!(poll.since(poll.suspect_at) > Some(LEASE));
        let taken = claims::take(&store, &claimant(), 9).await;
        let taken: Vec<_> = taken
            .expect("the store answers")
            .into_iter()
            .map(|claim| claim.run.id)
            .collect();
        assert_eq!(taken, ["a", "b"]);
        let suspect = async || {
            let taken = claims::take_suspect(&store, &claimant()).await;
            taken.expect("the store answers").map(|claim| claim.run.id)
        };
        assert_eq!(suspect().await.as_deref(), Some("suspect"));
        assert_eq!(suspect().await, None);
        // One more loss blocks it, and no worker asks for it again.
        let_the_lease_end(&store).await;
        let poll = poll::ask(&store, "test", 4).await.expect("an answer");
        assert_eq!(poll.suspect_at, None);
        assert_eq!(suspect().await, None);
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
        let worker = async |store: &Store| {
            let taken = claims::take(store, &claimant(), 4).await;
            let taken = taken.expect("the store answers").into_iter();
            taken.map(|claim| claim.run.id).collect::<Vec<_>>()
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
    a_key_has_no_more_runs_under_way_than_its_limit_and_hides_nobody,
    async |store: Store, _url| {
        let limited = |id: &str, key: &str| Run {
            limits: RunLimits {
                key: Some(key.to_owned()),
                at_once: Some(1),
                ..RunLimits::default()
            },
            ..run(id)
        };
        let many = (0..30).map(|number| limited(&format!("a{number:02}"), "one"));
        let all: Vec<Run> = many.chain([limited("b", "two"), run("c")]).collect();
        queue(&store, &all).await;
        let take = async || {
            let taken = claims::take(&store, &claimant(), 4)
                .await
                .expect("an answer");
            let mut ids: Vec<_> = taken.into_iter().map(|claim| claim.run.id).collect();
            ids.sort();
            ids
        };
        assert_eq!(take().await, ["a00", "b", "c"]);
        assert_eq!(take().await, Vec::<String>::new());
        // A lease that ran out holds no place.
        execute(
            &store,
            "UPDATE open_runs SET lease_until = 1 WHERE id = 'a00'",
        )
        .await;
        assert_eq!(take().await, ["a01"]);
    }
);

on_both!(
    a_rate_holds_over_runs_that_have_ended,
    async |store: Store, _url| {
        let rated = |id: &str| Run {
            limits: RunLimits {
                key: Some("k".to_owned()),
                at_once: None,
                rate: Some(2),
                rate_window: Some(Duration::from_secs(3600)),
            },
            ..run(id)
        };
        queue(&store, &[rated("a"), rated("b"), rated("c")]).await;
        let first = claimed(&store, None).await.expect("it is due");
        assert!(record(&store, &first, RunStatus::Done).await);
        claimed(&store, None).await.expect("the second fits");
        assert_eq!(claimed(&store, None).await, None);
        // As if the window had passed, and with it the time that the third was put off to.
        execute(&store, "UPDATE history SET started_at = 1").await;
        execute(&store, "UPDATE open_runs SET wake_at = 1").await;
        assert_eq!(claimed(&store, None).await.expect("again").run.id, "c");
    }
);

on_both!(
    a_lease_is_lengthened_by_its_holder_only,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        let stale = claimed(&store, None).await.expect("it is due");
        assert!(beats(&store, &stale).await);
        let_the_lease_end(&store).await;
        let current = claimed(&store, None).await.expect("its lease has ended");
        assert_eq!(current.fence, 2);
        assert!(!beats(&store, &stale).await, "it is lost");
        assert!(beats(&store, &current).await);
        assert_eq!(claimed(&store, None).await, None);
    }
);

/// On SQLite no transaction holds a row: one writes at a time, and waits for its turn.
#[test]
fn a_heartbeat_waits_for_no_row_that_its_own_run_writes_to() {
    with_database(Dialect::Postgres, async |store: Store, _url| {
        queue(&store, &[run("busy"), run("idle")]).await;
        let busy = claimed(&store, Some("busy")).await.expect("it is due");
        let idle = claimed(&store, Some("idle")).await.expect("it is due");
        let lost = Lease {
            fence: busy.fence + 1,
            ..held(&busy)
        };
        let (beating, all) = (store.clone(), [held(&busy), held(&idle), lost]);
        let checkpoint = store.write(move |transaction| {
            Box::pin(async move {
                let write = "UPDATE open_runs SET detail = 'it writes' WHERE id = 'busy'";
                transaction.execute(Statement::new(write)).await?;
                let beat = leases::heartbeat(&beating, &all, LEASE * 10);
                let kept = tokio::time::timeout(LEASE, beat).await;
                kept.expect("it waits for nobody")
            })
        });
        let kept = checkpoint.await.expect("the store answers");
        let mut kept: Vec<_> = kept.into_iter().map(|(held, _)| held).collect();
        kept.sort_by(|one, other| one.run.cmp(&other.run));
        assert_eq!(
            kept,
            [held(&busy), held(&idle)],
            "both still hold, and no other"
        );
        let lengthened = "SELECT id FROM open_runs ORDER BY lease_until DESC LIMIT 1";
        let rows = store.query(Statement::new(lengthened)).await.expect("rows");
        let id = rows.first().expect("a row").text("id");
        assert_eq!(id.expect("an id"), "idle");
        assert!(
            beats(&store, &busy).await,
            "and afterwards it is lengthened"
        );
    });
}

on_both!(
    a_run_that_keeps_losing_its_worker_is_blocked_and_stops_nobody,
    async |store: Store, _url| {
        queue(&store, &[run("bad"), run("good")]).await;
        for time in 1..=3 {
            claimed(&store, Some("bad")).await.expect("it is queued");
            execute(
                &store,
                "UPDATE open_runs SET lease_until = 1 WHERE id = 'bad'",
            )
            .await;
            let recovered = leases::recover(&store, 3).await.expect("an answer");
            assert_eq!((recovered.len(), recovered[0].blocked), (1, time == 3));
        }
        let bad = by_id(&store, "bad").await;
        assert_eq!(bad.status, RunStatus::Blocked);
        assert!(bad.detail.contains("3 times"), "{}", bad.detail);
        let next = claims::take(&store, &claimant(), 9)
            .await
            .expect("an answer");
        assert_eq!(next.len(), 1);
        assert_eq!(next[0].run.id, "good");
    }
);

on_both!(
    what_is_recorded_decides_who_may_claim_next,
    async |store: Store, _url| {
        let goes_on = [RunStatus::Queued, RunStatus::Waiting, RunStatus::Blocked];
        for name in RunStatus::names() {
            let status = RunStatus::parse(name).expect("a status");
            queue(&store, &[run(name)]).await;
            let claim = claimed(&store, Some(name)).await.expect("it is due");
            assert!(record(&store, &claim, status).await, "{status}");
            let kept = by_id(&store, name).await;
            let detail = if status == RunStatus::Running {
                ""
            } else {
                "a reason"
            };
            assert_eq!(
                (kept.status, kept.detail.as_str(), kept.spent),
                (status, detail, Duration::from_secs(2))
            );
            assert_eq!(kept.finished_at.is_some(), status.is_final(), "{status}");
            let still = beats(&store, &claim).await;
            assert_eq!(still, status == RunStatus::Running);
            let next = claimed(&store, Some(name)).await;
            assert_eq!(next.is_some(), goes_on.contains(&status), "{status}");
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
        queue(&store, &[run("a"), run("b")]).await;
        assert!(is_open("diary").await && !is_open("other").await);
        let gated = claimed(&store, None).await.expect("it is due");
        assert!(record(&store, &gated, RunStatus::Gated).await);
        let done = claimed(&store, None).await.expect("it is due");
        assert!(record(&store, &done, RunStatus::Done).await);
        assert!(is_open("diary").await);
        execute(&store, "DELETE FROM open_runs").await;
        assert!(!is_open("diary").await);
    }
);
