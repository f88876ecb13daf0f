//! `schedules`: rows follow the active revision, an occurrence has its run once, and runs
//! overlap as their schedule says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use callboard_core::schedule::Schedule;
use callboard_core::store::runs::{Run, RunOrigin, RunStatus};
use callboard_core::store::schedules::{
    self, Cadence, Fired, PlannedStart, ScheduleState, Timetable,
};
use callboard_core::store::{Dialect, Store, policy_runs};
use callboard_core::value::Statement;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::runs::{by_id, claimed, record, run};
use super::{execute, numbers};
use crate::support::database::{on_both, with_database};

/// Each New Year's Day counts, however late.
const YEARLY: &str = "cron = \"0 0 1 1 *\"\ncatch_up = \"87600h\"\n";

/// A revision, made the active one.
async fn activate(store: &Store, revision: i64) {
    for sql in [
        format!("INSERT INTO revisions VALUES ({revision}, 'd{revision}', '', 0)"),
        format!(
            "INSERT INTO activations (id, revision, reason, activated_at) \
            VALUES ({revision}, {revision}, 'apply', 0)"
        ),
    ] {
        execute(store, &sql).await;
    }
}

fn planned(name: &str, revision: i64, cadence: Cadence) -> PlannedStart {
    let origin = match cadence {
        Cadence::Clock(_) => RunOrigin::Schedule(name.to_owned()),
        Cadence::Pause(_) => RunOrigin::Policy("keep".to_owned()),
    };
    PlannedStart {
        cadence,
        enabled: true,
        run: Run {
            revision,
            origin,
            ..run("a pattern")
        },
    }
}

/// Schedules by their names, as they are written.
fn plan(revision: i64, schedules: &[(&str, &str)]) -> Arc<Timetable> {
    let schedules = schedules.iter().map(|(name, text)| {
        let schedule: Schedule = toml::from_str(text).expect("a schedule");
        let planned = planned(name, revision, Cadence::Clock(schedule));
        ((*name).to_owned(), planned)
    });
    let schedules = schedules.collect();
    Arc::new(Timetable {
        revision,
        schedules,
    })
}

async fn sync(store: &Store, plan: &Arc<Timetable>) -> bool {
    let synced = schedules::sync(store, plan).await;
    synced.expect("the store answers")
}

async fn fire(store: &Store, plan: &Arc<Timetable>) -> Vec<Fired> {
    let fired = schedules::fire_due(store, plan).await;
    fired.expect("the store answers")
}

async fn kept(store: &Store) -> BTreeMap<String, ScheduleState> {
    schedules::all(store).await.expect("the store answers")
}

/// As if no worker had looked since that many New Year's Days.
async fn miss(store: &Store, years: i16) {
    let now = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let last = jiff::civil::date(now.year() - years, 1, 1).at(0, 0, 1, 0);
    let last = last.in_tz("UTC").expect("a time").timestamp();
    let sql = "UPDATE schedules SET last_at = $1, next_at = $1";
    let back = Statement::new(sql).bind(last.as_microsecond());
    store.execute(back).await.expect("the store answers");
}

/// A schedule `s` of yearly runs that overlap so, with `missed` occurrences due.
async fn overlapping(store: &Store, overlap: &str, missed: i16) -> Arc<Timetable> {
    activate(store, 1).await;
    let text = format!("{YEARLY}overlap = \"{overlap}\"\n");
    let plan = plan(1, &[("s", &text)]);
    assert!(sync(store, &plan).await);
    miss(store, missed).await;
    plan
}

on_both!(
    the_rows_follow_the_active_revision,
    async |store: Store, _url| {
        activate(&store, 1).await;
        let first = plan(1, &[("a", "every = \"1h\""), ("b", "every = \"24h\"")]);
        let synced = join_all((0..4).map(|_| sync(&store, &first))).await;
        assert_eq!(synced, [true; 4]);
        let before = kept(&store).await;
        assert_eq!(before.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert!(
            before
                .values()
                .all(|kept| kept.next_at > Some(Timestamp::now()))
        );
        assert_eq!(fire(&store, &first).await, []);
        activate(&store, 2).await;
        // No worker brings back what is gone.
        assert!(!sync(&store, &first).await);
        let second = plan(
            2,
            &[("b", "every = \"24h\""), ("c", "cron = \"0 6 * * *\"")],
        );
        assert!(sync(&store, &second).await);
        let after = kept(&store).await;
        assert_eq!(after.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(after["b"], before["b"], "what stays goes on");
    }
);

/// A checkpoint holds its run for as long as its deferred writes take.
#[test]
fn a_run_that_is_held_keeps_no_other_schedule_waiting() {
    with_database(Dialect::Postgres, async |store: Store, _url| {
        activate(&store, 1).await;
        let text = format!("{YEARLY}overlap = \"allow\"\n");
        let plan = plan(1, &[("held", &text), ("other", &text)]);
        assert!(sync(&store, &plan).await);
        miss(&store, 1).await;
        assert_eq!(fire(&store, &plan).await.len(), 2);
        miss(&store, 1).await;
        let (taken, is_taken) = oneshot::channel();
        let (end, ends) = oneshot::channel::<()>();
        let holds = store.write(move |transaction| {
            Box::pin(async move {
                let sql = "SELECT id FROM open_runs WHERE origin = 'schedule held' FOR UPDATE";
                transaction.query(Statement::new(sql)).await?;
                taken.send(()).ok();
                ends.await.ok();
                Ok(())
            })
        });
        let others = async {
            is_taken.await.expect("it is held");
            let fired = tokio::time::timeout(Duration::from_secs(5), fire(&store, &plan)).await;
            let fired = fired.expect("it waits for nobody");
            let names: Vec<_> = fired.iter().map(|fired| fired.schedule.as_str()).collect();
            assert_eq!(names, ["other"]);
            drop(end);
        };
        let (held, ()) = tokio::join!(holds, others);
        held.expect("the store answers");
        assert_eq!(fire(&store, &plan).await.len(), 1, "then it has its turn");
    });
}

on_both!(
    an_occurrence_has_its_run_once_however_many_look,
    async |store: Store, _url| {
        let plan = overlapping(&store, "skip", 1).await;
        let fired = join_all((0..8).map(|_| fire(&store, &plan))).await;
        let fired: Vec<_> = fired.into_iter().flatten().collect();
        assert_eq!(fired.len(), 1, "{fired:?}");
        assert_eq!(numbers(&store, "SELECT COUNT(*) AS n FROM runs").await, [1]);
        let run = by_id(&store, &fired[0].runs[0]).await;
        assert_eq!(
            (run.origin.to_string().as_str(), run.revision),
            ("schedule s", 1)
        );
        assert_eq!(run.input["day"], "2026-01-02");
        let kept = &kept(&store).await["s"];
        assert_eq!(kept.last_run.as_ref(), Some(&run.id));
        assert_eq!(kept.last_status.map(RunStatus::as_str), Some("queued"));
        assert!(kept.next_at > Some(Timestamp::now()));
        assert!(claimed(&store, None).await.is_some(), "it is due");
    }
);

on_both!(
    nothing_fires_of_a_revision_that_is_not_active,
    async |store: Store, _url| {
        let plan = overlapping(&store, "skip", 1).await;
        activate(&store, 2).await;
        assert_eq!(fire(&store, &plan).await, []);
        assert_eq!(numbers(&store, "SELECT COUNT(*) AS n FROM runs").await, [0]);
    }
);

on_both!(
    what_is_too_late_is_dropped_and_counted,
    async |store: Store, _url| {
        activate(&store, 1).await;
        let late = YEARLY.replace("87600h", "10s");
        let plan = plan(1, &[("s", &late)]);
        sync(&store, &plan).await;
        miss(&store, 3).await;
        let fired = fire(&store, &plan).await;
        assert_eq!((fired[0].runs.len(), fired[0].dropped), (0, 3));
        let kept = &kept(&store).await["s"];
        assert_eq!((kept.dropped, kept.skipped, &kept.last_run), (3, 0, &None));
        assert_eq!(fire(&store, &plan).await, []);
    }
);

on_both!(
    of_occurrences_that_are_skipped_the_first_runs,
    async |store: Store, _url| {
        let plan = overlapping(&store, "skip", 3).await;
        let fired = fire(&store, &plan).await;
        assert_eq!((fired[0].runs.len(), fired[0].skipped), (1, 2));
        miss(&store, 1).await;
        let fired = fire(&store, &plan).await;
        assert_eq!((fired[0].runs.len(), fired[0].skipped), (0, 1));
        assert_eq!(kept(&store).await["s"].skipped, 3);
        let claim = claimed(&store, None).await.expect("it is due");
        assert!(record(&store, &claim, RunStatus::Done).await);
        miss(&store, 1).await;
        let fired = fire(&store, &plan).await;
        assert_eq!((fired[0].runs.len(), fired[0].skipped), (1, 0));
    }
);

on_both!(
    queued_occurrences_run_one_after_the_other,
    async |store: Store, _url| {
        let plan = overlapping(&store, "queue", 2).await;
        let mut wanted = fire(&store, &plan).await.remove(0).runs;
        miss(&store, 1).await;
        wanted.extend(fire(&store, &plan).await.remove(0).runs);
        assert_eq!(wanted.len(), 3);
        let mut ran = Vec::new();
        for (turn, status) in [RunStatus::Done, RunStatus::Failed, RunStatus::Done]
            .into_iter()
            .enumerate()
        {
            let claim = claimed(&store, None).await.expect("one is due");
            assert!(
                claimed(&store, None).await.is_none(),
                "turn {turn}: two at once"
            );
            // At a gate it has not ended.
            assert!(record(&store, &claim, RunStatus::Gated).await);
            assert!(
                claimed(&store, None).await.is_none(),
                "turn {turn}: two at once"
            );
            execute(
                &store,
                "UPDATE open_runs SET status = 'queued', wake_at = 1 WHERE status = 'gated'",
            )
            .await;
            let claim = claimed(&store, None).await.expect("it goes on");
            assert!(record(&store, &claim, status).await);
            ran.push(claim.run.id);
        }
        assert_eq!(ran, wanted);
        assert!(claimed(&store, None).await.is_none());
    }
);

on_both!(
    a_run_that_is_replaced_is_cancelled_and_the_last_runs,
    async |store: Store, _url| {
        let plan = overlapping(&store, "replace", 3).await;
        let fired = fire(&store, &plan).await.remove(0);
        assert_eq!((fired.runs.len(), fired.skipped), (1, 2));
        // One that no worker has ends at once.
        miss(&store, 1).await;
        let second = fire(&store, &plan).await.remove(0);
        assert_eq!(second.cancelled, fired.runs);
        assert_eq!(
            by_id(&store, &fired.runs[0]).await.status,
            RunStatus::Cancelled
        );
        // One that a worker has is told, and the next waits for its end.
        let claim = claimed(&store, None).await.expect("it is due");
        assert_eq!(claim.run.id, second.runs[0]);
        miss(&store, 1).await;
        let third = fire(&store, &plan).await.remove(0);
        assert_eq!(third.cancelled, second.runs);
        assert!(claimed(&store, None).await.is_none(), "two at once");
        assert_eq!(
            numbers(
                &store,
                "SELECT COUNT(*) AS n FROM open_runs WHERE stop_request = 'cancel'"
            )
            .await,
            [1]
        );
        let mut told = claim;
        told.told.signals += 1;
        assert!(record(&store, &told, RunStatus::Cancelled).await);
        let claim = claimed(&store, None).await.expect("it is due");
        assert_eq!(claim.run.id, third.runs[0]);
    }
);

on_both!(
    a_start_with_jitter_is_not_due_before_it,
    async |store: Store, _url| {
        activate(&store, 1).await;
        // Almost surely later than a year after the last New Year's Day: it starts in between.
        let text = format!("{YEARLY}jitter = \"8760h\"\n");
        let schedule: Schedule = toml::from_str(&text).expect("a schedule");
        let plan = plan(1, &[("s", &text)]);
        sync(&store, &plan).await;
        miss(&store, 1).await;
        let fired = fire(&store, &plan).await.remove(0);
        let run = by_id(&store, &fired.runs[0]).await;
        let now = Timestamp::now();
        let year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
        let occurrence = jiff::civil::date(year, 1, 1).in_tz("UTC").expect("a day");
        let start = schedule.start("s", occurrence.timestamp());
        let late = run.wake_at.duration_since(start.max(run.created_at)).abs();
        assert!(late.as_secs() < 60, "{} is not {start}", run.wake_at);
        assert_eq!(claimed(&store, None).await.is_some(), start <= now);
    }
);

on_both!(
    a_run_that_a_person_fires_keeps_to_the_overlap,
    async |store: Store, _url| {
        let plan = overlapping(&store, "skip", 1).await;
        let next = kept(&store).await["s"].next_at;
        let fire_now = async || {
            let planned = plan.schedules["s"].clone();
            let fired = schedules::fire_now(&store, "s", planned).await;
            fired.expect("the store answers").runs.len()
        };
        assert_eq!(fire_now().await, 1);
        assert_eq!(fire_now().await, 0, "the one before has not ended");
        let kept = kept(&store).await;
        assert_eq!((kept["s"].next_at, kept["s"].skipped), (next, 0));
    }
);

/// When the policy is due next, in minutes after its last end.
async fn minutes(store: &Store) -> Vec<i64> {
    let sql = "SELECT (next_at - finished_at) / 60000000 AS n FROM schedules, policy_runs";
    numbers(store, sql).await
}

on_both!(
    a_policy_runs_its_pause_after_the_last_end,
    async |store: Store, _url| {
        activate(&store, 1).await;
        let mut keep = planned("", 1, Cadence::Pause(Duration::from_secs(24 * 3600)));
        keep.run.pipeline = "policy:keep".to_owned();
        let schedules = BTreeMap::from([("policy:keep".to_owned(), keep)]);
        let plan = Arc::new(Timetable {
            revision: 1,
            schedules,
        });
        sync(&store, &plan).await;
        for (status, pause) in [
            (RunStatus::Failed, 10),
            (RunStatus::NothingToDo, 24 * 60),
            (RunStatus::Cancelled, 10),
            (RunStatus::Done, 24 * 60),
        ] {
            assert_eq!(fire(&store, &plan).await[0].runs.len(), 1, "{status}");
            execute(&store, "UPDATE schedules SET next_at = 1").await;
            let again = fire(&store, &plan).await;
            assert_eq!(again[0].runs.len(), 0, "{status}: it is under way");
            let claim = claimed(&store, None).await.expect("it is due");
            assert!(record(&store, &claim, status).await);
            let last = policy_runs::all(&store).await.expect("one");
            assert_eq!(last["keep"].status, status.as_str());
            assert_eq!(minutes(&store).await, [pause], "{status}");
            // A worker that begins anew finds the same.
            execute(&store, "UPDATE schedules SET next_at = NULL").await;
            sync(&store, &plan).await;
            assert_eq!(minutes(&store).await, [pause], "{status}");
            assert_eq!(fire(&store, &plan).await, []);
            execute(&store, "UPDATE schedules SET next_at = 1").await;
        }
    }
);
