//! Workers whose clocks are an hour off: leases, holds and gates go by the database's.

use callboard::store::Dialect;

use super::bench::{queue, rack, until_ended, well};
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
        // Long leases: here nobody is silent, so each loss of a run would be a theft.
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
