//! Schedules through the real program: fired once by however many workers, and not once more when
//! one is killed in the middle; they follow the revision, and the command line tells of them.

use callboard_core::store::Dialect;
use jiff::{Timestamp, civil};

use crate::support::daemon::{Daemon, eventually};
use crate::support::factory::{Factory, on_each};

/// The one stage of a pipeline that ends at once.
const STAGE: &str = "[[stage]]
id = \"keep\"
handler = \"retention.keep_newest\"
config = { table = \"commits\", order_column = \"committed_at\", keep = 5 }
";
/// Each New Year's Day counts, however late.
const YEARLY: &str = "[[schedule]]\ncron = \"0 0 1 1 *\"\ncatch_up = \"87600h\"\n";
const YEARLY_NAME: &str = "sweep: 0 0 1 1 * UTC";

/// A bare factory with a pipeline `sweep` that has these schedules, and no other upkeep.
fn sweeping(dialect: Dialect, schedules: &str) -> Factory {
    let factory = Factory::bare_written(dialect);
    factory.remove("policies/commits_keep_newest.toml");
    write(&factory, schedules);
    factory.ok(&["apply"]);
    factory
}

fn write(factory: &Factory, schedules: &str) {
    let head = "name = \"sweep\"\nbudget = \"1m\"\n";
    factory.write(
        "pipelines/sweep.toml",
        format!("{head}\n{schedules}\n{STAGE}"),
    );
}

fn names(factory: &Factory) -> Vec<String> {
    factory.texts("SELECT name FROM schedules ORDER BY name", "name")
}

fn until_planned(factory: &Factory, wanted: &[&str]) {
    eventually("the rows are those of the revision", || {
        (names(factory) == wanted).then_some(())
    });
}

/// As if no worker had looked since that many New Year's Days.
fn miss(factory: &Factory, years: i16) {
    let this = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year();
    let last = civil::date(this - years, 1, 1).at(0, 0, 1, 0);
    let last = last.in_tz("UTC").expect("a time").timestamp();
    let last = last.as_microsecond();
    let sql = format!("UPDATE schedules SET last_at = {last}, next_at = {last}");
    assert_eq!(factory.execute(&sql), 1);
}

fn stop(workers: Vec<Daemon>) {
    for worker in &workers {
        worker.signal("TERM");
    }
    for worker in workers {
        let ran = worker.ended();
        assert_eq!(ran.code, 0, "{ran}");
    }
}

on_each!(
    an_occurrence_runs_once_however_many_workers_there_are,
    |dialect: Dialect| {
        let schedule = format!("{YEARLY}overlap = \"queue\"\n");
        let factory = sweeping(dialect, &schedule);
        let count = match dialect {
            Dialect::Sqlite => 1,
            Dialect::Postgres => 3,
        };
        let workers: Vec<_> = (0..count)
            .map(|_| Daemon::start(&factory, &["work"]))
            .collect();
        until_planned(&factory, &[YEARLY_NAME]);
        assert_eq!(factory.count("runs"), 0, "nothing was missed yet");
        for round in 1..=3 {
            miss(&factory, 4);
            eventually("all four ran", || {
                (factory.count("history") == 4 * round).then_some(())
            });
        }
        stop(workers);
        assert_eq!(factory.count("runs"), 12);
        let of = format!("history WHERE origin = 'schedule {YEARLY_NAME}' AND revision = 1");
        assert_eq!(factory.count(&of), 12);
        // One after the other.
        let overlapping = "history AS a JOIN history AS b \
            ON a.id < b.id AND a.started_at < b.finished_at AND b.started_at < a.finished_at";
        assert_eq!(factory.count(overlapping), 0);
        // The ledger knows of them.
        let noted = "effects WHERE pipeline = 'sweep' AND handler = 'retention.keep_newest'";
        assert_eq!(factory.count(noted), 1);
    }
);

on_each!(
    a_worker_that_is_killed_while_it_fires_loses_and_doubles_nothing,
    |dialect: Dialect| {
        let factory = sweeping(dialect, YEARLY);
        let worker = Daemon::start(&factory, &["work"]);
        until_planned(&factory, &[YEARLY_NAME]);
        stop(vec![worker]);
        miss(&factory, 1);
        let mut doomed = factory.command(&["work"]);
        doomed.env("CALLBOARD_FAULT", "before-fired=kill");
        let ended = doomed.output().expect("the program starts");
        assert_eq!(ended.status.code(), None, "a signal ended it");
        assert_eq!(factory.count("runs"), 0);
        let worker = Daemon::start(&factory, &["work"]);
        eventually("it ran", || (factory.count("history") == 1).then_some(()));
        stop(vec![worker]);
        assert_eq!(factory.count("runs"), 1);
    }
);

on_each!(schedules_follow_the_active_revision, |dialect: Dialect| {
    let factory = sweeping(dialect, YEARLY);
    let worker = Daemon::start(&factory, &["work"]);
    until_planned(&factory, &[YEARLY_NAME]);
    miss(&factory, 1);
    eventually("it ran", || (factory.count("history") == 1).then_some(()));
    // Other times begin anew, whatever was missed.
    write(&factory, "[[schedule]]\nevery = \"24h\"\n");
    factory.ok(&["apply"]);
    until_planned(&factory, &["sweep: every 24h"]);
    assert_eq!(factory.count("schedules WHERE last_run IS NULL"), 1);
    write(&factory, "[[schedule]]\nevery = \"24h\"\nenabled = false\n");
    factory.ok(&["apply"]);
    until_planned(&factory, &[]);
    let shown = factory.json(&["schedules", "show", "sweep"]);
    assert_eq!(
        (&shown["enabled"], shown["next"].as_array().map(Vec::len)),
        (&false.into(), Some(0))
    );
    factory.ok(&["revisions", "rollback", "1"]);
    until_planned(&factory, &[YEARLY_NAME]);
    stop(vec![worker]);
    assert_eq!(factory.count("runs"), 1);
});

on_each!(a_policy_can_have_times_of_the_clock, |dialect: Dialect| {
    let factory = Factory::bare_written(dialect);
    let policy = "policies/commits_keep_newest.toml";
    factory.edit(policy, "every = \"24h\"\n", "");
    factory.edit(policy, "\n[config]", &format!("\n{YEARLY}\n[config]"));
    factory.ok(&["apply"]);
    let worker = Daemon::start(&factory, &["work"]);
    let name = "policy:commits_keep_newest: 0 0 1 1 * UTC";
    until_planned(&factory, &[name]);
    assert_eq!(factory.count("runs"), 0);
    miss(&factory, 1);
    eventually("it ran", || {
        (factory.count("policy_runs WHERE status = 'nothing-to-do'") == 1).then_some(())
    });
    stop(vec![worker]);
    let policies = factory.json(&["policies", "list"]);
    assert_eq!(policies[0]["last"]["status"], "nothing-to-do");
    let next = policies[0]["next_at"].as_str().expect("a time");
    assert!(next.ends_with("-01-01T00:00:00Z"), "{next}");
});

#[test]
fn the_command_line_tells_when_a_schedule_fires() {
    let schedules =
        "[[schedule]]\ncron = \"0 6 * * *\"\nzone = \"Asia/Kolkata\"\njitter = \"30s\"\n";
    let factory = sweeping(Dialect::Sqlite, schedules);
    let name = "sweep: 0 6 * * * Asia/Kolkata";
    let all = factory.json(&["schedules", "list"]);
    assert_eq!(all.as_array().map(Vec::len), Some(1));
    let shown = factory.json(&["schedules", "show", "sweep"]);
    assert_eq!(all[0], shown);
    assert_eq!(
        (&shown["name"], &shown["zone"]),
        (&name.into(), &"Asia/Kolkata".into())
    );
    assert_eq!(shown["when"], "at 06:00, Asia/Kolkata");
    let next = shown["next"].as_array().expect("times");
    assert_eq!(next.len(), 5);
    for at in next {
        let (utc, local) = (at["utc"].as_str(), at["local"].as_str());
        assert!(utc.is_some_and(|at| at.ends_with("T00:30:00Z")), "{at}");
        assert!(
            local.is_some_and(|at| at.ends_with(" 06:00:00+05:30")),
            "{at}"
        );
    }
    let listed = factory.ok(&["schedules", "list"]);
    assert!(
        listed.contains(name) && listed.contains("never"),
        "{listed}"
    );
    assert_eq!(listed.matches(" 06:00:00+05:30").count(), 5, "{listed}");
    let fired = factory.ok(&["schedules", "fire", "sweep"]);
    assert!(
        fired.contains("queued run") && fired.contains("of sweep"),
        "{fired}"
    );
    let again = factory.run(&["schedules", "fire", name]);
    assert_eq!(again.code, 1, "{again}");
    assert!(again.stderr.contains("has not ended"), "{again}");
    let unknown = factory.run(&["schedules", "show", "nothing"]);
    assert_eq!(unknown.code, 2, "{unknown}");
    assert!(
        unknown.stderr.contains("callboard schedules list"),
        "{unknown}"
    );
}
