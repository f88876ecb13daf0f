//! Signals that reach a run while its stages are under way: what was begun before counts only
//! if it still fits.

use callboard_core::store::gates::Decision;
use callboard_core::store::runs::RunStatus::{Cancelled, Done, Paused, Queued, Rejected};

use super::play::{House, Play, in_every_house, stage};
use super::prompter::{Cue, DONE};
use crate::support::daemon::eventually;
use crate::support::database::nobody_writes;

/// `a`, then a gate that can send the run back to it, and beside the gate `b` and what needs it.
fn beside_a_gate(house: House, gate: &str, visits: u32) -> Play {
    Play::new(house, &stages_beside_a_gate(gate, visits))
}

fn stages_beside_a_gate(gate: &str, visits: u32) -> [String; 4] {
    let gate =
        format!("[[stage]]\nid = \"gate\"\ngate = \"Is it good?\"\nneeds = [\"a\"]\n{gate}\n");
    [
        stage("a", &format!("max_visits = {visits}")),
        gate,
        stage("b", "needs = [\"a\"]\nconfig.writes = true"),
        stage("c", "needs = [\"b\"]"),
    ]
}

/// The visits of `b`, in order: whether each counts, and what came of it.
fn visits_of_b(play: &Play) -> Vec<String> {
    let sql = "SELECT visit || ' ' || outcome || CASE WHEN superseded THEN ' undone' ELSE '' END \
        AS text FROM stage_runs WHERE stage = 'b' ORDER BY visit";
    play.factory.texts(sql, "text")
}

in_every_house!(
    what_is_under_way_when_a_gate_sends_the_run_back_does_not_count,
    |house| {
        let play = beside_a_gate(house, "regenerate = { text = \"a\" }", 2);
        play.prompter.cue("b", &[Cue::Hang, DONE]);
        let run = play.queue();
        play.prompter.until_called("b/1/1");
        play.decide_now(&run, Decision::Regenerated, Some("text"))
            .expect("it counts");
        play.prompter.release();
        play.prompter.until_called("c/1/1");
        play.decide_now(&run, Decision::Approved, None)
            .expect("it counts");
        play.until(&run, Done);
        let mut calls = play.prompter.calls();
        assert_eq!(
            calls.pop().as_deref(),
            Some("c/1/1"),
            "once, after all others"
        );
        calls.sort();
        assert_eq!(calls, ["a/1/1", "a/2/1", "b/1/1", "b/2/1"]);
        assert_eq!(visits_of_b(&play), ["1 nothing-to-do undone", "2 done"]);
        assert_eq!(
            play.factory.count("scratch WHERE name = 'b'"),
            1,
            "nor do its writes"
        );
    }
);

in_every_house!(
    what_cannot_count_any_more_is_stopped_and_not_waited_for,
    |house| {
        let stages = stages_beside_a_gate("regenerate = { text = \"a\" }", 2);
        let play = Play::of_long_leases(house, &stages);
        // The first call is never answered.
        play.prompter.cue("b", &[Cue::Hang, DONE]);
        let run = play.queue();
        play.prompter.until_called("b/1/1");
        play.decide_now(&run, Decision::Regenerated, Some("text"))
            .expect("it counts");
        play.prompter.until_called("c/1/1");
        play.decide_now(&run, Decision::Approved, None)
            .expect("it counts");
        play.until(&run, Done);
        assert_eq!(visits_of_b(&play), ["1 nothing-to-do undone", "2 done"]);
    }
);

in_every_house!(
    what_is_under_way_when_nobody_decided_in_time_does_not_count,
    |house| {
        let gate = "expiry = { after = \"200ms\", as = \"rejected\" }\non.rejected = \"goto:a\"";
        let play = beside_a_gate(house, gate, 2);
        play.prompter.cue("b", &[Cue::Hang, DONE]);
        let run = play.queue();
        play.prompter.until_called("b/1/1");
        eventually("the gate lapses", || {
            let gates = play.factory.count("gates WHERE decision = 'expired'");
            (gates >= 1).then_some(())
        });
        play.prompter.release();
        // The second time its way back is used up: no person is there to decide otherwise.
        play.until(&run, Rejected);
        let detail = play.run(&run).detail;
        assert!(detail.contains("max_visits"), "{detail}");
        assert_eq!(visits_of_b(&play)[0], "1 nothing-to-do undone");
        assert!(!play.prompter.calls().contains(&"c/2/1".to_owned()));
    }
);

in_every_house!(a_cancel_that_follows_a_pause_stands, |house| {
    let play = Play::new(house, &[stage("a", ""), stage("b", "needs = [\"a\"]")]);
    play.prompter.cue("a", &[Cue::Hang]);
    let run = play.queue();
    play.prompter.until_called("a/1/1");
    play.steer(&run, Paused);
    play.until_told(&run);
    play.steer(&run, Cancelled);
    play.prompter.release();
    play.until(&run, Cancelled);
    assert!(!play.prompter.stages().contains('b'), "nothing follows");
});

in_every_house!(a_cancel_in_the_last_moment_of_a_pause_stands, |house| {
    let play = Play::rehearsed(house, &[stage("a", ""), stage("b", "needs = [\"a\"]")]);
    let run = loop {
        // It freezes once it has decided on the pause, and before it says so to the database.
        play.start(Some("before-commit=stop"));
        play.prompter.cue("a", &[Cue::Hang]);
        let run = play.queue();
        play.prompter.until_called("a/1/1");
        play.steer(&run, Paused);
        play.until_told(&run);
        play.prompter.release();
        play.until_frozen();
        // Frozen amid a heartbeat it would keep everybody from writing; then it is played again.
        if nobody_writes(&play.factory.url()) {
            break run;
        }
        play.thaw();
        play.until(&run, Paused);
        play.stop_worker();
        play.prompter.forget();
    };
    play.steer(&run, Cancelled);
    play.thaw();
    play.until(&run, Cancelled);
    assert_eq!(play.prompter.stages(), "a");
});

in_every_house!(a_pause_is_taken_back_before_it_has_come, |house| {
    let play = Play::new(house, &[stage("a", ""), stage("b", "needs = [\"a\"]")]);
    play.prompter.cue("a", &[Cue::Hang]);
    let run = play.queue();
    play.prompter.until_called("a/1/1");
    play.steer(&run, Paused);
    play.until_told(&run);
    play.steer(&run, Queued);
    play.prompter.release();
    play.until(&run, Done);
    assert_eq!(play.prompter.stages(), "a b");
});
