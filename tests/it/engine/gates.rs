//! Gates: decided once, by a named person or program, and untouched by everything that goes by the
//! clock.

use callboard_core::store::Dialect;

use super::{Theatre, gate, stage, text};
use crate::support::daemon::{Daemon, eventually, until_frozen};
use crate::support::factory::{DAY, Factory, board, on_each};

const LOOP: &str = "regenerate = { text = \"draft\" }\non.rejected = \"goto:draft\"";

/// A draft, a question that can send it back, and what follows an approval.
fn drafted(dialect: Dialect, rest: &str) -> Theatre {
    let stages = stage("draft", &[], "max_visits = 2")
        + &gate("ask", "draft", rest)
        + &stage("publish", &["ask"], "");
    Theatre::new(dialect, &stages)
}

on_each!(
    a_gate_is_listed_shown_and_decided_once,
    |dialect: Dialect| {
        let theatre = drafted(dialect, "");
        let run = theatre.play(4);
        let listed = theatre.json(&["gates", "list"]);
        assert_eq!(
            (&listed[0]["run"], &listed[0]["stage"]),
            (&run.clone().into(), &"ask".into())
        );
        assert_eq!(theatre.course(&run), ["draft 1 done continue"]);
        theatre.refuses(
            &["gates", "approve", &run, "draft"],
            2,
            "no gate `draft` that is open",
        );
        theatre.refuses(
            &["gates", "approve", "zzzzzzzz"],
            2,
            "no run and no task `zzzzzzzz`",
        );
        theatre.refuses(&["gates", "reject", &run], 2, "--feedback");
        let parts = [
            "gates",
            "regenerate",
            &run,
            "--part",
            "text",
            "--feedback",
            "x",
        ];
        theatre.refuses(&parts, 1, "cannot make `text` anew; it names none");
        theatre.comes_to(&["gates", "approve", &run, "ask", "--by", "Ada"], 0);
        let shown = theatre.json(&["gates", "show", &run]);
        assert_eq!(shown[0]["gate"]["decision"], "approved");
        assert_eq!(shown[0]["gate"]["decided_by"], "Ada");
        assert!(shown[0]["gate"]["decided_at"].is_string(), "{shown}");
        theatre.refuses(&["gates", "approve", &run], 2, "no gate that is open");
        assert_eq!(
            theatre.lines(&run),
            ["draft 1, cue now", "publish 1, cue now"]
        );
    }
);

on_each!(
    a_rejection_ends_the_run_and_nothing_follows,
    |dialect: Dialect| {
        let theatre = drafted(dialect, "");
        let run = theatre.play(4);
        let reject = [
            "gates",
            "reject",
            &run,
            "--by",
            "Ada",
            "--feedback",
            "too dry",
        ];
        theatre.comes_to(&reject, 0);
        assert_eq!(theatre.status(&run), "rejected");
        assert_eq!(theatre.detail(&run), "ask: rejected: too dry");
        assert_eq!(
            theatre.course(&run),
            ["draft 1 done continue", "ask 1 rejected end"]
        );
    }
);

on_each!(
    a_part_is_made_anew_with_the_reason_as_often_as_its_bound_allows,
    |dialect: Dialect| {
        let theatre = drafted(dialect, LOOP);
        let run = theatre.play(4);
        assert_eq!(
            theatre.json(&["gates", "show", &run])[0]["parts"][0],
            "text"
        );
        let again = [
            "gates",
            "regenerate",
            &run,
            "--part",
            "text",
            "--feedback",
            "shorter",
        ];
        theatre.comes_to(&again, 4);
        assert_eq!(
            theatre.course(&run),
            [
                "draft 1 done continue",
                "ask 1 rejected goto:draft",
                "draft 2 done continue"
            ]
        );
        assert_eq!(theatre.lines(&run), ["draft 2, cue now, because shorter"]);
        // The bound: the question stays open for another decision.
        theatre.refuses(
            &again,
            1,
            "stage `draft` has had its 2 visits (max_visits); approve or reject",
        );
        assert_eq!(theatre.status(&run), "gated");
        let wrong = [
            "gates",
            "regenerate",
            &run,
            "--part",
            "title",
            "--feedback",
            "x",
        ];
        theatre.refuses(&wrong, 1, "cannot make `title` anew; it can make `text`");
        let shown = theatre.json(&["gates", "show", &run]);
        let decisions = shown.as_array().expect("a list").iter();
        let decisions: Vec<_> = decisions
            .map(|shown| shown["gate"]["decision"].clone())
            .collect();
        assert_eq!(decisions, ["regenerated".into(), serde_json::Value::Null]);
        theatre.comes_to(&["gates", "approve", &run], 0);
    }
);

on_each!(
    a_rejection_that_has_no_way_back_left_ends_the_run,
    |dialect: Dialect| {
        let theatre = drafted(dialect, LOOP);
        let run = theatre.play(4);
        let reject = ["gates", "reject", &run, "--feedback", "no", "--by", "Ada"];
        theatre.comes_to(&reject, 4);
        theatre.comes_to(&reject, 0);
        assert_eq!(theatre.status(&run), "rejected");
        let detail = theatre.detail(&run);
        assert!(detail.contains("no; stage `draft` has had"), "{detail}");
    }
);

on_each!(a_rejection_may_go_back_in_a_loop, |dialect: Dialect| {
    let theatre = drafted(dialect, LOOP);
    let run = theatre.play(4);
    let reject = [
        "gates",
        "reject",
        &run,
        "--by",
        "Ada",
        "--feedback",
        "too dry",
    ];
    theatre.comes_to(&reject, 4);
    assert_eq!(theatre.lines(&run), ["draft 2, cue now, because too dry"]);
    theatre.comes_to(&["gates", "approve", &run], 0);
});

/// Everything that is kept of a time is half an hour older than it was, and a minute.
fn half_an_hour_passes(theatre: &Theatre) {
    let back = 31 * 60 * 1_000_000_i64;
    for (table, columns) in [
        ("gates", &["opened_at", "expires_at"][..]),
        ("open_runs", &["created_at", "started_at", "wake_at"]),
        ("stage_runs", &["started_at", "finished_at"]),
    ] {
        let shifted = columns
            .iter()
            .map(|column| format!("{column} = {column} - {back}"));
        let shifted = shifted.collect::<Vec<_>>().join(", ");
        assert!(theatre.execute(&format!("UPDATE {table} SET {shifted}")) > 0);
    }
}

on_each!(
    a_gate_is_untouched_by_every_sweep_after_half_an_hour,
    |dialect: Dialect| {
        let theatre = drafted(dialect, "expiry = { after = \"168h\", as = \"rejected\" }");
        let run = theatre.play(4);
        half_an_hour_passes(&theatre);
        let before = theatre.json(&["runs", "show", &run]);
        let worker = Daemon::start(&theatre, &["work"]);
        worker.until("working on");
        // The worker has looked at everything: another run is through.
        theatre.play(4);
        let other = theatre.newest();
        theatre.comes_to(&["gates", "approve", &other], 0);
        assert_eq!(theatre.json(&["runs", "show", &run]), before);
        worker.signal("TERM");
        assert_eq!(worker.ended().code, 0);
        assert_eq!(theatre.json(&["runs", "show", &run]), before);
        theatre.comes_to(&["gates", "approve", &run], 0);
    }
);

on_each!(
    a_gate_whose_time_has_passed_is_decided_by_nobody_though_no_worker_runs,
    |dialect: Dialect| {
        let theatre = drafted(dialect, "expiry = { after = \"1h\", as = \"rejected\" }");
        let run = theatre.play(4);
        theatre.execute("UPDATE gates SET opened_at = 1, expires_at = 2");
        theatre.refuses(&["gates", "approve", &run], 1, "lapsed before that");
        let shown = theatre.json(&["gates", "show", &run]);
        assert_eq!(shown[0]["gate"]["decision"], "expired");
        theatre.comes_to(&["runs", "resume", &run], 1);
        assert_eq!(theatre.status(&run), "rejected");
    }
);

/// Two workers find that the same gate has lapsed, and one of them is slow.
#[test]
fn a_gate_that_another_worker_has_decided_is_no_finding() {
    let expiry = "expiry = { after = \"30m\", as = \"rejected\" }";
    let theatre = drafted(Dialect::Postgres, expiry);
    let run = theatre.play(4);
    half_an_hour_passes(&theatre);
    let mut command = theatre.command(&["work"]);
    command.env("CALLBOARD_FAULT", "before-approval=stop");
    command.env("CALLBOARD_LOG", "debug");
    let slow = Daemon::of(command);
    until_frozen(slow.id());
    let quick = Daemon::start(&theatre, &["work"]);
    eventually("the gate lapses", || {
        (theatre.status(&run) == "rejected").then_some(())
    });
    slow.signal("CONT");
    slow.until("decided by another");
    assert_eq!(theatre.json(&["findings", "list"]), serde_json::json!([]));
    for worker in [slow, quick] {
        worker.signal("TERM");
        assert_eq!(worker.ended().code, 0);
    }
}

on_each!(
    a_finding_about_a_gate_goes_with_the_gate,
    |dialect: Dialect| {
        for line in [["gates", "approve"], ["runs", "cancel"]] {
            let theatre = drafted(dialect, "");
            let run = theatre.play(4);
            theatre.execute(&format!(
                "INSERT INTO findings (key, kind, subject, message, times, first_at, last_at) \
                VALUES ('gate:{run}:ask', 'gate', 'ask', 'did not lapse', 1, 1, 1)"
            ));
            let open = || theatre.json(&["findings", "list"]);
            assert_eq!(open()[0]["kind"], "gate");
            theatre.run(&[line[0], line[1], &run]);
            assert_eq!(open(), serde_json::json!([]), "{line:?}");
        }
    }
);

on_each!(
    a_gate_with_an_expiry_lapses_as_it_says,
    |dialect: Dialect| {
        for (lapse, status) in [("rejected", "rejected"), ("approved", "done")] {
            let expiry = format!("expiry = {{ after = \"30m\", as = \"{lapse}\" }}");
            let theatre = drafted(dialect, &expiry);
            let run = theatre.play(4);
            half_an_hour_passes(&theatre);
            let worker = Daemon::start(&theatre, &["work"]);
            worker.until("working on");
            eventually("the gate lapses", || {
                (theatre.status(&run) == status).then_some(())
            });
            let shown = theatre.json(&["gates", "show", &run]);
            assert_eq!(shown[0]["gate"]["decision"], "expired");
            assert_eq!(shown[0]["gate"]["decided_by"], "expiry");
            worker.signal("TERM");
            assert_eq!(worker.ended().code, 0);
        }
    }
);

on_each!(
    of_two_open_gates_the_stage_says_which,
    |dialect: Dialect| {
        let stages = stage("a", &[], "max_visits = 3")
            + &gate("left", "a", "regenerate = { a = \"a\" }")
            + &gate("right", "a", "");
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(4);
        theatre.refuses(
            &["gates", "approve", &run],
            2,
            "name one of them after it: left, right",
        );
        theatre.comes_to(&["gates", "approve", &run, "left"], 4);
        theatre.comes_to(&["gates", "approve", &run], 0);
        // What goes back asks both again: neither question is about what it was.
        let run = theatre.play(4);
        let again = [
            "gates",
            "regenerate",
            &run,
            "left",
            "--part",
            "a",
            "--feedback",
            "x",
        ];
        theatre.comes_to(&again, 4);
        let shown = theatre.json(&["gates", "show", &run]);
        let open = shown.as_array().expect("a list").iter();
        let open = open.filter(|shown| shown["gate"]["decision"].is_null());
        let open: Vec<_> = open.map(|shown| text(&shown["gate"]["stage"])).collect();
        assert_eq!(open, ["left", "right"]);
    }
);

on_each!(
    a_paused_run_keeps_a_decision_for_when_it_goes_on,
    |dialect: Dialect| {
        let theatre = drafted(dialect, "");
        let run = theatre.play(4);
        theatre.ok(&["runs", "pause", &run]);
        theatre.comes_to(&["gates", "approve", &run], 4);
        assert_eq!(theatre.status(&run), "paused");
        assert_eq!(theatre.course(&run).len(), 2, "nothing was carried out");
        theatre.comes_to(&["runs", "resume", &run], 0);
    }
);

on_each!(a_gate_is_decided_by_its_task, |dialect: Dialect| {
    let factory = Factory::bare_written(dialect);
    let pipeline = "pipelines/dev_diary.toml";
    let gate = "gate = \"publish this post?\"";
    factory.edit(
        pipeline,
        gate,
        &format!("{gate}\nregenerate = {{ text = \"compose\" }}"),
    );
    factory.edit(
        pipeline,
        "id = \"compose\"",
        "id = \"compose\"\nmax_visits = 2",
    );
    factory.ok(&["apply"]);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let task = factory.task();
    let again = [
        "tasks",
        "regenerate",
        &task,
        "--part",
        "text",
        "--feedback",
        "shorter",
    ];
    let ran = factory.run(&again);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(factory.count("drafts"), 2);
    assert_eq!(factory.count("tasks WHERE status = 'awaiting-approval'"), 1);
    factory.ok(&["gates", "approve", &task, "--by", "Ada"]);
    assert_eq!(factory.count("posts"), 1);
});

#[test]
fn a_gate_that_sends_the_run_past_itself_is_a_miss() {
    let theatre = drafted(Dialect::Sqlite, LOOP);
    let missed = |rest: &str, part: &str| {
        let text = theatre.read("pipelines/play.toml").replace(LOOP, rest);
        theatre.write(
            "pipelines/other.toml",
            text.replace("\"play\"", "\"other\""),
        );
        let ran = theatre.run(&["check"]);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stdout.contains(part), "no `{part}` in\n{ran}");
    };
    missed("regenerate = { text = \"drift\" }", "write `draft`");
    missed("regenerate = { text = \"publish\" }", "publish");
    missed(
        "on.rejected = \"goto:publish\"",
        "so it would count as passed",
    );
}
