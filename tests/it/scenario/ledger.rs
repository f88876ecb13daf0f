//! The ledger of effects becomes findings: once each, and resolved when the handler recovers.

use std::sync::Arc;

use callboard_core::app::{App, WorkerDuties};
use callboard_core::engine::Unwatched;
use callboard_core::engine::worker::Duties as _;
use callboard_core::store::poll;
use callboard_core::store::{Dialect, findings};
use jiff::ToSpan as _;

use crate::support::database::runtime;
use crate::support::factory::{Factory, KEEP, on_each};

/// The duties of a worker, whose clock is what the test says.
struct Worker {
    app: App,
    upkeep: WorkerDuties,
}

impl Worker {
    async fn new(factory: &Factory) -> Self {
        crate::support::compiles();
        let app = App::open(&factory.workspace(), Some(&factory.url())).await;
        let app = app.expect("the workspace opens");
        let upkeep = WorkerDuties::new(&app, tokio::sync::watch::Sender::default());
        Self { app, upkeep }
    }

    /// What the duties do so many seconds from now; gives the open findings.
    async fn attend(&self, seconds: i64) -> Vec<(String, u64)> {
        let store = self.app.store();
        let mut poll = poll::ask(store, "", 1).await.expect("it answers");
        poll.now += seconds.seconds();
        let engine = self.app.engine(Arc::new(Unwatched));
        let attended = self.upkeep.attend(&engine, &poll).await;
        attended.expect("the duties are done");
        let open = findings::open(store).await.expect("it answers");
        open.into_iter()
            .map(|finding| (finding.key, finding.times))
            .collect()
    }

    async fn execute(&self, sql: &str) {
        let statement = callboard_core::value::Statement::new(sql);
        let changed = self.app.store().execute(statement).await;
        assert_eq!(changed.expect("it is changed"), 1, "{sql}");
    }
}

/// Each kind, of the only policy.
fn keys(kinds: &[&str]) -> Vec<(String, u64)> {
    let key = |kind| (format!("{kind}:policy:{KEEP}:retention.keep_newest"), 1);
    kinds.iter().map(key).collect()
}

on_each!(
    silence_and_success_without_effect_are_findings_once_until_they_pass,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        factory.ok(&["policies", "run", KEEP]);
        runtime().block_on(async {
            let worker = Worker::new(&factory).await;
            assert_eq!(worker.attend(0).await, []);
            // The cadence is a day: three of them, and a second more.
            let late = "UPDATE effects SET without = 5, last_success = last_success - 259201000000";
            worker.execute(late).await;
            assert_eq!(worker.attend(59).await, [], "not a minute later yet");
            let mut open = worker.attend(61).await;
            open.sort();
            assert_eq!(open, keys(&["no-effect", "silence"]));
            let mut again = worker.attend(122).await;
            again.sort();
            assert_eq!(again, open, "raised once, and not once a minute");
            let well = "UPDATE effects SET without = 0, last_success = last_success + 259201000000";
            worker.execute(well).await;
            assert_eq!(worker.attend(123).await.len(), 2, "not a minute later yet");
            assert_eq!(worker.attend(183).await, []);
            let resolved = findings::all(worker.app.store()).await.expect("it answers");
            assert_eq!(resolved.len(), 2);
            worker.app.store().close().await;
        });
        let all = factory.json(&["findings", "list", "--all"]);
        assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
        assert_eq!(factory.json(&["findings", "list"]), serde_json::json!([]));
    }
);

on_each!(
    a_policy_that_never_succeeded_is_silent_from_its_revision_on,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        runtime().block_on(async {
            let worker = Worker::new(&factory).await;
            assert_eq!(worker.attend(0).await, []);
            let days = 3 * 24 * 3600;
            assert_eq!(worker.attend(days - 60).await, []);
            assert_eq!(worker.attend(days + 60).await, keys(&["silence"]));
            worker.app.store().close().await;
        });
        let prefix = "silence:";
        factory.ok(&["findings", "resolve", prefix]);
        assert_eq!(factory.run(&["findings", "resolve", prefix]).code, 2);
        assert_eq!(factory.count("findings WHERE resolved_at IS NULL"), 0);
    }
);

on_each!(a_list_of_policies_says_how_they_fare, |dialect: Dialect| {
    let factory = Factory::bare(dialect);
    let before = factory.json(&["policies", "list"]);
    assert!(before[0]["ledger"].is_null(), "{before}");
    for _ in 0..2 {
        factory.ok(&["policies", "run", KEEP]);
    }
    let after = factory.json(&["policies", "list"]);
    let ledger = &after[0]["ledger"];
    assert!(ledger["last_success"].is_string(), "{after}");
    assert!(ledger["last_effect"].is_null(), "{after}");
    assert_eq!(ledger["without"], 2, "{after}");
    assert_eq!(
        factory.execute("UPDATE effects SET last_effect = last_success - 259201000000"),
        1
    );
    let printed = factory.ok(&["policies", "list"]);
    assert!(printed.contains("LAST EFFECT"), "{printed}");
});

on_each!(
    history_is_removed_by_hand_and_by_the_worker,
    |dialect: Dialect| {
        let factory = Factory::bare_written(dialect);
        let config = factory.read("callboard.toml");
        factory.write("callboard.toml", config + "[engine]\nhistory = \"90d\"\n");
        factory.ok(&["apply"]);
        factory.ok(&["policies", "run", KEEP]);
        let line = ["runs", "prune", "--older-than", "90d"];
        let none = serde_json::json!({ "found": 0, "removed": 0, "counted": 0 });
        assert_eq!(factory.json(&line), none, "it has just ended");
        let old = "UPDATE history SET finished_at = 1";
        factory.execute(old);
        let dry = factory.json(&[&line[..], &["--dry-run"]].concat());
        assert_eq!(
            dry,
            serde_json::json!({ "found": 1, "removed": 0, "counted": 0 })
        );
        assert_eq!(factory.count("history"), 1);
        let ran = factory.run(&line);
        assert!(ran.stderr.contains("removed 1 of 1 runs"), "{ran}");
        assert_eq!(
            (factory.count("history"), factory.count("stage_runs")),
            (0, 0)
        );
        factory.ok(&["policies", "run", KEEP]);
        factory.execute(old);
        runtime().block_on(async {
            let worker = Worker::new(&factory).await;
            worker.attend(0).await;
            let rows = || async {
                let statement = callboard_core::value::Statement::new("SELECT id FROM history");
                let rows = worker.app.store().query(statement).await;
                rows.expect("it answers").rows.len()
            };
            // It is done beside the worker's other work.
            let removed = async {
                while rows().await > 0 {
                    tokio::task::yield_now().await;
                }
            };
            let bound = crate::support::daemon::BOUND;
            let removed = tokio::time::timeout(bound, removed).await;
            removed.expect("the worker removes it");
            worker.app.store().close().await;
        });
        assert_eq!(factory.count("policy_runs"), 1, "how it ended stays");
    }
);
