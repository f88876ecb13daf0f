//! Signals that reach runs while their stages are under way: gates are sent back, approved or
//! left to lapse, runs are paused, resumed and cancelled, as chance has it.

use std::collections::BTreeSet;
use std::sync::Arc;

use callboard_core::app::App;
use callboard_core::engine::operate::{self, Actor};
use callboard_core::engine::{Engine, EngineError, Unwatched, gate};
use callboard_core::store::gates::{self, Decision, GateVerdict};
use callboard_core::store::runs::{self, RunStatus};
use callboard_core::store::{Dialect, StoreErrorKind};

use super::bench::{open, queue, rack};
use super::chance::{Chance, length, tell};
use super::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::database::runtime;
use crate::support::factory::{Factory, on_each};

/// A gate that sends the run back, beside stages that take a while.
const SENT_BACK: &str = r#"
name = "sent_back"
budget = "30m"
input.plan.required = true
stage = [
    { id = "a", handler = "probe.acts", timeout = "5m", max_visits = 4 },
    { id = "ask", gate = "good?", needs = ["a"], regenerate = { text = "a" }, on.rejected = "goto:a", expiry = { after = "2s", as = "rejected" } },
    { id = "b", handler = "probe.counts", needs = ["a"], timeout = "5m" },
    { id = "c", handler = "probe.acts", needs = ["a"], timeout = "5m" },
    { id = "d", handler = "probe.acts", needs = ["ask", "b", "c"], timeout = "5m" },
]
"#;

/// The process that sends the signals.
struct Conductor {
    engine: Engine,
    /// Runs whose cancel was taken.
    cancelled: BTreeSet<String>,
}

impl Conductor {
    async fn new(factory: &Factory) -> Self {
        let app = App::open(&factory.workspace(), Some(&factory.url())).await;
        Self {
            engine: app
                .expect("the workspace opens")
                .engine(Arc::new(Unwatched)),
            cancelled: BTreeSet::new(),
        }
    }

    /// Decide the open gate of a run, if it has one.
    async fn decide(&self, run: &str, decision: Decision) {
        let open = gates::open_of_run(&self.engine.store, run).await;
        let Some(gate) = open.expect("the database answers").pop() else {
            return;
        };
        let verdict = GateVerdict {
            decision,
            part: (decision == Decision::Regenerated).then(|| "text".to_owned()),
            feedback: "as chance has it".to_owned(),
            by: "Ada".to_owned(),
            seen: None,
        };
        taken(gate::decide(&self.engine, &gate, verdict).await);
    }

    async fn steer(&mut self, id: &str, to: RunStatus) {
        let (store, by) = (
            &self.engine.store,
            Actor {
                name: "Ada".to_owned(),
                reason: String::new(),
            },
        );
        let run = runs::by_id(store, id).await.expect("it answers");
        let run = run.expect("a run");
        let steered = match to {
            RunStatus::Cancelled => operate::cancel(store, &run, &by).await,
            RunStatus::Paused => operate::pause(store, &run, &by).await,
            _ => operate::resume(store, &run, &by).await,
        };
        if taken(steered.map(drop)) && to == RunStatus::Cancelled {
            self.cancelled.insert(id.to_owned());
        }
    }

    /// One signal of any kind to any run.
    async fn any(&mut self, chance: &mut Chance, runs: &[String]) {
        let run = chance.one_of(runs).clone();
        match chance.below(20) {
            0..6 => self.decide(&run, Decision::Regenerated).await,
            6..8 => self.decide(&run, Decision::Rejected).await,
            8..12 => self.decide(&run, Decision::Approved).await,
            12..15 => self.steer(&run, RunStatus::Paused).await,
            15..19 => self.steer(&run, RunStatus::Queued).await,
            _ => self.steer(&run, RunStatus::Cancelled).await,
        }
    }
}

/// Whether a signal was taken; a run may refuse it, and nothing else may go wrong.
fn taken(answer: Result<(), EngineError>) -> bool {
    match answer {
        Ok(()) => true,
        Err(EngineError::Refused { .. }) => false,
        Err(EngineError::Store(error))
            if matches!(
                error.kind,
                StoreErrorKind::Constraint | StoreErrorKind::Duplicate
            ) =>
        {
            false
        }
        Err(error) => panic!("{error}"),
    }
}

on_each!(
    gates_sent_back_under_load_leave_no_result_of_what_was_undone,
    |dialect: Dialect| {
        let mut chance = Chance::new("signals");
        let factory = rack(dialect);
        factory.write("pipelines/sent_back.toml", SENT_BACK);
        factory.ok(&["apply"]);
        let plans: Vec<_> = (0..length(30, 300))
            .map(|_| {
                format!(
                    "{}=sleep:{}",
                    chance.one_of(&["b", "c"]),
                    50 + chance.below(300)
                )
            })
            .collect();
        let runs = queue(&factory, "sent_back", &plans);
        // They are of the revision that has the pipeline.
        factory.execute("UPDATE open_runs SET revision = (SELECT MAX(id) FROM revisions)");
        let worker = Worker::start(&factory);
        let cancelled = runtime().block_on(async {
            let mut conductor = Conductor::new(&factory).await;
            for _ in 0..length(400, 6000) {
                conductor.any(&mut chance, &runs).await;
                let pause = u64::try_from(chance.below(20)).expect("a small number");
                tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
            }
            // What is left is let go on to its end.
            for run in &runs {
                conductor.steer(run, RunStatus::Queued).await;
            }
            conductor.engine.store.close().await;
            conductor.cancelled
        });
        eventually("every run ends", || (open(&factory) == 0).then_some(()));
        worker.drain();
        judged(&factory, &cancelled);
    }
);

fn judged(factory: &Factory, cancelled: &BTreeSet<String>) {
    judge::always(factory);
    let ended = |status: &str| -> BTreeSet<String> {
        let sql = format!("SELECT id AS text FROM history WHERE status = '{status}'");
        factory.texts(&sql, "text").into_iter().collect()
    };
    assert_eq!(
        &ended("cancelled"),
        cancelled,
        "a cancel that was taken stands"
    );
    let others = "SELECT status || ': ' || detail AS text FROM history \
        WHERE status NOT IN ('done', 'cancelled')";
    for other in factory.texts(others, "text") {
        assert!(other.contains("max_visits"), "{other}");
    }
    // Stages that count began after all that they need had ended, and no loop lies between.
    let stale = "SELECT later.run || ' ' || later.stage || ' ' || later.visit AS text \
        FROM stage_runs AS later JOIN stage_runs AS needed ON needed.run = later.run \
        WHERE NOT later.superseded AND NOT needed.superseded AND later.handler IS NOT NULL \
            AND needed.handler IS NOT NULL \
            AND ((needed.stage = 'a' AND later.stage IN ('b', 'c')) \
                OR (needed.stage IN ('b', 'c') AND later.stage = 'd')) \
            AND later.started_at + 20000 < needed.finished_at";
    assert_eq!(
        factory.texts(stale, "text"),
        [""; 0],
        "begun before what it needs"
    );
    let behind = "SELECT later.run || ' ' || later.stage AS text \
        FROM stage_runs AS later JOIN stage_runs AS back ON back.run = later.run \
        WHERE NOT later.superseded AND back.follow = 'goto:a' AND later.step < back.step";
    assert_eq!(
        factory.texts(behind, "text"),
        [""; 0],
        "it counts behind a loop"
    );
    let sent_back = factory.count("stage_runs WHERE follow = 'goto:a'");
    let undone = factory.count("stage_runs WHERE superseded AND outcome = 'nothing-to-do'");
    tell(&format!(
        "{sent_back} times sent back, {undone} results not kept"
    ));
    assert!(sent_back > 0, "nothing was tried");
    assert!(undone > 0, "nothing was under way");
}
