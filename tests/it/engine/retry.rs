//! A part of a run is done again.

use callboard_core::store::Dialect;

use super::{Theatre, gate, script, stage};
use crate::support::daemon::Daemon;
use crate::support::factory::{DAY, Factory, board, on_each};

/// `a`, then `b` that fails at first, then `c`.
fn failing(dialect: Dialect) -> Theatre {
    let stages = stage("a", &[], "")
        + &stage("b", &["a"], &script(&["failed", "done"]))
        + &stage("c", &["b"], "");
    Theatre::new(dialect, &stages)
}

on_each!(
    a_failed_run_goes_on_from_the_stage_that_failed,
    |dialect: Dialect| {
        let theatre = failing(dialect);
        let run = theatre.play(1);
        assert_eq!(
            theatre.course(&run),
            ["a 1 done continue", "b 1 failed end"]
        );
        let before = theatre.query("SELECT fence FROM history");
        theatre.execute("UPDATE history SET spent = 299999999");
        theatre.comes_to(&["runs", "retry", &run, "--by", "Ada"], 0);
        let course = [
            "a 1 done continue",
            "b 1 failed retried:end",
            "b 2 done continue",
            "c 1 done continue",
        ];
        assert_eq!(theatre.course(&run), course);
        assert_eq!(theatre.count("open_runs"), 0);
        let fence = |rows: &callboard_core::value::Rows| {
            rows.first()
                .expect("a row")
                .integer("fence")
                .expect("a number")
        };
        let after = theatre.query("SELECT fence FROM history");
        assert!(fence(&after) > fence(&before) + 1, "a retry and a claim");
        let spent = theatre.count("history WHERE spent < 299999999");
        assert_eq!(spent, 1, "its budget began anew");
    }
);

on_each!(
    a_run_that_is_done_is_retried_from_a_named_stage_alone,
    |dialect: Dialect| {
        let theatre = failing(dialect);
        let run = theatre.play(1);
        theatre.ok(&["runs", "retry", &run]);
        theatre.refuses(
            &["runs", "retry", &run],
            1,
            "ended as done; name the stage with `--from`",
        );
        theatre.refuses(
            &["runs", "retry", &run, "--from", "d"],
            2,
            "has no stage `d`; it has `a`, `b`, `c`",
        );
        theatre.ok(&["runs", "retry", &run, "--from", "c"]);
        let course = theatre.course(&run);
        assert_eq!(
            course[3..],
            ["c 1 done retried:continue", "c 2 done continue"]
        );
        assert_eq!(
            course.len(),
            5,
            "nothing before it was repeated: {course:?}"
        );
    }
);

on_each!(
    a_retry_does_not_pass_over_what_ended_the_run,
    |dialect: Dialect| {
        let theatre = failing(dialect);
        let run = theatre.play(1);
        theatre.refuses(
            &["runs", "retry", &run, "--from", "c"],
            1,
            "was ended by `b`, which does not come after `c`",
        );
        // From further before, all of it is done again.
        theatre.comes_to(&["runs", "retry", &run, "--from", "a"], 0);
        assert_eq!(
            theatre.lines(&run),
            ["a 2, cue now", "b 2, cue now", "c 1, cue now"]
        );
        // Of two branches, the one that ended it has to be named.
        let stages = stage("root", &[], "")
            + &stage("left", &["root"], &script(&["failed"]))
            + "[[stage]]\nid = \"right\"\ngate = \"good?\"\nneeds = [\"root\"]\n";
        theatre.rewrite(&stages);
        let run = theatre.play(1);
        theatre.refuses(
            &["runs", "retry", &run, "--from", "right"],
            1,
            "was ended by `left`, which does not come after `right`",
        );
    }
);

on_each!(
    a_loop_has_all_its_turns_again_after_a_retry,
    |dialect: Dialect| {
        let critic = script(&["rejected", "rejected", "rejected", "done"])
            + "\non.rejected = \"goto:draft\"";
        let stages = stage("draft", &[], "max_visits = 2") + &stage("critic", &["draft"], &critic);
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(1);
        let detail = theatre.detail(&run);
        assert!(
            detail.contains("has had its 2 visits (max_visits)"),
            "{detail}"
        );
        // It says what came last, and is no failure.
        assert_eq!(theatre.count("history WHERE status = 'rejected'"), 1);
        assert_eq!(theatre.course(&run).len(), 4);
        // The critic rejects once more, the draft is written once more, and it passes.
        theatre.comes_to(&["runs", "retry", &run, "--from", "critic"], 0);
        let course = theatre.course(&run);
        assert_eq!(
            course[4..],
            [
                "critic 3 rejected goto:draft",
                "draft 3 done continue",
                "critic 4 done continue"
            ]
        );
        let lines = theatre.lines(&run);
        assert_eq!(lines[0], "draft 3, cue now, because visit 3 of critic");
    }
);

on_each!(
    a_held_run_is_retried_now_and_a_queued_or_gated_one_is_not,
    |dialect: Dialect| {
        let held = stage("a", &[], &script(&["unavailable", "done"])) + &gate("ask", "a", "");
        let theatre = Theatre::new(dialect, &held);
        let run = theatre.play(4);
        assert_eq!(theatre.status(&run), "waiting");
        let shown = theatre.ok(&["runs", "show", &run]);
        assert!(shown.contains("\nwakes     20"), "{shown}");
        theatre.comes_to(&["runs", "retry", &run], 4);
        let shown = theatre.ok(&["runs", "show", &run]);
        assert!(!shown.contains("\nwakes "), "{shown}");
        assert_eq!(
            theatre.course(&run),
            ["a 1 unavailable retried:hold", "a 2 done continue"]
        );
        assert_eq!(theatre.status(&run), "gated");
        theatre.refuses(&["runs", "retry", &run], 1, "stands before a gate");
        theatre.ok(&["runs", "pause", &run]);
        theatre.refuses(
            &["runs", "retry", &run],
            1,
            "was stopped by no stage of its own",
        );
        // From before the gate: its question is asked anew.
        theatre.comes_to(&["runs", "retry", &run, "--from", "a"], 4);
        assert_eq!(theatre.status(&run), "gated");
        assert_eq!(theatre.count("gates WHERE decision IS NULL"), 1);
        theatre.execute("UPDATE open_runs SET status = 'queued'");
        theatre.refuses(&["runs", "retry", &run], 1, "goes on with a worker");
    }
);

on_each!(
    a_cancelled_run_goes_on_where_it_stood,
    |dialect: Dialect| {
        let theatre = Theatre::new(dialect, &(stage("a", &[], "") + &gate("ask", "a", "")));
        let run = theatre.play(4);
        theatre.ok(&["runs", "cancel", &run]);
        theatre.comes_to(&["runs", "retry", &run], 4);
        assert_eq!(theatre.status(&run), "gated");
        theatre.comes_to(&["gates", "approve", &run], 0);
        assert_eq!(
            theatre.course(&run),
            ["a 1 done continue", "ask 1 done continue"]
        );
    }
);

on_each!(
    a_rejected_task_is_taken_up_by_a_retry_and_published,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        let task = factory.task();
        let status = || factory.texts("SELECT status FROM tasks", "status")[0].clone();
        factory.ok(&["tasks", "reject", &task, "--feedback", "too dry"]);
        assert_eq!(status(), "rejected");
        let run = factory.texts("SELECT run FROM tasks", "run")[0].clone();
        let ran = factory.run(&["runs", "retry", &run]);
        assert_eq!(ran.code, 4, "{ran}");
        assert_eq!(status(), "awaiting-approval");
        // Ended by a cancel, it is listed as such and can be taken up again.
        factory.ok(&["runs", "cancel", &run]);
        assert!(factory.ok(&["tasks", "list"]).contains("cancelled"));
        assert_eq!(factory.run(&["runs", "retry", &run]).code, 4);
        factory.ok(&["tasks", "approve", &task]);
        assert_eq!(
            (status(), factory.count("posts")),
            ("published".to_owned(), 1)
        );
        assert_eq!(
            factory.count("drafts"),
            1,
            "what came before the gate was not repeated"
        );
    }
);

on_each!(a_worker_carries_a_retried_run_on, |dialect: Dialect| {
    let theatre = failing(dialect);
    let run = theatre.play(1);
    let worker = Daemon::start(&theatre, &["work"]);
    worker.until("working on");
    theatre.comes_to(&["runs", "retry", &run], 0);
    worker.signal("TERM");
    assert_eq!(worker.ended().code, 0);
    assert_eq!(
        theatre.lines(&run),
        ["a 1, cue now", "b 2, cue now", "c 1, cue now"]
    );
});

on_each!(
    a_published_task_gets_no_draft_and_no_question_by_a_retry,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        let task = factory.task();
        factory.ok(&["tasks", "approve", &task]);
        let run = factory.texts("SELECT run FROM tasks", "run")[0].clone();
        let ran = factory.run(&["tasks", "retry", &task, "--from", "compose"]);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(
            ran.stderr
                .contains("is published, and nothing of it is made anew"),
            "{ran}"
        );
        // The run itself can be retried, and comes to no draft and no gate.
        let ran = factory.run(&["runs", "retry", &run, "--from", "compose"]);
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stdout.contains("is published already"), "{ran}");
        assert_eq!((factory.count("drafts"), factory.count("posts")), (1, 1));
        assert_eq!(factory.count("gates WHERE decision IS NULL"), 0);
        assert_eq!(factory.count("tasks WHERE status = 'published'"), 1);
    }
);

on_each!(
    what_was_approved_is_published_by_a_retry_of_what_ended_behind_the_gate,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        let task = factory.task();
        let run = factory.texts("SELECT run FROM tasks", "run")[0].clone();
        factory.ok(&["runs", "pause", &run]);
        let ran = factory.run(&["tasks", "approve", &task, "--by", "Ada"]);
        assert_eq!(ran.code, 4, "it stays paused: {ran}");
        factory.ok(&["runs", "cancel", &run]);
        let ran = factory.run(&["tasks", "retry", &task]);
        assert_eq!(ran.code, 0, "{ran}");
        let by = factory.texts("SELECT approved_by FROM posts", "approved_by");
        assert_eq!(by, ["Ada"], "{ran}");
        let status = factory.texts("SELECT status FROM tasks", "status");
        assert_eq!(status, ["published"]);
    }
);
