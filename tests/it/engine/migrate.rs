//! S12: a run in flight stays on its revision, and moves to another one only when a person says
//! so, who is told first what that means.

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use super::{Theatre, gate, script, stage, text};
use crate::support::daemon::{Daemon, eventually};
use crate::support::factory::{DAY, Factory, board, on_each};

/// The fate of each stage.
fn fates(migration: &Json) -> Vec<String> {
    let stages = migration["stages"].as_array().expect("a list");
    let fates = stages.iter();
    fates
        .map(|change| format!("{} {}", text(&change["stage"]), text(&change["fate"])))
        .collect()
}

fn halted() -> String {
    stage("a", &[], "") + &stage("b", &["a"], &script(&["unavailable"])) + &stage("c", &["b"], "")
}

on_each!(
    a_run_stays_on_its_revision_until_it_is_moved,
    |dialect: Dialect| {
        let theatre = Theatre::new(dialect, &halted());
        let run = theatre.play(4);
        // The pipeline changes after the halt: the run is left alone.
        let mended = stage("a", &[], "")
            + &stage("x", &["a"], "")
            + &stage("b", &["x"], "")
            + &stage("d", &["b"], "");
        theatre.rewrite(&mended);
        theatre.comes_to(&["runs", "resume", &run], 4);
        assert_eq!(theatre.json(&["runs", "show", &run])["run"]["revision"], 1);
        assert_eq!(
            theatre.course(&run),
            ["a 1 done continue", "b 1 unavailable hold"]
        );
        // Explained first, and nothing is changed by that.
        let before = theatre.json(&["runs", "show", &run]);
        let explained = theatre.json(&["runs", "migrate", &run]);
        assert_eq!(explained["done"], false);
        assert_eq!(
            fates(&explained),
            ["a stays", "x new", "b stays", "d new", "c gone"]
        );
        let said = theatre.ok(&["runs", "migrate", &run]);
        assert!(
            said.contains("nothing was changed; to do it, add --yes"),
            "{said}"
        );
        assert_eq!(theatre.json(&["runs", "show", &run]), before);
        // Then done, with its record.
        let migrate = [
            "runs", "migrate", &run, "--yes", "--by", "Ada", "--reason", "mended",
        ];
        theatre.ok(&migrate);
        assert_eq!(
            theatre.detail(&run),
            "moved from revision 1 to 2 by Ada: mended"
        );
        assert_eq!(theatre.status(&run), "queued");
        theatre.comes_to(&["runs", "resume", &run], 0);
        assert_eq!(
            theatre.lines(&run),
            [
                "a 1, cue now",
                "x 1, cue now",
                "b 1, cue now",
                "d 1, cue now"
            ]
        );
        assert_eq!(theatre.json(&["runs", "show", &run])["run"]["revision"], 2);
    }
);

on_each!(
    a_checkpoint_that_does_not_fit_is_visited_anew_with_what_follows,
    |dialect: Dialect| {
        let stages = stage("a", &[], "") + &stage("b", &["a"], "") + &gate("ask", "b", "");
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(4);
        theatre.ok(&["runs", "pause", &run]);
        // `a` is another handler now, which knows nothing of a line.
        let stages = "[[stage]]\nid = \"a\"\nhandler = \"probe.store\"\n".to_owned()
            + &stage("b", &["a"], "")
            + &gate("ask", "b", "");
        theatre.rewrite(&stages);
        let explained = theatre.json(&["runs", "migrate", &run]);
        assert_eq!(fates(&explained), ["a anew", "b anew", "ask withdrawn"]);
        let why = text(&explained["stages"][0]["why"]);
        assert!(
            why.contains("does not fit probe.store any more: key `line`"),
            "{why}"
        );
        theatre.ok(&["runs", "migrate", &run, "--yes"]);
        assert_eq!(theatre.status(&run), "paused", "what is paused stays so");
        assert_eq!(theatre.count("gates WHERE decision IS NULL"), 0);
        theatre.comes_to(&["runs", "resume", &run], 4);
        assert_eq!(
            theatre.course(&run),
            [
                "a 1 done migrated:continue",
                "b 1 done migrated:continue",
                "a 2 done continue",
                "b 2 done continue"
            ]
        );
        theatre.comes_to(&["gates", "approve", &run], 0);
    }
);

on_each!(
    a_gate_is_asked_on_or_withdrawn_with_its_stage,
    |dialect: Dialect| {
        let stages = stage("a", &[], "") + &gate("ask", "a", "") + &stage("b", &["ask"], "");
        let theatre = Theatre::new(dialect, &stages);
        let (kept, freed) = (theatre.play(4), theatre.play(4));
        theatre.rewrite(&(stage("a", &[], "") + &gate("ask", "a", "") + &stage("c", &["ask"], "")));
        theatre.ok(&["runs", "migrate", &kept, "--yes"]);
        theatre.comes_to(&["runs", "resume", &kept], 4);
        theatre.comes_to(&["gates", "approve", &kept], 0);
        assert_eq!(theatre.lines(&kept), ["a 1, cue now", "c 1, cue now"]);
        theatre.rewrite(&(stage("a", &[], "") + &stage("c", &["a"], "")));
        let to_two = theatre.json(&["runs", "migrate", &freed, "--to", "2"]);
        assert_eq!(fates(&to_two), ["a stays", "ask asked", "c new", "b gone"]);
        let explained = theatre.json(&["runs", "migrate", &freed]);
        assert_eq!(
            fates(&explained),
            ["a stays", "c new", "ask withdrawn", "b gone"]
        );
        theatre.ok(&["runs", "migrate", &freed, "--yes"]);
        theatre.comes_to(&["runs", "resume", &freed], 0);
        assert_eq!(theatre.lines(&freed), ["a 1, cue now", "c 1, cue now"]);
    }
);

on_each!(a_migration_that_cannot_be_is_refused, |dialect: Dialect| {
    let theatre = Theatre::new(dialect, &halted());
    let run = theatre.play(4);
    theatre.refuses(&["runs", "migrate", &run], 1, "is on revision 1 already");
    theatre.refuses(
        &["runs", "migrate", &run, "--to", "7"],
        2,
        "there is no revision `7`",
    );
    let text = theatre.read("pipelines/play.toml");
    let asks = text.replace(
        "default = \"now\"",
        "default = \"now\"\n[input.feedback]\nrequired = true",
    );
    theatre.write("pipelines/play.toml", asks);
    theatre.ok(&["apply"]);
    theatre.refuses(&["runs", "migrate", &run], 1, "has no input `feedback`");
    theatre.remove("pipelines/play.toml");
    theatre.write(
        "pipelines/other.toml",
        text.replace("\"play\"", "\"other\""),
    );
    theatre.ok(&["apply"]);
    theatre.refuses(&["runs", "migrate", &run], 1, "has no pipeline `play`");
    theatre.ok(&["runs", "cancel", &run]);
    theatre.refuses(&["runs", "migrate", &run, "--to", "1"], 1, "has ended");
    assert_eq!(theatre.count("history WHERE revision = 1"), 1);
});

on_each!(a_worker_carries_a_moved_run_on, |dialect: Dialect| {
    let theatre = Theatre::new(dialect, &halted());
    let run = theatre.play(4);
    theatre.rewrite(&(stage("a", &[], "") + &stage("b", &["a"], &script(&["done"]))));
    theatre.ok(&["runs", "pause", &run]);
    let worker = Daemon::start(&theatre, &["work"]);
    worker.until("working on");
    theatre.comes_to(&["runs", "resume", &run], 4);
    eventually("it waits again", || {
        (theatre.status(&run) == "waiting").then_some(())
    });
    // The worker may be trying it again in this moment; then it is asked again.
    eventually("it is moved", || {
        let moved = theatre.run(&["runs", "migrate", &run, "--yes"]);
        (moved.code == 0).then_some(())
    });
    eventually("the worker ends it", || {
        (theatre.status(&run) == "done").then_some(())
    });
    worker.signal("TERM");
    assert_eq!(worker.ended().code, 0);
});

on_each!(
    a_gate_stays_as_it_was_when_only_the_budget_changes,
    |dialect: Dialect| {
        let unmet = "when = [{ key = \"cue\", is = \"never\" }]";
        let stages = stage("a", &[], "")
            + &gate("decided", "a", "")
            + &gate("skipped", "decided", unmet)
            + &gate("open", "skipped", "");
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(4);
        theatre.comes_to(&["gates", "approve", &run, "decided"], 4);
        let text = theatre.read("pipelines/play.toml");
        let budget = text.replace("budget = \"5m\"", "budget = \"6m\"");
        theatre.write("pipelines/play.toml", budget);
        theatre.ok(&["apply"]);
        let explained = theatre.json(&["runs", "migrate", &run]);
        let fates = fates(&explained);
        assert_eq!(
            fates,
            ["a stays", "decided stays", "skipped stays", "open asked"]
        );
    }
);

on_each!(
    what_follows_a_move_is_true_of_a_run_that_is_paused_and_of_one_that_is_not,
    |dialect: Dialect| {
        let theatre = Theatre::new(dialect, &halted());
        let run = theatre.play(4);
        theatre.rewrite(&(halted() + &stage("d", &["c"], "")));
        theatre.ok(&["runs", "pause", &run]);
        let said = theatre.ok(&["runs", "migrate", &run, "--yes"]);
        assert!(said.contains("done; it stays paused\n"), "{said}");
        assert!(
            said.ends_with(&format!("next: callboard runs resume {run}\n")),
            "{said}"
        );
        assert_eq!(theatre.status(&run), "paused");
        theatre.comes_to(&["runs", "resume", &run], 4);
        let said = theatre.ok(&["runs", "migrate", &run, "--to", "1", "--yes"]);
        assert!(
            said.contains("`callboard serve` or `callboard work` goes on"),
            "{said}"
        );
        // It is queued now, and no worker runs: that it goes on is not said without by whom.
        theatre.refuses(
            &["runs", "retry", &run, "--from", "a"],
            1,
            "goes on with a worker or `callboard runs resume`",
        );
    }
);

on_each!(
    a_question_that_is_withdrawn_leaves_no_task_before_a_gate,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        let run = factory.texts("SELECT run FROM tasks", "run")[0].clone();
        let pipeline = factory.read("pipelines/dev_diary.toml");
        let mut parts: Vec<_> = pipeline.split("[[stage]]").collect();
        parts.retain(|part| !part.contains("id = \"approve\""));
        let without = parts.join("[[stage]]");
        let without = without.replace("needs = [\"approve\"]", "needs = [\"save\"]");
        factory.write("pipelines/dev_diary.toml", without);
        factory.ok(&["apply"]);
        let said = factory.ok(&["runs", "migrate", &run]);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("nobody said yes"), "{said}");
        factory.ok(&["runs", "migrate", &run, "--yes"]);
        let status = || factory.texts("SELECT status FROM tasks", "status");
        assert_eq!(status(), ["drafted"]);
        let ran = factory.run(&["runs", "resume", &run]);
        assert!(ran.to_string().contains("its gate was withdrawn"), "{ran}");
        assert_eq!(
            (status(), factory.count("posts")),
            (vec!["rejected".to_owned()], 0)
        );
        // The mend that is named mends it.
        let ran = factory.diary(board().path(), DAY);
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(status(), ["published"]);
    }
);

on_each!(
    a_question_whose_gate_was_renamed_is_asked_at_the_other_one,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        let pipeline = "pipelines/dev_diary.toml";
        factory.edit(pipeline, "id = \"approve\"", "id = \"ok\"");
        factory.edit(pipeline, "needs = [\"approve\"]", "needs = [\"ok\"]");
        factory.ok(&["apply"]);
        let plan = factory.json(&["runs", "migrate", "latest"]);
        let stages = plan["stages"].as_array().expect("a list");
        let approve = stages.iter().find(|it| it["stage"] == "approve");
        let why = approve.expect("it is told")["why"].to_string();
        assert!(why.contains("is asked at `ok`"), "{why}");
        assert!(!why.contains("nobody said yes"), "{why}");
        factory.ok(&["runs", "migrate", "latest", "--yes"]);
        assert_eq!(factory.run(&["runs", "resume", "latest"]).code, 4);
        factory.ok(&["tasks", "approve", "latest"]);
        assert_eq!(factory.count("posts"), 1);
    }
);
