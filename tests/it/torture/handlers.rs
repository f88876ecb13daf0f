//! Handlers that never return, return too late, trap, return garbage or kill their worker.

use callboard_core::store::Dialect;

use super::bench::{queue, rack, until_ended, well};
use super::chance::length;
use super::judge::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::{Factory, on_each};

/// What the column `text` of the only row holds.
fn text(factory: &Factory, sql: &str) -> String {
    factory.texts(sql, "text").join("; ")
}

/// What the only stage of a run says went wrong.
fn message(factory: &Factory, run: &str) -> String {
    let sql = format!("SELECT report FROM stage_runs WHERE run = '{run}' AND stage = 'b'");
    factory.texts(&sql, "report").join("\n")
}

on_each!(
    handlers_that_misbehave_fail_their_own_run_and_no_other,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let acts = ["b=spins", "b=sleep:20000"];
        let late = queue(&factory, "brief", &acts.map(str::to_owned));
        let acts = ["b=traps", "b=lies", "b=refused"];
        let broken = queue(&factory, "branches", &acts.map(str::to_owned));
        queue(&factory, "branches", &well(20));
        let worker = Worker::start(&factory);
        until_ended(&factory);
        worker.drain();
        let statuses = judge(&factory);
        let expected = [("done".to_owned(), 20), ("failed".to_owned(), 5)];
        assert_eq!(statuses, expected.into());
        for run in &late {
            let message = message(&factory, run);
            assert!(message.contains("\"timeout\""), "{message}");
        }
        for (run, cause) in broken.iter().zip(["trap", "schema", "deferred write"]) {
            let message = message(&factory, run);
            assert!(message.contains(cause), "{message}");
        }
    }
);

on_each!(
    a_run_that_kills_its_workers_is_blocked_and_the_others_go_on,
    |dialect: Dialect| {
        let factory = rack(dialect);
        factory.edit("callboard.toml", "recoveries = 1000", "recoveries = 3");
        // All of them are in the hands of each worker that is killed.
        let others = length(5, 7);
        queue(&factory, "branches", &well(others + 1));
        for _ in 0..3 {
            let mut victim = Worker::with_fault(&factory, "before-handler=kill");
            eventually("it is killed", || victim.is_dead().then_some(()));
            factory.execute("UPDATE open_runs SET lease_until = 1 WHERE status = 'running'");
        }
        // The last try was one run's alone.
        let worker = Worker::start(&factory);
        eventually("the others go on", || {
            (factory.count("history WHERE origin = 'cli'") == i64::try_from(others).ok()?)
                .then_some(())
        });
        let blocked = "SELECT id AS text FROM open_runs WHERE status = 'blocked'";
        let blocked = text(&factory, blocked);
        let statuses = judge(&factory);
        let expected = [("blocked".to_owned(), 1), ("done".to_owned(), others)];
        assert_eq!(statuses, expected.into());
        let finding = format!("findings WHERE key = 'poisoned:{blocked}'");
        assert_eq!(factory.count(&finding), 1);
        // A person has mended it.
        factory.ok(&["runs", "resume", &blocked]);
        until_ended(&factory);
        worker.drain();
        assert_eq!(judge(&factory), [("done".to_owned(), others + 1)].into());
    }
);
