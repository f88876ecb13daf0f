//! PostgreSQL that goes away under load: connections cut again and again, a server stopped,
//! crashed and started, and one that fails over to its replica.

use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;

use super::bench::{plans, queue, rack, set_up, until_ended};
use super::chance::{Chance, length};
use super::judge::judge;
use super::server::{Address, Server, until_followed};
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::database::runtime;
use crate::support::factory::Factory;

const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Two workers and a load of runs for them.
fn load(factory: &Factory, chance: &mut Chance, runs: usize) -> Vec<Worker> {
    queue(factory, "gated", &plans(chance, runs / 5, 0));
    queue(factory, "branches", &plans(chance, runs - runs / 5, 0));
    let fleet = (0..2).map(|_| Worker::start(factory)).collect();
    eventually("the load is under way", || {
        (factory.count("stage_runs") > 0).then_some(())
    });
    fleet
}

/// All of them are done, by workers that are all still there.
fn finish(factory: &Factory, fleet: Vec<Worker>, runs: usize) {
    until_ended(factory);
    fleet.into_iter().for_each(Worker::drain);
    assert_eq!(judge(factory), [("done".to_owned(), runs)].into());
}

/// A replica refuses what is written; that is an outage, and no refusal of the statement.
async fn is_an_outage(store: &Store) {
    let write = || store.execute(Statement::new("DELETE FROM torture_writes WHERE run = '-'"));
    let mut error = write().await.expect_err("nobody takes writes");
    for _ in 0..100 {
        // The connections of the pool break first.
        assert!(error.is_retryable(), "{error:?}");
        if error.message.contains("replica") {
            return;
        }
        error = write().await.expect_err("nobody takes writes");
    }
    panic!("not the replica's answer: {error:?}");
}

#[test]
fn connections_that_are_cut_again_and_again_cost_no_run() {
    let mut chance = Chance::new("connections cut");
    let factory = rack(Dialect::Postgres);
    let runs = length(300, 3000);
    let fleet = load(&factory, &mut chance, runs);
    for _ in 0..length(8, 80) {
        chance.pause(50, 400);
        factory.query(CUT);
    }
    finish(&factory, fleet, runs);
}

#[test]
fn a_server_that_is_stopped_or_crashes_under_load_costs_no_run() {
    let mut chance = Chance::new("server stopped");
    let server = Server::new();
    let address = Address::of(&server);
    let factory = set_up(Factory::written_at(&address.url()).strip());
    let runs = length(300, 3000);
    let fleet = load(&factory, &mut chance, runs);
    for _ in 0..length(2, 12) {
        chance.pause(100, 800);
        let how = *chance.one_of(&["fast", "immediate"]);
        server.stop(how);
        chance.pause(100, 4000);
        server.start();
    }
    finish(&factory, fleet, runs);
}

#[test]
fn a_server_that_fails_over_to_its_replica_under_load_costs_no_run() {
    let mut chance = Chance::new("failover");
    let mut primary = Server::new();
    let address = Address::of(&primary);
    let factory = set_up(Factory::written_at(&address.url()).strip());
    for _ in 0..length(1, 4) {
        let replica = Server::follow(&primary);
        // What is acknowledged is on both.
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
        primary.execute("SELECT pg_reload_conf()");
        until_followed(&primary, 1);
        let runs = length(200, 1000);
        let before = usize::try_from(factory.count("runs WHERE origin = 'cli'"));
        let fleet = load(&factory, &mut chance, runs);
        chance.pause(100, 1500);
        // For a moment, the address leads to a replica that cannot be written to.
        let runtime = runtime();
        let store = runtime.block_on(Store::open(&address.url()));
        primary.stop("immediate");
        address.turn_to(&replica);
        runtime.block_on(is_an_outage(&store.expect("the database opens")));
        chance.pause(100, 2000);
        replica.promote();
        address.cut();
        finish(&factory, fleet, before.expect("a small number") + runs);
        primary = replica;
    }
}
