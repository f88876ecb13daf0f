//! Keys whose rates are spent: their runs wait for their windows, and cost the others nothing.

use std::time::Duration;

use callboard_core::store::Dialect;
use callboard_core::store::runs::{Run, RunLimits};

use super::bench::{new_run, open, queue, queue_runs, rack, until_ended, well};
use super::chance::length;
use super::judge::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::on_each;

const DUE: &str = "open_runs WHERE limit_key IS NOT NULL AND status = 'queued' AND wake_at < \
    (SELECT MAX(finished_at) FROM history)";

/// Runs of so many keys, each of which may start once a day.
fn rated(keys: usize) -> Vec<Run> {
    let run = |key| Run {
        limits: RunLimits {
            key: Some(format!("brief/{key}")),
            at_once: None,
            rate: Some(1),
            rate_window: Some(Duration::from_secs(86_400)),
        },
        ..new_run("brief", "well")
    };
    (0..keys).map(run).collect()
}

on_each!(
    runs_whose_keys_are_spent_wait_and_the_others_go_on,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let keys = length(40, 2000);
        queue_runs(&factory, rated(keys));
        let worker = Worker::start(&factory);
        until_ended(&factory);
        let spent = queue_runs(&factory, rated(keys));
        queue(&factory, "branches", &well(20));
        let waiting = i64::try_from(keys).expect("a count");
        eventually("the others go on", || {
            (open(&factory) == waiting).then_some(())
        });
        assert_eq!(
            factory.count(DUE),
            0,
            "they are put off, and not looked at again"
        );
        let detail = format!("SELECT detail FROM open_runs WHERE id = '{}'", spent[0]);
        let detail = factory.texts(&detail, "detail").join("");
        assert!(detail.contains("waits for its limit"), "{detail}");
        // The window has passed.
        factory.execute("UPDATE history SET started_at = 1 WHERE limit_key IS NOT NULL");
        factory.execute("UPDATE open_runs SET wake_at = 1");
        until_ended(&factory);
        worker.drain();
        let done = 2 * keys + 20;
        assert_eq!(judge(&factory), [("done".to_owned(), done)].into());
    }
);
