//! Each signal in each state of a run, on both databases: what is answered is what the table
//! says, and what is left is what was answered.

use std::fmt::Write as _;
use std::time::Duration;

use callboard_core::outcome::{Done, Outcome, Patch};
use callboard_core::pipeline::Follow;
use callboard_core::store::checkpoints::{self, Committed};
use callboard_core::store::decisions::{self, GateDecision};
use callboard_core::store::gates::{Decision, Gate, GateVerdict};
use callboard_core::store::holders::{self, Holder};
use callboard_core::store::leases::StopRequest;
use callboard_core::store::runs::{Run, RunStatus};
use callboard_core::store::stage_runs::{StageRun, VisitOf};
use callboard_core::store::steering::table::{RunState, SIGNALS, STATES, Signal, answer};
use callboard_core::store::steering::{self, RunVersion, SteerResult, Steered, StopReason};
use callboard_core::store::{Store, timestamp};

use super::execute;
use super::runs::{by_id, checkpoint, claimed, let_the_lease_end, queue, run};
use crate::support::database::on_both;

const GATE: &str = "approve";

fn row(run: &str, stage: &str, step: i64, follow: Follow) -> StageRun {
    StageRun {
        run: run.to_owned(),
        stage: stage.to_owned(),
        visit: 1,
        step,
        what: VisitOf::Gate,
        attempts: 1,
        holds: 0,
        outcome: Outcome::Done(Done::new(Patch::new())),
        follow,
        undone: None,
        log: Vec::new(),
        superseded: false,
        wake_at: None,
        started_at: timestamp(1_000_000),
        finished_at: timestamp(2_000_000),
    }
}

fn gate(run: &str) -> Gate {
    Gate {
        run: run.to_owned(),
        stage: GATE.to_owned(),
        visit: 1,
        question: "Good?".to_owned(),
        shows: Patch::new(),
        subject: None,
        opened_at: timestamp(1_000_000),
        expires_at: None,
        decision: None,
        part: None,
        feedback: None,
        decided_by: None,
        decided_at: None,
    }
}

/// A run with a checkpoint and an open gate, brought into a state.
async fn put(store: &Store, id: &str, state: RunState) {
    queue(store, &[run(id)]).await;
    let claim = claimed(store, Some(id)).await.expect("it is due");
    let status = match state {
        RunState::Queued => RunStatus::Queued,
        RunState::Waiting => RunStatus::Waiting,
        RunState::Gated => RunStatus::Gated,
        RunState::Paused => RunStatus::Paused,
        RunState::Blocked => RunStatus::Blocked,
        RunState::Ended => RunStatus::Done,
        _ => RunStatus::Running,
    };
    let stage = row(id, "draft", 1, Follow::Continue);
    let mut kept = checkpoint(&claim, vec![stage], status);
    kept.gates = vec![gate(id)];
    let kept = checkpoints::commit(store, vec![kept.into()]).await;
    assert!(kept.expect("the store answers")[0].is_kept());
    let stop_request = match state {
        RunState::Pausing => Some(StopRequest::Pause),
        RunState::Cancelling | RunState::Doomed => Some(StopRequest::Cancel),
        _ => None,
    };
    if let Some(stop_request) = stop_request {
        let told = steering::stop(store, id, stop_request, a_reason()).await;
        assert_eq!(told.expect("the store answers"), Ok(Steered::Told));
    }
    match state {
        RunState::Doomed => let_the_lease_end(store).await,
        RunState::Silent => {
            execute(
                store,
                "UPDATE open_runs SET lease_until = 1 WHERE status = 'running'",
            )
            .await;
        }
        _ => {}
    }
}

async fn holder(store: &Store, id: &str) -> Holder {
    let holder = holders::of(store, id).await.expect("the store answers");
    holder.expect("a run")
}

/// The state that a run is in, as a look from outside tells it.
fn state_of(run: &Run, holder: &Holder) -> RunState {
    let held = holder.lease_until.is_some_and(|until| until > timestamp(1));
    RunState::of(run.status, holder.told.stop_request, held)
}

/// The ways in which a gate is decided: what follows, and what is visited anew.
const DECISIONS: [(Decision, Follow, &[&str]); 5] = [
    (Decision::Approved, Follow::Continue, &[]),
    (Decision::Rejected, Follow::End, &[]),
    (Decision::Regenerated, Follow::Hold, &["draft", GATE]),
    (Decision::Expired, Follow::End, &[]),
    (Decision::Expired, Follow::Hold, &["draft", GATE]),
];

async fn decide(store: &Store, id: &str, holder: &Holder, way: usize) -> SteerResult {
    let (decision, follow, superseded) = &DECISIONS[way % DECISIONS.len()];
    let follow = match follow {
        // A constant cannot own the name of the stage.
        Follow::Hold => Follow::Goto("draft".to_owned()),
        other => other.clone(),
    };
    let decided = GateDecision {
        gate: gate(id),
        verdict: GateVerdict {
            decision: *decision,
            part: None,
            feedback: String::new(),
            by: "Ada".to_owned(),
            seen: None,
        },
        row: row(id, GATE, 2, follow),
        signals: holder.told.signals,
        superseded: superseded.iter().map(|&stage| stage.to_owned()).collect(),
    };
    let kept = decisions::keep(store, decided).await;
    kept.expect("the store answers")
}

fn a_reason() -> StopReason {
    StopReason {
        by: "ada".to_owned(),
        detail: "a reason".to_owned(),
    }
}

async fn send(store: &Store, id: &str, signal: Signal, way: usize) -> SteerResult {
    let (run, holder) = (by_id(store, id).await, holder(store, id).await);
    let (fence, signals) = (holder.fence, holder.told.signals);
    let seen = RunVersion { fence, signals };
    let detail = "a reason".to_owned();
    let answer = match signal {
        Signal::Decide => Ok(decide(store, id, &holder, way).await),
        Signal::Cancel => steering::stop(store, id, StopRequest::Cancel, a_reason()).await,
        Signal::Pause => steering::stop(store, id, StopRequest::Pause, a_reason()).await,
        Signal::Resume => steering::resume(store, id, detail).await,
        Signal::Retry => {
            let retry = steering::retry::RetryPlan {
                run: id.to_owned(),
                seen,
                superseded: vec!["draft".to_owned(), GATE.to_owned()],
                detail,
            };
            steering::retry::retry(store, retry).await
        }
        Signal::Migrate => {
            let migrate = steering::migrate::MigratePlan {
                run,
                seen,
                superseded: Vec::new(),
                withdrawn: Vec::new(),
                detail,
            };
            steering::migrate::migrate(store, migrate).await
        }
        Signal::Fork => {
            let fork = steering::fork::ForkPlan {
                run: Run {
                    id: format!("fork of {id}"),
                    ..super::runs::run(id)
                },
                of: id.to_owned(),
                newest: 1,
                stages: vec!["draft".to_owned()],
            };
            let copied = steering::fork::fork(store, fork).await;
            assert_eq!(copied.expect("the store answers"), 1);
            let fork = by_id(store, &format!("fork of {id}")).await;
            Ok(Ok(Steered::Now(fork.status)))
        }
    };
    answer.expect("the store answers")
}

/// What is left of a run is what was answered.
async fn heeded(store: &Store, id: &str, what: (Signal, SteerResult), before: (Run, Holder)) {
    let (run, after) = (by_id(store, id).await, holder(store, id).await);
    let (signal, answer) = what;
    let said = format!("{id}: {answer:?}, {after:?}");
    match answer {
        Ok(_) if signal == Signal::Fork => assert_eq!((run, after), before, "{said}"),
        Err(_) => assert_eq!((run, after), before, "{said}"),
        Ok(Steered::Now(status)) => {
            assert_eq!(
                (run.status, after.told.stop_request),
                (status, None),
                "{said}"
            );
            // Who did it, and why, is in the row.
            assert_eq!(run.detail, "a reason", "{said}");
        }
        Ok(Steered::Kept) => {
            assert_eq!(run.status, before.0.status, "{said}");
            assert!(after.told.signals > before.1.told.signals, "{said}");
        }
        Ok(Steered::Told) => told(store, id, signal, before.1).await,
    }
}

/// Whatever the holder decided before it was told is refused, and it is told.
async fn told(store: &Store, id: &str, signal: Signal, before: Holder) {
    let held = callboard_core::store::leases::Lease {
        run: id.to_owned(),
        fence: before.fence,
    };
    let then = checkpoints::Then::Rest {
        status: RunStatus::Paused,
        detail: "paused".to_owned(),
        wake_at: timestamp(5),
    };
    let late = checkpoints::Checkpoint::blank(held, before.told.signals, Duration::ZERO, then);
    let committed = checkpoints::commit(store, vec![late.into()]).await;
    let committed = committed.expect("the store answers");
    let Committed::Outdated(told) = &committed[0] else {
        panic!("{id}: {committed:?}");
    };
    let stop_request = match signal {
        Signal::Cancel => Some(StopRequest::Cancel),
        Signal::Pause => Some(StopRequest::Pause),
        Signal::Resume => None,
        _ => before.told.stop_request,
    };
    assert_eq!(told.stop_request, stop_request, "{id}");
    assert!(told.signals > before.told.signals, "{id}");
    assert_eq!(by_id(store, id).await.status, RunStatus::Running, "{id}");
}

on_both!(
    each_signal_does_in_each_state_what_the_table_says,
    async |store: Store, _url| {
        for signal in SIGNALS {
            let ways = match signal {
                Signal::Decide => DECISIONS.len(),
                _ => 1,
            };
            for (state, way) in STATES
                .into_iter()
                .flat_map(|state| (0..ways).map(move |way| (state, way)))
            {
                let id = format!("{signal:?} {way} {state:?}");
                put(&store, &id, state).await;
                let before = (by_id(&store, &id).await, holder(&store, &id).await);
                assert_eq!(state_of(&before.0, &before.1), state, "{id}");
                let got = send(&store, &id, signal, way).await;
                assert_eq!(got, answer(signal, state), "{id}");
                heeded(&store, &id, (signal, got), before).await;
                // What is left would be in the way of the next that is claimed.
                execute(&store, "DELETE FROM open_runs").await;
            }
        }
    }
);

on_both!(
    a_decision_made_on_an_older_picture_is_refused,
    async |store: Store, _url| {
        put(&store, "a", RunState::Gated).await;
        let mut older = holder(&store, "a").await;
        older.told.signals += 1;
        let refused = decide(&store, "a", &older, 0).await;
        assert_eq!(refused, Err(steering::SteerRefusal::Changed));
        let open = callboard_core::store::gates::open(&store)
            .await
            .expect("gates");
        assert_eq!(open, [gate("a")]);
    }
);

#[test]
fn the_table_is_as_it_was_written() {
    let mut table = String::new();
    for signal in SIGNALS {
        for state in STATES {
            let answer = match answer(signal, state) {
                Ok(Steered::Now(status)) => format!("now {status}"),
                Ok(Steered::Told) => "its worker is told".to_owned(),
                Ok(Steered::Kept) => "kept".to_owned(),
                Err(refusal) => format!("no: {refusal}"),
            };
            let (signal, state) = (format!("{signal:?}"), format!("{state:?}"));
            writeln!(table, "{signal:8} {state:11} {answer}").expect("a text grows");
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/it/snapshots"
    ));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("signals", table));
}
