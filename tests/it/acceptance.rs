//! One suite of what pipelines promise, whichever executor carries runs out: workers that ask
//! SQLite or PostgreSQL for runs and, where `./just restate` names a server, workers that Restate
//! dispatches. The worker is the program itself; what it does is seen in the database, and by the
//! prompter that every call of a handler asks for its cue.

mod balancer;
mod outages;
mod play;
mod prompter;
mod restate;
mod signals;
mod silence;

use callboard_core::store::gates::Decision;
use callboard_core::store::runs::RunStatus::{
    Cancelled, Done, Failed, Paused, Queued, Rejected, Waiting,
};

use self::play::{House, Play, in_every_house, stage};
use self::prompter::{Cue, DONE};

const NEEDS_A: &str = "needs = [\"a\"]";

in_every_house!(stages_run_one_after_the_other, |house| {
    let stages = [
        stage("a", ""),
        stage("b", NEEDS_A),
        stage("c", "needs = [\"b\"]"),
    ];
    let play = Play::new(house, &stages);
    play.whole(Done);
    assert_eq!(play.prompter.calls(), ["a/1/1", "b/1/1", "c/1/1"]);
});

in_every_house!(
    stages_that_need_the_same_run_at_once_and_what_needs_both_waits,
    |house| {
        let join = "needs = [\"b\", \"c\"]";
        let stages = [
            stage("a", ""),
            stage("b", NEEDS_A),
            stage("c", NEEDS_A),
            stage("d", join),
        ];
        let play = Play::new(house, &stages);
        // Neither ends before the other was called.
        play.prompter.cue("b", &[Cue::Once(3)]);
        play.prompter.cue("c", &[Cue::Once(3)]);
        play.whole(Done);
        let calls = play.prompter.calls();
        assert_eq!((calls.len(), calls[3].as_str()), (4, "d/1/1"), "{calls:?}");
    }
);

in_every_house!(a_stage_whose_condition_does_not_hold_is_skipped, |house| {
    let when = format!("{NEEDS_A}\nwhen = [{{ key = \"wanted\", is = true }}]");
    let stages = [
        stage("a", ""),
        stage("b", &when),
        stage("c", "needs = [\"b\"]"),
    ];
    let play = Play::new(house, &stages);
    play.whole(Done);
    assert_eq!(play.prompter.stages(), "a c");
});

in_every_house!(
    a_held_stage_is_tried_again_when_its_time_has_come,
    |house| {
        let play = Play::new(house, &[stage("a", ""), stage("b", NEEDS_A)]);
        play.prompter.cue("b", &[Cue::Say("deferred"), DONE]);
        let run = play.whole(Done);
        assert_eq!(play.prompter.calls(), ["a/1/1", "b/1/1", "b/1/1"]);
        let held = format!("stage_runs WHERE run = '{run}' AND stage = 'b' AND holds = 1");
        assert_eq!(play.factory.count(&held), 1);
    }
);

/// A stage, a gate that can have it made anew once, and a stage.
fn gated(house: House) -> Play {
    let gate = "[[stage]]\nid = \"gate\"\ngate = \"Is it good?\"\nneeds = [\"a\"]\n\
        regenerate = { text = \"a\" }\n";
    let stages = [
        stage("a", "max_visits = 2"),
        gate.to_owned(),
        stage("c", "needs = [\"gate\"]"),
    ];
    Play::new(house, &stages)
}

in_every_house!(an_approved_run_goes_on, |house| {
    let play = gated(house);
    let run = play.queue();
    play.decide(&run, Decision::Approved, None)
        .expect("it counts");
    play.until(&run, Done);
    assert_eq!(play.prompter.stages(), "a c");
});

in_every_house!(a_rejected_run_ends, |house| {
    let play = gated(house);
    let run = play.queue();
    play.decide(&run, Decision::Rejected, None)
        .expect("it counts");
    play.until(&run, Rejected);
    assert_eq!(play.prompter.stages(), "a");
});

in_every_house!(a_part_is_made_anew_no_more_often_than_it_may, |house| {
    let play = gated(house);
    let run = play.queue();
    let anew = || play.decide(&run, Decision::Regenerated, Some("text"));
    anew().expect("it counts");
    play.prompter.until_called("a/2/1");
    let refused = anew().expect_err("it was made twice").to_string();
    assert!(refused.contains("max_visits"), "{refused}");
    play.decide(&run, Decision::Approved, None)
        .expect("it counts");
    play.until(&run, Done);
    assert_eq!(play.prompter.calls(), ["a/1/1", "a/2/1", "c/1/1"]);
});

in_every_house!(a_loop_ends_at_its_bound, |house| {
    let back = format!("{NEEDS_A}\non.rejected = \"goto:a\"");
    let play = Play::new(house, &[stage("a", "max_visits = 3"), stage("b", &back)]);
    play.prompter.cue("b", &[Cue::Say("rejected"); 3]);
    // What was rejected once too often is rejected, and no failure.
    let run = play.whole(Rejected);
    assert_eq!(play.prompter.stages(), "a b a b a b");
    let detail = play.run(&run).detail;
    assert!(detail.contains("max_visits"), "{detail}");
});

in_every_house!(a_failure_is_tried_again_as_often_as_is_written, |house| {
    let retry = "retry = { attempts = 3, backoff = \"50ms\" }";
    let play = Play::new(house, &[stage("a", retry), stage("b", NEEDS_A)]);
    play.prompter
        .cue("a", &[Cue::Say("no"), Cue::Say("no"), DONE]);
    play.prompter.cue("b", &[Cue::Say("no")]);
    play.whole(Failed);
    assert_eq!(play.prompter.calls(), ["a/1/1", "a/1/2", "a/1/3", "b/1/1"]);
});

in_every_house!(a_stage_that_takes_too_long_fails, |house| {
    let play = Play::new(
        house,
        &[stage("a", "timeout = \"1s\""), stage("b", NEEDS_A)],
    );
    play.prompter.cue("a", &[Cue::Hang]);
    let run = play.whole(Failed);
    assert_eq!(play.prompter.stages(), "a");
    let rows = play
        .factory
        .texts("SELECT report FROM stage_runs", "report");
    assert!(
        rows[0].contains("timeout"),
        "{rows:?} {}",
        play.run(&run).detail
    );
});

in_every_house!(a_cancelled_run_ends_in_the_middle_of_a_stage, |house| {
    let play = Play::new(house, &[stage("a", ""), stage("b", NEEDS_A)]);
    play.prompter.cue("a", &[Cue::Hang]);
    let run = play.queue();
    play.prompter.until_called("a/1/1");
    play.steer(&run, Cancelled);
    play.until(&run, Cancelled);
    assert_eq!(play.prompter.stages(), "a");
    assert_eq!(play.factory.count("stage_runs"), 0);
});

in_every_house!(a_paused_run_goes_on_from_its_checkpoint, |house| {
    let play = Play::new(house, &[stage("a", ""), stage("b", NEEDS_A)]);
    play.prompter.cue("a", &[Cue::Hang]);
    let run = play.queue();
    play.prompter.until_called("a/1/1");
    play.steer(&run, Paused);
    play.until_told(&run);
    play.prompter.release();
    play.until(&run, Paused);
    assert_eq!(play.prompter.stages(), "a");
    play.steer(&run, Queued);
    play.until(&run, Done);
    assert_eq!(play.prompter.stages(), "a b");
});

in_every_house!(many_runs_are_each_carried_out_once, |house| {
    let stages = [stage("a", "config.writes = true"), stage("b", NEEDS_A)];
    let play = Play::new(house, &stages);
    let runs: Vec<String> = (0..300).map(|_| play.queue()).collect();
    for run in &runs {
        play.until(run, Done);
    }
    let calls = play.prompter.calls();
    let of_a = calls.iter().filter(|call| *call == "a/1/1").count();
    assert_eq!((of_a, calls.len()), (300, 600));
    assert_eq!(play.factory.count("scratch"), 300);
});

in_every_house!(
    a_killed_worker_costs_the_stage_it_was_in_and_no_other,
    |house| {
        let play = Play::new(house, &[stage("a", ""), stage("b", NEEDS_A)]);
        play.prompter.cue("b", &[Cue::Hang]);
        let run = play.queue();
        play.prompter.until_called("b/1/1");
        play.lose_worker(true);
        play.start(None);
        play.run_out();
        play.until(&run, Done);
        assert_eq!(play.prompter.calls(), ["a/1/1", "b/1/1", "b/1/1"]);
    }
);

in_every_house!(a_worker_that_stops_gives_its_runs_back, |house| {
    let play = Play::new(house, &[stage("a", ""), stage("b", NEEDS_A)]);
    play.prompter.cue("a", &[Cue::Say("unavailable")]);
    let run = play.queue();
    play.until(&run, Waiting);
    play.stop_worker();
    play.steer(&run, Queued);
    play.start(None);
    play.until(&run, Done);
    assert_eq!(play.prompter.stages(), "a a b");
});

in_every_house!(a_worker_that_stops_ends_its_stage_first, |house| {
    let play = Play::new(house, &[stage("a", ""), stage("b", NEEDS_A)]);
    play.prompter.cue("a", &[Cue::Hang]);
    let run = play.queue();
    play.prompter.until_called("a/1/1");
    play.stop_worker();
    play.start(None);
    play.until(&run, Done);
    assert_eq!(play.prompter.stages(), "a b");
});

/// A run whose worker is killed at a point around the first commit: the write is there once.
fn killed_around_a_commit(house: House, point: &str, calls: &[&str]) {
    let stages = [stage("a", "config.writes = true"), stage("b", NEEDS_A)];
    let play = Play::rehearsed(house, &stages);
    let run = play.queue();
    play.start(Some(&format!("{point}=kill")));
    play.lose_worker(false);
    play.start(None);
    play.run_out();
    play.until(&run, Done);
    assert_eq!(play.prompter.calls(), calls);
    assert_eq!(play.factory.count("scratch WHERE name = 'a'"), 1);
}

in_every_house!(a_deferred_write_is_made_once_if_killed_before_it, |house| {
    killed_around_a_commit(house, "before-commit", &["a/1/1", "a/1/1", "b/1/1"]);
});

in_every_house!(a_deferred_write_is_made_once_if_killed_after_it, |house| {
    killed_around_a_commit(house, "after-commit", &["a/1/1", "b/1/1"]);
});
