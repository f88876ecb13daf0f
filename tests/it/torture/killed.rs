//! `kill -9` at each named point: the worker that comes next finishes, and nothing is lost or
//! doubled.

use callboard_core::fault::points;
use callboard_core::store::Dialect;

use super::bench::{queue, rack, until_ended, well};
use super::chance::{Chance, length};
use super::judge::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::{Factory, on_each};

/// Points that a worker with runs does not pass: a schedule that fires has its test in
/// `engine_schedules.rs`, the listeners of a daemon have theirs in `torture/panics.rs`, and what works
/// beside the others has its own in `attacks/rendering.rs`.
const ELSEWHERE: [&str; 5] = [
    "before-fired",
    "before-backup",
    "before-site",
    "before-console",
    "beside",
];

/// Queue runs, and let a worker that is killed at a point work on them until it is.
fn killed_at(factory: &Factory, point: &str, times: usize) -> usize {
    let plans = ["well", "b=sleep:1500", "c=stumbles"].map(str::to_owned);
    queue(factory, "branches", &plans);
    queue(factory, "gated", &well(3));
    // A claim takes several runs; the other points are passed by each of them.
    let times = if point.ends_with("-claim") || point == "drain" {
        1
    } else {
        times
    };
    let mut worker = Worker::with_fault(factory, &format!("{point}@{times}=kill"));
    if point == "drain" {
        eventually("a run is under way", || {
            let under_way = factory.count("stage_runs WHERE stage = 'a'") > 0
                && factory.count("open_runs WHERE status = 'running'") > 0;
            under_way.then_some(())
        });
        worker.signal("TERM");
    }
    eventually(&format!("a worker is killed at {point}@{times}"), || {
        worker.is_dead().then_some(())
    });
    plans.len() + 3
}

on_each!(
    a_worker_killed_at_any_point_loses_nothing_and_does_nothing_twice,
    |dialect: Dialect| {
        let mut chance = Chance::new("killed at each point");
        let factory = rack(dialect);
        let mut runs = 0;
        for _ in 0..length(1, 6) {
            for point in points().filter(|point| !ELSEWHERE.contains(point)) {
                runs += killed_at(&factory, point, 1 + chance.below(3));
            }
        }
        let worker = Worker::start(&factory);
        until_ended(&factory);
        worker.drain();
        let statuses = judge(&factory);
        assert_eq!(statuses, [("done".to_owned(), runs)].into());
    }
);
