//! Workers that are told to stop: they give back what they have, so that no other worker has to
//! wait for their leases.

use callboard_core::store::Dialect;

use super::bench::{plans, queue, rack, until_ended};
use super::chance::{Chance, length};
use super::judge::judge;
use super::worker::Worker;
use crate::support::factory::on_each;

on_each!(
    workers_restarted_one_after_another_give_their_runs_back,
    |dialect: Dialect| {
        let mut chance = Chance::new("rolling restart");
        let factory = rack(dialect);
        // A worker that leaves a lease behind would hold its run for longer than this test takes.
        factory.edit("callboard.toml", "lease = \"2s\"", "lease = \"60m\"");
        let runs = length(300, 4000);
        queue(&factory, "branches", &plans(&mut chance, runs, 0));
        let workers = match dialect {
            Dialect::Sqlite => 1,
            Dialect::Postgres => 3,
        };
        let mut fleet: Vec<_> = (0..workers).map(|_| Worker::start(&factory)).collect();
        for _ in 0..length(2, 10) {
            for _ in 0..workers {
                chance.pause(100, 700);
                fleet.remove(0).drain();
                fleet.push(Worker::start(&factory));
            }
        }
        until_ended(&factory);
        fleet.into_iter().for_each(Worker::drain);
        assert_eq!(judge(&factory), [("done".to_owned(), runs)].into());
        let recovered = "runs WHERE detail LIKE '%fell silent%'";
        assert_eq!(factory.count(recovered), 0, "a lease was left behind");
    }
);
