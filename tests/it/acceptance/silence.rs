//! A database that does not take a checkpoint for a while, or does not answer at all: a worker that
//! lives keeps what it has in hand, and nothing is executed twice.

use callboard_core::store::runs::RunStatus::Done;
use sqlx::{Connection as _, PgConnection};

use super::play::{House, Play, stage};
use super::prompter::Cue;
use crate::support::relay::Relay;

/// Two stages, the first of which is under way for as long as the test likes.
fn play(lease: &str) -> Play {
    let play = Play::rehearsed(
        House::Postgres,
        &[stage("a", ""), stage("b", "needs = [\"a\"]")],
    );
    let config = play.factory.read("callboard.toml");
    let config = format!("{config}\n[engine]\nlease = \"{lease}\"\n");
    play.factory.write("callboard.toml", config);
    play.factory.ok(&["apply"]);
    play.prompter.cue("a", &[Cue::Hang]);
    play
}

#[test]
fn a_checkpoint_that_waits_for_a_lock_longer_than_a_lease_is_kept_all_the_same() {
    let play = play("15s");
    play.start(None);
    let run = play.queue();
    play.prompter.until_called("a/1/1");
    let other = play.block_on(async {
        let url = play.factory.url();
        let mut other = PgConnection::connect(&url).await.expect("another session");
        let lock = "BEGIN; LOCK TABLE stage_runs IN SHARE MODE";
        let locked = sqlx::raw_sql(lock).execute(&mut other).await;
        locked.expect("it has the lock");
        other
    });
    play.prompter.release();
    // Each try waits for the lock for seven seconds: together they take longer than the lease.
    for _ in 0..3 {
        play.until_said("a checkpoint is tried again");
    }
    play.block_on(other.close()).expect("it goes");
    play.until(&run, Done);
    assert_eq!(play.prompter.calls(), ["a/1/1", "b/1/1"]);
}

#[test]
fn connections_that_die_without_a_word_keep_no_run() {
    let play = play("15s");
    let relay = Relay::to(&play.factory.url());
    play.start_at(&relay.through(&play.factory.url()));
    let run = play.queue();
    play.prompter.until_called("a/1/1");
    relay.fall_silent();
    play.prompter.release();
    play.until(&run, Done);
    assert_eq!(play.prompter.stages(), "a b");
}
