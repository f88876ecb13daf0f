//! Cancel, pause and resume.

use callboard_core::store::Dialect;

use super::prompter::Prompter;
use super::{Theatre, gate, script, stage};
use crate::support::daemon::{Daemon, eventually};
use crate::support::factory::on_each;

/// Two stages; the first waits for its cue, the second is what follows a success.
fn waiting(dialect: Dialect) -> (Theatre, Prompter) {
    let prompter = Prompter::new();
    let stages = stage("first", &[], &prompter.config()) + &stage("then", &["first"], "");
    (Theatre::prompted(dialect, &stages, &prompter), prompter)
}

on_each!(
    a_run_that_waits_for_a_person_is_cancelled_at_once,
    |dialect: Dialect| {
        let theatre = Theatre::new(dialect, &(stage("a", &[], "") + &gate("ask", "a", "")));
        let run = theatre.play(4);
        let cancel = [
            "runs", "cancel", &run, "--by", "Ada", "--reason", "too late",
        ];
        assert_eq!(theatre.ok(&cancel).trim(), "cancelled");
        assert_eq!(theatre.detail(&run), "cancelled by Ada: too late");
        let decided = theatre.json(&["gates", "show", &run]);
        assert_eq!(decided[0]["gate"]["decision"], "withdrawn");
        assert_eq!(
            theatre.json(&["gates", "list"]).as_array().map(Vec::len),
            Some(0)
        );
        // What has ended has ended.
        theatre.refuses(
            &["runs", "cancel", &run],
            1,
            "has ended; there is nothing to cancel",
        );
        theatre.refuses(
            &["runs", "pause", &run],
            1,
            "has ended; there is nothing to pause",
        );
        theatre.refuses(&["runs", "resume", &run], 1, "callboard runs retry");
        theatre.refuses(&["gates", "approve", &run], 2, "no gate that is open");
        theatre.refuses(&["runs", "cancel", "zzz"], 2, "no run `zzz`");
    }
);

on_each!(
    a_cancel_stops_a_stage_under_way_and_nothing_follows,
    |dialect: Dialect| {
        let (theatre, prompter) = waiting(dialect);
        let running = Daemon::start(&theatre, &["run", "play"]);
        let stage = prompter.until_asked();
        let run = theatre.newest();
        let told = theatre.ok(&["runs", "cancel", &run, "--by", "Ada"]);
        assert!(told.contains("its worker is asked to cancel it"), "{told}");
        let shown = theatre.json(&["runs", "show", &run]);
        assert_eq!(shown["holder"]["stop_request"], "cancel");
        assert!(
            theatre
                .ok(&["runs", "show", &run])
                .contains("cancelled by Ada")
        );
        stage.until_stopped();
        let ended = running.ended();
        assert_eq!(ended.code, 1, "{ended}");
        assert!(
            ended.stdout.contains("cancelled: cancelled by Ada"),
            "{ended}"
        );
        assert_eq!(theatre.course(&run), Vec::<String>::new());
    }
);

on_each!(
    a_paused_run_keeps_what_was_under_way_and_goes_on_when_resumed,
    |dialect: Dialect| {
        let (theatre, prompter) = waiting(dialect);
        let worker = Daemon::start(&theatre, &["work"]);
        worker.until("working on");
        let running = Daemon::start(&theatre, &["run", "play"]);
        let stage = prompter.until_asked();
        let run = theatre.newest();
        theatre.ok(&["runs", "pause", &run, "--by", "Ada", "--reason", "lunch"]);
        stage.answer();
        let paused = running.ended();
        assert_eq!(paused.code, 4, "{paused}");
        assert_eq!(theatre.detail(&run), "paused by Ada: lunch");
        assert_eq!(theatre.course(&run), ["first 1 done continue"]);
        // The worker has it in sight and leaves it alone: what is queued after it is done.
        let other = Daemon::start(&theatre, &["run", "play"]);
        prompter.until_asked().answer();
        assert_eq!(other.ended().code, 0);
        assert_eq!(theatre.status(&run), "paused");
        theatre.refuses(&["runs", "migrate", &run], 1, "is on revision 1 already");
        // This process or the worker, whichever is faster, carries it on.
        theatre.comes_to(&["runs", "resume", &run], 0);
        let course = ["first 1 done continue", "then 1 done continue"];
        assert_eq!(theatre.course(&run), course);
        worker.signal("TERM");
        assert_eq!(worker.ended().code, 0);
    }
);

on_each!(
    a_run_that_something_holds_is_paused_and_cancelled_without_a_worker,
    |dialect: Dialect| {
        let theatre = Theatre::new(dialect, &stage("a", &[], &script(&["unavailable"])));
        let run = theatre.play(4);
        assert_eq!(theatre.status(&run), "waiting");
        assert_eq!(theatre.ok(&["runs", "pause", &run]).trim(), "paused");
        // A look at once, whatever it waits for, and it waits again.
        theatre.comes_to(&["runs", "resume", &run], 4);
        assert_eq!(theatre.status(&run), "waiting");
        assert_eq!(
            theatre.count("stage_runs WHERE holds = 1"),
            1,
            "it was tried again"
        );
        assert_eq!(theatre.ok(&["runs", "cancel", &run]).trim(), "cancelled");
    }
);

on_each!(
    a_run_whose_worker_is_gone_is_cancelled_without_it,
    |dialect: Dialect| {
        let (theatre, prompter) = waiting(dialect);
        let running = Daemon::start(&theatre, &["run", "play"]);
        let _stage = prompter.until_asked();
        let run = theatre.newest();
        theatre.refuses(&["runs", "resume", &run], 1, "in the hands of worker");
        theatre.refuses(&["runs", "retry", &run], 1, "is under way; pause it first");
        theatre.refuses(
            &["runs", "migrate", &run],
            1,
            "is under way; pause it first",
        );
        running.signal("KILL");
        assert_eq!(running.ended().code, -1);
        theatre.execute("UPDATE open_runs SET lease_until = 1");
        assert_eq!(theatre.ok(&["runs", "cancel", &run]).trim(), "cancelled");
    }
);

on_each!(
    a_wish_reaches_whoever_takes_the_run_over,
    |dialect: Dialect| {
        let (theatre, prompter) = waiting(dialect);
        let running = Daemon::start(&theatre, &["run", "play"]);
        let _stage = prompter.until_asked();
        let run = theatre.newest();
        running.freeze(&theatre.url());
        theatre.ok(&["runs", "cancel", &run, "--by", "Ada"]);
        theatre.execute("UPDATE open_runs SET lease_until = 1");
        let worker = Daemon::start(&theatre, &["work"]);
        worker.until("working on");
        eventually("the next worker ends it", || {
            (theatre.status(&run) == "cancelled").then_some(())
        });
        worker.signal("TERM");
        assert_eq!(worker.ended().code, 0);
        assert_eq!(theatre.course(&run), Vec::<String>::new());
        running.signal("KILL");
    }
);

on_each!(
    a_run_that_is_interrupted_is_given_back_and_goes_on_with_the_printed_command,
    |dialect: Dialect| {
        let (theatre, prompter) = waiting(dialect);
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let running = Daemon::start(&theatre, &["run", "play"]);
            let stage = prompter.until_asked();
            let run = theatre.newest();
            running.signal(signal);
            stage.until_stopped();
            let ended = running.ended();
            assert_eq!(ended.code, code, "{ended}");
            let command = format!("callboard runs resume {run}");
            assert!(ended.stderr.contains(&command), "{ended}");
            assert_eq!(theatre.status(&run), "queued");
            assert_eq!(theatre.count("open_runs WHERE lease_until <> 0"), 0);
            let resumed = Daemon::start(&theatre, &["runs", "resume", &run]);
            prompter.until_asked().answer();
            assert_eq!(resumed.ended().code, 0);
            let course = ["first 1 done continue", "then 1 done continue"];
            assert_eq!(theatre.course(&run), course);
        }
    }
);

on_each!(
    a_run_whose_worker_may_be_dead_says_until_when_it_is_held,
    |dialect: Dialect| {
        let theatre = Theatre::new(dialect, &(stage("a", &[], "") + &gate("ask", "a", "")));
        let run = theatre.play(4);
        // As a worker leaves it that died amid its work: 2040-01-02.
        theatre.execute(
            "UPDATE open_runs SET status = 'running', worker = 'ghost/1', \
                detail = 'given back by a worker that stops', lease_until = 2209075200000000",
        );
        // What was said before it was taken is not said of it now.
        assert_eq!(theatre.detail(&run), "");
        let listed = theatre.ok(&["runs", "list"]);
        assert!(listed.contains("running"), "{listed}");
        assert!(!listed.contains("given back"), "{listed}");
        let held = "is in the hands of worker ghost/1";
        theatre.refuses(&["runs", "resume", &run], 1, held);
        let until = "resume the run after 2040-01-02 00:00:00 UTC";
        theatre.refuses(&["runs", "resume", &run], 1, until);
        let told = theatre.ok(&["runs", "cancel", &run]);
        assert!(
            told.contains("after 2040-01-02 00:00:00 UTC the same"),
            "{told}"
        );
        // Then it does.
        theatre.execute("UPDATE open_runs SET lease_until = 1");
        assert_eq!(theatre.ok(&["runs", "cancel", &run]).trim(), "cancelled");
    }
);
