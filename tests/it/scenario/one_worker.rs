//! One process works on a SQLite file; others queue through it. On PostgreSQL there may be
//! several.

use callboard_core::store::Dialect::{Postgres, Sqlite};

use crate::support::daemon::{Daemon, eventually};
use crate::support::factory::{DAY, Factory, KEEP, board};

/// A worker that has begun.
fn worker(factory: &Factory) -> Daemon {
    let worker = Daemon::start(factory, &["work"]);
    worker.until("Ctrl-C stops");
    worker
}

/// The process that carries a stage out prints this.
const HERE: &str = "upkeep (retention.keep_newest)";

#[test]
fn a_second_working_process_on_sqlite_is_refused_with_the_number_of_the_first() {
    let factory = Factory::bare(Sqlite);
    let first = worker(&factory);
    let number = format!("process {} (`callboard work`)", first.id());
    for second in [&["work"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let ran = factory.run(second);
        assert_eq!(ran.code, 3, "{ran}");
        for part in [number.as_str(), "use PostgreSQL"] {
            assert!(ran.stderr.contains(part), "`{part}` is not in {ran}");
        }
    }
    // One that only serves does not work.
    let server = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    server.address();
}

#[test]
fn a_killed_process_leaves_no_lock_behind() {
    let factory = Factory::bare(Sqlite);
    for _ in 0..2 {
        let first = worker(&factory);
        first.signal("KILL");
        assert_eq!(first.ended().code, -1, "a signal ended it");
    }
    assert!(factory.workspace().join("callboard.db.lock").exists());
    let ran = factory.run(&["policies", "run", KEEP]);
    assert!(ran.code == 0 && ran.stderr.contains(HERE), "{ran}");
}

#[test]
fn what_is_started_beside_a_worker_on_sqlite_is_carried_out_by_it() {
    let factory = Factory::bare(Sqlite);
    let first = worker(&factory);
    let ran = factory.run(&["policies", "run", KEEP]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!ran.stderr.contains(HERE), "{ran}");
    assert!(ran.stderr.contains("(`callboard work`)"), "{ran}");
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "it stands before its gate: {ran}");
    let ran = factory.run(&["tasks", "approve", &factory.task()]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!ran.stderr.contains("(publish."), "{ran}");
    assert_eq!(factory.count("posts"), 1);
    first.signal("TERM");
    assert_eq!(first.ended().code, 0);
}

#[test]
fn a_paused_run_is_resumed_by_the_worker() {
    let factory = Factory::bare(Sqlite);
    factory.ok(&["policies", "run", KEEP]);
    factory.execute(
        "INSERT INTO open_runs (id, pipeline, revision, status, detail, input, origin, priority, \
            created_at, wake_at, spent, fence, lease_until, recoveries, signals) \
        SELECT 'rest', pipeline, revision, 'paused', '', input, origin, priority, created_at, \
            9000000000000000, 0, 1, 0, 0, 0 FROM history LIMIT 1",
    );
    let _first = worker(&factory);
    let ran = factory.run(&["runs", "resume", "rest"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!ran.stderr.contains(HERE), "{ran}");
}

#[test]
fn a_worker_that_does_not_move_is_not_followed_for_ever() {
    let factory = Factory::bare_written(Sqlite);
    let policy = format!("policies/{KEEP}.toml");
    factory.edit(&policy, "every =", "timeout = \"1s\"\nevery =");
    factory.ok(&["apply"]);
    let first = worker(&factory);
    eventually("the policy ran", || {
        let listed = factory.json(&["policies", "list"]);
        (!listed[0]["last"].is_null()).then_some(())
    });
    first.freeze(&factory.url());
    let ran = factory.run(&["policies", "run", KEEP]);
    assert_eq!(ran.code, 4, "{ran}");
    assert!(ran.stdout.contains("next: callboard runs show"), "{ran}");
}

#[test]
fn a_run_whose_worker_dies_is_carried_out_by_who_follows_it() {
    let factory = Factory::bare(Sqlite);
    let first = worker(&factory);
    // It does not come by the run.
    first.freeze(&factory.url());
    let queued = "open_runs WHERE origin = 'cli'";
    let ran = std::thread::scope(|scope| {
        let following = scope.spawn(|| factory.run(&["policies", "run", KEEP]));
        eventually("the run is queued", || {
            (factory.count(queued) == 1).then_some(())
        });
        first.signal("KILL");
        following.join().expect("it ran")
    });
    assert_eq!(ran.code, 0, "{ran}");
    for part in ["(`callboard work`) carries it out; following", HERE] {
        assert!(ran.stderr.contains(part), "`{part}` is not in {ran}");
    }
}

#[test]
fn postgres_takes_several_workers() {
    let factory = Factory::bare(Postgres);
    let (_first, _second) = (worker(&factory), worker(&factory));
    let ran = factory.run(&["policies", "run", KEEP]);
    assert_eq!(ran.code, 0, "{ran}");
}
