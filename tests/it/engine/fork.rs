//! A fork: the same beginning, another end.

use callboard_core::store::Dialect;

use super::{Theatre, gate, script, stage};
use crate::support::factory::on_each;

on_each!(
    a_fork_takes_over_what_comes_before_and_leaves_the_other_run_alone,
    |dialect: Dialect| {
        let stages = stage("a", &[], "") + &stage("b", &["a"], "") + &stage("c", &["b"], "");
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(0);
        let before = theatre.json(&["runs", "show", &run]);
        let fork = ["runs", "fork", &run, "--from", "b", "--input", "cue=later"];
        theatre.comes_to(&fork, 0);
        let forked = theatre.newest();
        assert_ne!(forked, run);
        assert_eq!(
            theatre.lines(&forked),
            ["a 1, cue now", "b 1, cue later", "c 1, cue later"]
        );
        let shown = theatre.json(&["runs", "show", &forked]);
        assert_eq!(shown["run"]["origin"], format!("fork of {run}"));
        assert_eq!(
            shown["stages"][0]["started_at"],
            before["stages"][0]["started_at"]
        );
        assert_eq!(theatre.json(&["runs", "show", &run]), before);
    }
);

on_each!(
    a_fork_is_refused_where_it_cannot_begin,
    |dialect: Dialect| {
        let stages = stage("a", &[], "")
            + &stage("b", &["a"], &script(&["failed"]))
            + &stage("c", &["b"], "");
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(1);
        let fork = |from, input| ["runs", "fork", &run, "--from", from, "--input", input];
        theatre.refuses(&fork("d", "cue=x"), 2, "has no stage `d`");
        theatre.refuses(
            &fork("c", "cue=x"),
            1,
            "was ended by `b`, which does not come after `c`",
        );
        theatre.refuses(&fork("b", "hue=x"), 2, "has no input `hue`; it takes `cue`");
        theatre.refuses(&fork("b", "cue"), 2, "`cue` is no input");
        assert_eq!(theatre.count("runs"), 1);
    }
);

on_each!(
    a_fork_of_a_run_before_a_gate_has_a_gate_of_its_own,
    |dialect: Dialect| {
        let stages = stage("a", &[], "") + &gate("ask", "a", "") + &stage("b", &["ask"], "");
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(4);
        theatre.comes_to(&["runs", "fork", &run, "--from", "a"], 4);
        let fork = theatre.newest();
        theatre.comes_to(&["gates", "approve", &fork], 0);
        assert_eq!(theatre.status(&run), "gated");
        // Behind an approval, the fork has it too.
        theatre.comes_to(&["runs", "fork", &fork, "--from", "b"], 0);
        assert_eq!(theatre.count("gates"), 2);
    }
);
