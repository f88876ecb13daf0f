//! Rows that cannot be read: each blocks its own run, by name, and the others go on.

use callboard_core::store::Dialect;

use super::bench::{open, queue, rack, until_ended, well};
use super::judge::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::on_each;

on_each!(
    a_row_that_cannot_be_read_blocks_its_own_run_and_is_named,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let poison = queue(&factory, "branches", &well(3));
        queue(&factory, "branches", &well(8));
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let [input, number, checkpoint] = [&poison[0], &poison[1], &poison[2]];
        factory.execute(&format!(
            "UPDATE open_runs SET input = '{{\"plan\":{deep}}}' WHERE id = '{input}'"
        ));
        factory.execute(&format!(
            "UPDATE open_runs SET input = 'no JSON' WHERE id = '{number}'"
        ));
        factory.execute(&format!(
            "INSERT INTO stage_runs (run, stage, visit, step, fence, handler, attempts, holds, \
                outcome, follow, report, superseded, started_at, finished_at) \
            VALUES ('{checkpoint}', 'a', 1, 1, 1, 'probe.acts', 1, 0, 'done', 'continue', \
                '{{\"outcome\":\"perhaps\"}}', FALSE, 1, 1)"
        ));
        factory.execute(&format!(
            "UPDATE open_runs SET fence = 1 WHERE id = '{checkpoint}'"
        ));
        // Before anybody has met them.
        let doctor = factory.run(&["doctor"]);
        for run in &poison {
            assert!(doctor.stdout.contains(run.as_str()), "{doctor}");
        }
        let worker = Worker::start(&factory);
        eventually("the others go on", || (open(&factory) == 3).then_some(()));
        for run in &poison {
            let blocked =
                format!("open_runs WHERE id = '{run}' AND status = 'blocked' AND worker IS NULL");
            assert_eq!(factory.count(&blocked), 1, "{run}");
            let finding =
                format!("findings WHERE key = 'unreadable:{run}' AND resolved_at IS NULL");
            assert_eq!(factory.count(&finding), 1, "{run}");
        }
        let listed = factory.json(&["runs", "list", "--limit", "50"]);
        let listed = listed.as_array().expect("a list");
        assert_eq!(
            listed
                .iter()
                .filter(|run| run["status"] == "unreadable")
                .count(),
            2
        );
        assert_ne!(factory.run(&["doctor"]).code, 0);
        factory.ok(&["runs", "show", checkpoint]);
        // Two are ended, and one is mended.
        factory.ok(&["runs", "cancel", input]);
        factory.execute(&format!(
            "DELETE FROM stage_runs WHERE run = '{checkpoint}'"
        ));
        factory.execute(&format!(
            "UPDATE open_runs SET input = '{{\"plan\":\"well\"}}' WHERE id = '{number}'"
        ));
        worker.drain();
        factory.run(&["runs", "resume", number]);
        factory.run(&["runs", "resume", checkpoint]);
        until_ended(&factory);
        factory.execute(&format!(
            "UPDATE history SET input = '{{\"plan\":\"well\"}}' WHERE id = '{input}'"
        ));
        let expected = [("cancelled".to_owned(), 1), ("done".to_owned(), 10)];
        factory.execute("UPDATE findings SET resolved_at = 1");
        assert_eq!(judge(&factory), expected.into());
    }
);
