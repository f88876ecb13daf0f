//! Many runs of which some go wrong in every way there is, and workers killed at random.

use callboard_core::store::Dialect;

use super::bench::{open, plans, queue, rack, until_ended};
use super::chance::{Chance, length};
use super::judge::judge;
use super::late::Watch;
use super::worker::Worker;
use crate::support::factory::on_each;

on_each!(
    runs_that_go_wrong_end_truthfully_while_workers_are_killed_at_random,
    |dialect: Dialect| {
        let mut chance = Chance::new("killed at random");
        let factory = rack(dialect);
        let runs = length(500, 10_000);
        let gated = runs / 10;
        let plans = plans(&mut chance, runs, 5);
        queue(&factory, "gated", &plans[..gated]);
        queue(&factory, "branches", &plans[gated..]);
        // SQLite has one process that works.
        let workers = match dialect {
            Dialect::Sqlite => 1,
            Dialect::Postgres => 2,
        };
        let mut fleet: Vec<_> = (0..workers).map(|_| Worker::start(&factory)).collect();
        // Where there are several, one is spared, and misses those that die.
        let spared = (workers > 1).then(|| (Worker::start(&factory), Watch::start(&factory)));
        for _ in 0..length(6, 60) {
            chance.pause(300, 1500);
            let unlucky = chance.below(workers);
            fleet.swap_remove(unlucky).kill();
            fleet.push(Worker::start(&factory));
        }
        until_ended(&factory);
        if let Some((spared, watch)) = spared {
            watch.end();
            spared.drain();
        }
        fleet.into_iter().for_each(Worker::drain);
        let statuses = judge(&factory);
        assert_eq!((statuses.values().sum(), open(&factory)), (runs, 0));
    }
);
