//! A process that is killed in the middle of a run: the run goes on from its last checkpoint,
//! once the lease has run out and not before.

use callboard_core::store::Dialect;

use super::model::{WELL, set_writer};
use crate::support::daemon::{Daemon, eventually};
use crate::support::factory::{DAY, Factory, board, diary, on_each};
use crate::support::model::{ModelServer, Say};

/// Start a diary whose model does not answer, and kill the program while it waits. Gives the
/// run's id.
fn killed(factory: &Factory, server: &ModelServer, repository: &std::path::Path) -> String {
    let line = diary(repository, DAY);
    let daemon = Daemon::start(factory, &line.each_ref().map(String::as_str));
    server.until_asked();
    daemon.signal("KILL");
    assert_eq!(daemon.ended().code, -1, "a signal ended it");
    let runs = factory.json(&["runs", "list"]);
    assert_eq!(runs[0]["status"], "running");
    runs[0]["id"].as_str().expect("an id").to_owned()
}

/// Every checkpoint: stage, visit and when it began.
fn checkpoints(factory: &Factory) -> Vec<(String, i64, i64)> {
    let sql = "SELECT stage, visit, started_at FROM stage_runs ORDER BY finished_at, stage";
    let rows = factory.query(sql);
    let rows = rows.iter().map(|row| {
        let (visit, at) = (row.integer("visit"), row.integer("started_at"));
        (
            row.text("stage").expect("a text"),
            visit.expect("a number"),
            at.expect("a time"),
        )
    });
    rows.collect()
}

on_each!(
    a_killed_run_goes_on_where_it_was_once_its_lease_ran_out,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        let server = ModelServer::new(Say::Hang);
        set_writer(&factory, &server);
        let repository = board();
        let run = killed(&factory, &server, repository.path());
        let before = checkpoints(&factory);
        assert_eq!(before.len(), 1, "{before:?}");
        assert_eq!(before[0].0, "collect");
        // The lease still stands: no other worker may touch the run.
        factory.execute("UPDATE open_runs SET lease_until = 9000000000000000");
        let ran = factory.run(&["runs", "resume", &run]);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stderr.contains("in the hands of worker"), "{ran}");
        assert_eq!(checkpoints(&factory), before);
        // It runs out.
        factory.execute("UPDATE open_runs SET lease_until = 1");
        server.say(Say::Text(WELL));
        let ran = factory.run(&["runs", "resume", &run]);
        assert_eq!(ran.code, 4, "{ran}");
        assert!(
            !ran.stderr.contains("collect (content.collect_git)"),
            "{ran}"
        );
        let after = checkpoints(&factory);
        assert_eq!(after[0], before[0], "a finished stage is not repeated");
        let stages: Vec<_> = after
            .iter()
            .map(|(stage, visit, _)| (stage.as_str(), *visit))
            .collect();
        assert_eq!(
            stages,
            [
                ("collect", 1),
                ("compose", 1),
                ("citations", 1),
                ("save", 1)
            ]
        );
        factory.ok(&["tasks", "approve", &factory.task()]);
        assert_eq!(factory.count("posts WHERE written_by = 'model quill-1'"), 1);
    }
);

on_each!(
    a_worker_takes_a_killed_run_over_by_itself,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        let server = ModelServer::new(Say::Hang);
        set_writer(&factory, &server);
        let repository = board();
        let run = killed(&factory, &server, repository.path());
        server.say(Say::Text(WELL));
        factory.execute("UPDATE open_runs SET lease_until = 1");
        let worker = Daemon::start(&factory, &["work"]);
        eventually("the worker comes to the gate", || {
            let shown = factory.json(&["runs", "show", &run]);
            (shown["run"]["status"] == "gated").then_some(())
        });
        worker.signal("TERM");
        assert_eq!(worker.ended().code, 0);
        let collected = checkpoints(&factory);
        let collected = collected
            .iter()
            .filter(|(stage, _, _)| stage == "collect")
            .count();
        assert_eq!((collected, factory.count("tasks")), (1, 1));
    }
);
