//! What only a house with Restate can suffer: the server goes, or forgets, or does not notice
//! that a worker is frozen.

use callboard_core::store::gates::Decision;
use callboard_core::store::runs::RunStatus::{Done, Gated};

use super::play::{House, Play, stage};
use super::prompter::Cue;
use super::restate::Server;
use super::{NEEDS_A, gated};

#[test]
#[ignore = "takes a Restate server; ./just restate"]
fn a_server_that_restarts_costs_no_stage() {
    let house = House::Restate(Server::start());
    let play = Play::new(house, &[stage("a", ""), stage("b", NEEDS_A)]);
    play.prompter.cue("a", &[Cue::Hang]);
    let run = play.queue();
    play.prompter.until_called("a/1/1");
    play.server().restart();
    // It gives out runs again.
    play.whole(Done);
    play.prompter.release();
    play.until(&run, Done);
    assert_eq!(play.prompter.stages(), "a a b b");
}

#[test]
#[ignore = "takes a Restate server; ./just restate"]
fn a_server_that_loses_all_it_stored_loses_no_run() {
    let play = gated(House::Restate(Server::start()));
    play.prompter.cue("c", &[Cue::Hang]);
    let run = play.queue();
    play.until(&run, Gated);
    play.server().lose_data();
    play.decide(&run, Decision::Approved, None)
        .expect("it counts");
    play.prompter.until_called("c/1/1");
    play.server().lose_data();
    let other = play.queue();
    play.until(&other, Gated);
    play.prompter.release();
    play.until(&run, Done);
    assert_eq!(play.prompter.stages(), "a c a");
}

#[test]
#[ignore = "takes a Restate server; ./just restate"]
fn a_worker_that_freezes_loses_its_turn_and_keeps_nothing_once_it_thaws() {
    let house = House::Restate(Server::start());
    let b = format!("{NEEDS_A}\nconfig.writes = true");
    let play = Play::new(house, &[stage("a", ""), stage("b", &b)]);
    play.prompter.cue("b", &[Cue::Hang]);
    let run = play.queue();
    play.prompter.until_called("b/1/1");
    let frozen = play.freeze_worker();
    play.start(None);
    play.until(&run, Done);
    play.prompter.release();
    frozen.signal("CONT");
    frozen.until("run left as it is");
    assert_eq!(play.prompter.stages(), "a b b");
    assert_eq!(play.factory.count("scratch WHERE name = 'b'"), 1);
}
