//! A process that has nothing to do asks its database one question a second.

use std::time::Duration;

use callboard_core::store::Dialect::Postgres;

use crate::support::daemon::{Daemon, eventually};
use crate::support::database::server_log;
use crate::support::factory::Factory;

const SECONDS: usize = 10;
/// The first and the last second, and the look at the ledger once a minute.
const BESIDES: usize = 3;

/// Stands in the question what there is to do.
const QUESTION: &str = "AS schedule_at";

/// Statements that the server carried out for a process in a while, by its own log. Only the
/// database of this test logs them.
fn statements(mode: &[&str]) -> usize {
    let factory = Factory::whole(Postgres);
    let name = factory.texts("SELECT current_database()::text AS name", "name");
    let daemon = Daemon::start(&factory, mode);
    let policies = factory.json(&["policies", "list"]);
    let policies = policies.as_array().map(Vec::len).expect("a list");
    eventually("every policy ran", || {
        let ran = usize::try_from(factory.count("policy_runs")).expect("a count");
        (ran == policies).then_some(())
    });
    // For sessions that begin from now on: those of a second process.
    factory.execute(&format!(
        "ALTER DATABASE {} SET log_statement = 'all'",
        name[0]
    ));
    drop(daemon);
    let before = server_log().len();
    let _daemon = Daemon::start(&factory, mode);
    // It has settled when it has asked a few times what there is to do.
    let asked = || server_log()[before..].matches(QUESTION).count();
    eventually("the process looks", || (asked() > 2).then_some(()));
    let before = server_log().len();
    std::thread::sleep(Duration::from_secs(SECONDS as u64));
    let log = server_log()[before..].to_owned();
    let asked = log
        .lines()
        .filter(|line| line.contains("LOG:  execute ") || line.contains("LOG:  statement: "))
        .count();
    assert!(asked > 0, "nothing is logged");
    assert!(
        asked <= SECONDS + BESIDES,
        "{mode:?}: {asked} statements\n{log}"
    );
    asked
}

#[test]
fn an_idle_process_asks_one_question_a_second() {
    for mode in [&["work"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let asked = statements(mode);
        println!("{mode:?}: {asked} statements in {SECONDS} s");
    }
}
