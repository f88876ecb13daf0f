//! `runs tail`, and what lists and shows say of runs.

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use super::prompter::Prompter;
use super::{Theatre, gate, stage, text};
use crate::support::daemon::Daemon;
use crate::support::factory::on_each;

on_each!(
    a_run_is_followed_from_its_stages_to_its_end,
    |dialect: Dialect| {
        let prompter = Prompter::new();
        let stages = stage("a", &[], "") + &stage("b", &["a"], &prompter.config());
        let theatre = Theatre::prompted(dialect, &stages, &prompter);
        let running = Daemon::start(&theatre, &["run", "play"]);
        let waiting = prompter.until_asked();
        let run = theatre.newest();
        let all = Daemon::start(&theatre, &["runs", "tail"]);
        all.printed("running");
        let left = Daemon::start(&theatre, &["runs", "tail", &theatre.newest()]);
        left.printed("a done");
        left.signal("TERM");
        assert_eq!(left.ended().code, 143, "it did not come to its end");
        let one = Daemon::start(&theatre, &["--format", "json", "runs", "tail", &run]);
        one.printed("\"stage\":\"a\"");
        waiting.answer();
        assert_eq!(running.ended().code, 0);
        let ended = one.ended();
        assert_eq!(ended.code, 0, "{ended}");
        let last = ended.stdout.lines().last().expect("a line");
        let last: Json = serde_json::from_str(last).expect("a line is a document");
        assert_eq!(
            (&last["run"], &last["status"]),
            (&run.clone().into(), &"done".into())
        );
        all.printed("b done");
        all.printed("done");
        all.signal("INT");
        assert_eq!(all.ended().code, 0);
    }
);

on_each!(
    a_run_that_ended_is_told_at_once_with_its_exit_code,
    |dialect: Dialect| {
        let theatre = Theatre::new(dialect, &(stage("a", &[], "") + &gate("ask", "a", "")));
        let run = theatre.play(4);
        theatre.ok(&["gates", "reject", &run, "--feedback", "no", "--by", "Ada"]);
        let ran = theatre.comes_to(&["runs", "tail", &run], 1);
        assert!(ran.stdout.contains("play  a done"), "{ran}");
        assert!(ran.stdout.contains("play  rejected: ask:"), "{ran}");
        theatre.refuses(&["runs", "tail", "zzz"], 2, "no run `zzz`");
    }
);

on_each!(
    runs_are_listed_by_status_and_pipeline_and_shown_whole,
    |dialect: Dialect| {
        let theatre = Theatre::new(dialect, &(stage("a", &[], "") + &gate("ask", "a", "")));
        let (first, second) = (theatre.play(4), theatre.play(4));
        theatre.ok(&[
            "gates",
            "approve",
            &first,
            "--by",
            "Ada",
            "--feedback",
            "fine",
        ]);
        let ids = |arguments: &[&str]| {
            let listed = theatre.json(&[&["runs", "list"], arguments].concat());
            let listed = listed.as_array().expect("a list").iter();
            listed.map(|run| text(&run["id"])).collect::<Vec<_>>()
        };
        assert_eq!(ids(&["--status", "gated"]), std::slice::from_ref(&second));
        assert_eq!(ids(&["--pipeline", "play"]), [second, first.clone()]);
        theatre.refuses(
            &["runs", "list", "--pipeline", "other"],
            2,
            "there is no pipeline `other`",
        );
        theatre.refuses(&["runs", "list", "--status", "finished"], 2, "finished");
        let shown = theatre.ok(&["runs", "show", &first]);
        for part in [
            "origin    cli",
            "priority  0",
            "spent",
            "approved",
            "Ada",
            "fine",
        ] {
            assert!(shown.contains(part), "no `{part}` in\n{shown}");
        }
    }
);
