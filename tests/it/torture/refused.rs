//! Checkpoints that the database refuses for good: the stage fails in its words, it is executed
//! once, and no other run notices.

use callboard_core::store::Dialect;

use super::bench::{queue, rack, until_ended, well};
use super::judge::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::{Factory, on_each};

const WORDS: &str = "there is no room for it";

/// Have the database refuse rows of a table about which `condition` holds.
fn refuse(factory: &Factory, dialect: Dialect, table: &str, condition: &str) {
    match dialect {
        Dialect::Sqlite => {
            factory.execute(&format!(
                "CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table} WHEN {condition} \
                 BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            ));
        }
        Dialect::Postgres => {
            factory.execute(&format!(
                "CREATE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN RAISE EXCEPTION ''{WORDS}''; END'"
            ));
            factory.execute(&format!(
                "CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table} FOR EACH ROW \
                 WHEN ({condition}) EXECUTE FUNCTION refuse_{table}()"
            ));
        }
    }
}

/// A column of a run that has ended.
fn column(factory: &Factory, run: &str, column: &str) -> String {
    let sql = format!("SELECT CAST({column} AS TEXT) AS text FROM history WHERE id = '{run}'");
    factory.texts(&sql, "text").join("")
}

on_each!(
    a_checkpoint_that_can_never_commit_is_the_failure_of_its_stage,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let acts = ["b=uncommittable", "b=uncommittable"].map(str::to_owned);
        let culprits = queue(&factory, "branches", &acts);
        queue(&factory, "branches", &well(12));
        // Of the first no success is taken, of the other nothing at all.
        let condition = format!(
            "NEW.stage = 'b' AND ((NEW.run = '{}' AND NEW.outcome = 'done') OR NEW.run = '{}')",
            culprits[0], culprits[1]
        );
        refuse(&factory, dialect, "stage_runs", &condition);
        let worker = Worker::start(&factory);
        until_ended(&factory);
        worker.drain();
        let expected = [("done".to_owned(), 12), ("failed".to_owned(), 2)];
        assert_eq!(judge(&factory), expected.into());
        for run in &culprits {
            assert_eq!(column(&factory, run, "fence"), "1", "it was taken once");
            let detail = column(&factory, run, "detail");
            assert!(detail.contains(WORDS), "{detail}");
        }
        let kept = format!("stage_runs WHERE run = '{}' AND stage = 'b'", culprits[0]);
        assert_eq!(factory.count(&format!("{kept} AND outcome = 'failed'")), 1);
    }
);

on_each!(
    a_question_that_can_never_be_asked_fails_its_run,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let culprit = queue(&factory, "gated", &["b=uncommittable".to_owned()]);
        let condition = format!("NEW.run = '{}'", culprit[0]);
        refuse(&factory, dialect, "gates", &condition);
        let worker = Worker::start(&factory);
        until_ended(&factory);
        worker.drain();
        assert_eq!(judge(&factory), [("failed".to_owned(), 1)].into());
        assert_eq!(column(&factory, &culprit[0], "fence"), "1");
        assert!(column(&factory, &culprit[0], "detail").contains(WORDS));
    }
);

on_each!(
    a_message_that_no_database_keeps_fails_its_stage_once,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let runs = queue(&factory, "branches", &["b=nul".to_owned()]);
        queue(&factory, "branches", &well(3));
        let worker = Worker::start(&factory);
        until_ended(&factory);
        worker.drain();
        let expected = [("done".to_owned(), 3), ("failed".to_owned(), 1)];
        assert_eq!(judge(&factory), expected.into());
        assert_eq!(column(&factory, &runs[0], "fence"), "1");
        assert!(column(&factory, &runs[0], "detail").contains("U+0000"));
    }
);

/// A right that was taken away is no death of the worker: nothing is carried out twice, and the run says why it
/// stands.
#[test]
fn a_checkpoint_that_is_denied_blocks_its_run_with_the_cause() {
    let factory = rack(Dialect::Postgres);
    let culprit = queue(&factory, "branches", &well(1)).remove(0);
    let others = queue(&factory, "branches", &well(3));
    factory.execute(
        "CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN RAISE EXCEPTION ''permission denied for table stage_runs'' USING ERRCODE = ''42501''; END'",
    );
    factory.execute(&format!(
        "CREATE TRIGGER deny BEFORE INSERT ON stage_runs FOR EACH ROW WHEN (NEW.run = '{culprit}') \
         EXECUTE FUNCTION deny()"
    ));
    let worker = Worker::start(&factory);
    let open = |column: &str| {
        let sql =
            format!("SELECT CAST({column} AS TEXT) AS text FROM open_runs WHERE id = '{culprit}'");
        factory.texts(&sql, "text").join("")
    };
    eventually("it is blocked", || {
        (open("status") == "blocked").then_some(())
    });
    let detail = open("detail");
    assert!(
        detail.contains("permission denied for table stage_runs"),
        "{detail}"
    );
    assert!(detail.contains("callboard runs resume"), "{detail}");
    assert_eq!(
        (open("fence"), open("recoveries")),
        ("1".to_owned(), "0".to_owned())
    );
    let found = factory.texts(
        "SELECT message FROM findings WHERE kind = 'poisoned'",
        "message",
    );
    assert!(found.join("").contains("permission denied"), "{found:?}");
    factory.execute("DROP TRIGGER deny ON stage_runs");
    factory.ok(&["runs", "resume", &culprit]);
    until_ended(&factory);
    worker.drain();
    let ended = others.len() + 1;
    assert_eq!(judge(&factory), [("done".to_owned(), ended)].into());
}

/// A process that is told to stop ends, though the server's disk takes nothing that it is to keep.
#[test]
fn a_full_disk_of_the_server_holds_up_no_end() {
    let factory = rack(Dialect::Postgres);
    let run = queue(&factory, "branches", &well(1)).remove(0);
    factory.execute(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN RAISE EXCEPTION ''could not extend file: No space left on device'' USING ERRCODE = ''53100''; END'",
    );
    factory.execute(
        "CREATE TRIGGER full_disk BEFORE INSERT ON stage_runs FOR EACH ROW EXECUTE FUNCTION full_disk()",
    );
    let worker = Worker::start(&factory);
    let status = || {
        let sql = format!("SELECT status AS text FROM open_runs WHERE id = '{run}'");
        factory.texts(&sql, "text").join("")
    };
    eventually("it is carried out", || {
        (status() == "running").then_some(())
    });
    worker.drain();
    factory.execute("DROP TRIGGER full_disk ON stage_runs");
    let worker = Worker::start(&factory);
    until_ended(&factory);
    worker.drain();
    assert_eq!(judge(&factory), [("done".to_owned(), 1)].into());
}
