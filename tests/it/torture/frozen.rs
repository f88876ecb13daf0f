//! A worker that freezes past its lease: another worker finishes its runs, and when it wakes it is
//! fenced out.

use std::time::Duration;

use callboard_core::store::claims::{self, Claimant};
use callboard_core::store::{Dialect, Store, StoreError, leases};

use super::bench::{queue, rack, until_ended, well};
use super::chance::{Chance, length, tell};
use super::judge::judge;
use super::late::Watch;
use super::worker::Worker;
use crate::support::database::runtime;
use crate::support::factory::{Factory, on_each};

/// Points at which a worker has a run in hand.
const POINTS: [&str; 8] = [
    "before-handler",
    "after-handler",
    "before-check",
    "before-commit",
    "after-commit",
    "before-successor",
    "before-end",
    "before-gate",
];

/// Take the runs of a silent worker, as another one would, and let go of them: their leases
/// run out at once. Not where it froze with the lock of the file in hand.
fn take_from(factory: &Factory) -> Result<usize, StoreError> {
    let url = factory.url();
    runtime().block_on(async {
        let store = Store::open(&url).await?;
        let back = loop {
            let back = leases::recover(&store, 1000).await?;
            if !back.is_empty() {
                break back;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let claimant = Claimant {
            worker: "another".to_owned(),
            lease: Duration::ZERO,
            suspect: 4,
        };
        let taken = claims::take(&store, &claimant, 1000).await?;
        store.close().await;
        assert!(taken.len() >= back.len());
        Ok(back.len())
    })
}

on_each!(
    a_worker_that_wakes_after_its_lease_is_fenced_out,
    |dialect: Dialect| {
        let mut chance = Chance::new("frozen");
        let factory = rack(dialect);
        let mut runs = 0;
        for _ in 0..length(2, 24) {
            queue(&factory, "branches", &well(3));
            queue(&factory, "gated", &well(3));
            runs += 6;
            let (point, times) = (chance.one_of(&POINTS), 1 + chance.below(3));
            let sleeper = Worker::with_fault(&factory, &format!("{point}@{times}=stop"));
            sleeper.until_frozen();
            // SQLite has one process that works: there, another process takes the runs and drops
            // them, and the sleeper itself has to come by them again.
            let other = match dialect {
                Dialect::Sqlite => None,
                Dialect::Postgres => Some(Worker::start(&factory)),
            };
            match other {
                None => tell(&format!("{point}@{times}: {:?}", take_from(&factory))),
                Some(_) => until_ended(&factory),
            }
            sleeper.signal("CONT");
            until_ended(&factory);
            if let Some(other) = other {
                other.drain();
            }
            sleeper.drain();
            assert_eq!(judge(&factory), [("done".to_owned(), runs)].into());
        }
    }
);

#[test]
fn workers_that_freeze_at_random_under_load_are_fenced_out() {
    let mut chance = Chance::new("frozen at random");
    let factory = rack(Dialect::Postgres);
    let runs = length(200, 2000);
    queue(&factory, "branches", &well(runs));
    let fleet: Vec<_> = (0..3).map(|_| Worker::start(&factory)).collect();
    let watch = Watch::start(&factory);
    for _ in 0..length(2, 12) {
        let unlucky = chance.one_of(&fleet);
        chance.pause(100, 600);
        unlucky.signal("STOP");
        unlucky.until_frozen();
        // Longer than a lease.
        chance.pause(2500, 3500);
        unlucky.signal("CONT");
    }
    until_ended(&factory);
    watch.end();
    fleet.into_iter().for_each(Worker::drain);
    assert_eq!(judge(&factory), [("done".to_owned(), runs)].into());
}
