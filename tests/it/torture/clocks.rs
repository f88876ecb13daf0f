//! Workers whose clocks are an hour off: leases, holds and gates go by the database's. And a clock
//! of the database that stood ahead: what it left behind is not believed.

use callboard_core::store::Dialect;

use super::bench::{open, queue, rack, until_ended, well};
use super::judge::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::{Factory, on_each};

const HOUR: i64 = 3_600_000_000;

/// How far the times in the database are from its clock at most, in microseconds.
fn furthest(factory: &Factory, dialect: Dialect) -> i64 {
    let now = match dialect {
        Dialect::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        Dialect::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
    };
    let sql = format!(
        "SELECT COALESCE(MAX(ABS({now} - at)), 0) AS furthest FROM ( \
            SELECT finished_at AS at FROM stage_runs UNION ALL \
            SELECT started_at FROM stage_runs UNION ALL \
            SELECT wake_at FROM stage_runs WHERE wake_at IS NOT NULL UNION ALL \
            SELECT wake_at FROM open_runs WHERE status = 'waiting' UNION ALL \
            SELECT expires_at FROM gates UNION ALL \
            SELECT finished_at FROM history) AS times"
    );
    let rows = factory.query(&sql);
    rows.first()
        .expect("a row")
        .integer("furthest")
        .expect("a number")
}

on_each!(
    workers_whose_clocks_disagree_go_by_the_databases,
    |dialect: Dialect| {
        let factory = rack(dialect);
        // Long leases: here no worker is silent, so each loss of a run would be a theft.
        factory.edit("callboard.toml", "lease = \"2s\"", "lease = \"60s\"");
        let slow = vec!["b=sleep:1500".to_owned(); 6];
        queue(&factory, "branches", &slow);
        let early = Worker::with_fault(&factory, "clock=-3600");
        eventually("the first has runs", || {
            (factory.count("open_runs WHERE status = 'running'") > 0).then_some(())
        });
        if dialect == Dialect::Sqlite {
            until_ended(&factory);
            early.drain();
            finish(&factory, dialect, Vec::new());
        } else {
            finish(&factory, dialect, vec![early]);
        }
        let thefts = "runs JOIN stage_runs ON stage_runs.run = runs.id \
            WHERE runs.pipeline = 'branches' AND runs.input LIKE '%sleep%' AND runs.fence > 1";
        assert_eq!(factory.count(thefts), 0, "a lease was not respected");
        assert_eq!(judge(&factory), [("done".to_owned(), 18)].into());
        assert!(
            furthest(&factory, dialect) < HOUR / 2,
            "a time of some worker's own"
        );
    }
);

/// Holds and gates, by a worker whose clock is ahead and those that are there already.
fn finish(factory: &Factory, dialect: Dialect, mut fleet: Vec<Worker>) {
    queue(factory, "branches", &vec!["b=defers".to_owned(); 6]);
    queue(factory, "gated", &well(6));
    fleet.push(Worker::with_fault(factory, "clock=3600"));
    until_ended(factory);
    assert!(furthest(factory, dialect) < HOUR / 2);
    fleet.into_iter().for_each(Worker::drain);
}

const DAYS: i64 = 400 * 24 * HOUR;
/// Every time of what has not ended, and of what goes by the clock.
const TIMES: [(&str, &str); 6] = [
    ("open_runs", "created_at started_at"),
    ("open_runs", "wake_at lease_until"),
    ("stage_runs", "started_at finished_at wake_at"),
    ("schedules", "last_at next_at"),
    ("policy_runs", "finished_at"),
    ("effects", "last_at last_success last_effect"),
];
const EVERY: &str = "\n[[schedule]]\nevery = \"1s\"\ninput = { plan = \"well\" }\n";

/// As if the clock had stood ahead when everything was stored, and were right again.
fn set_back(factory: &Factory) {
    for (table, columns) in TIMES {
        for column in columns.split(' ') {
            factory.execute(&format!(
                "UPDATE {table} SET {column} = {column} + {DAYS} \
                WHERE {column} > {HOUR} AND {column} < {}",
                callboard_core::store::NEVER
            ));
        }
    }
}

on_each!(
    times_that_a_clock_ahead_left_behind_are_not_believed,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let brief = factory.read("pipelines/brief.toml");
        factory.write("pipelines/brief.toml", format!("{brief}{EVERY}"));
        factory.ok(&["apply"]);
        queue(&factory, "branches", &["b=past".to_owned()]);
        let mut victim = Worker::start(&factory);
        let scheduled = "history WHERE origin LIKE 'schedule %'";
        eventually("it fires, and one waits", || {
            let waits = factory.count("open_runs WHERE status = 'waiting'") > 0;
            (waits && factory.count(scheduled) > 0).then_some(())
        });
        queue(&factory, "branches", &["a=sleep:20000".to_owned()]);
        eventually("one is under way", || {
            let sleeps = "open_runs WHERE status = 'running' AND input LIKE '%sleep%'";
            (factory.count(sleeps) > 0).then_some(())
        });
        victim.signal("KILL");
        eventually("it is killed", || victim.is_dead().then_some(()));
        set_back(&factory);
        factory.execute("UPDATE open_runs SET input = '{\"plan\":\"well\"}'");
        let doctor = factory.run(&["doctor"]);
        for kind in ["lease", "wake", "schedule"] {
            let said = format!("the time of its {kind} is ");
            let said = doctor.stdout.contains(&said) && doctor.stdout.contains(" days ");
            assert!(said, "{kind}: {doctor}");
        }
        let before = factory.count(scheduled);
        let worker = Worker::start(&factory);
        eventually("schedules fire", || {
            (factory.count(scheduled) > before + 1).then_some(())
        });
        // The lease of the dead one ends, and who waited goes on.
        eventually("all have ended", || (open(&factory) == 0).then_some(()));
        for kind in ["lease", "wake", "schedule"] {
            let finding = format!("findings WHERE key = 'clock:{kind}'");
            assert_eq!(factory.count(&finding), 1, "{kind}");
        }
        worker.drain();
        let doctor = factory.run(&["doctor"]);
        assert!(!doctor.stdout.contains("problem: times"), "{doctor}");
    }
);
