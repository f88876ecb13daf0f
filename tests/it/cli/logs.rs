//! What a daemon says of its work, and what is kept of what a stage says.

use callboard_core::store::Dialect::{self, Sqlite};
use serde_json::Value as Json;

use crate::scenario::roll_call::{CEILING, add_plugin};
use crate::support::daemon::Daemon;
use crate::support::factory::{BARE, DAY, Factory, board, on_each};

#[test]
fn a_filter_that_is_none_is_refused_with_one_that_is() {
    let factory = Factory::bare_written(Sqlite).with("CALLBOARD_LOG", "bogus=xx");
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("CALLBOARD_LOG is `bogus=xx`"), "{ran}");
    assert!(
        ran.stderr.contains("warn,callboard_core::engine=debug"),
        "{ran}"
    );
}

/// A factory with a pipeline `probe` whose only stage speaks.
fn speaker(dialect: Dialect, stage: &str) -> Factory {
    let factory = Factory::bare_written(dialect);
    factory.write("callboard.toml", format!("{BARE}{CEILING}"));
    factory.execute("CREATE TABLE scratch (id BIGINT)");
    add_plugin(&factory, "misbehave");
    let head = "name = \"probe\"\nbudget = \"1m\"\n[[stage]]\nid = \"a\"\n";
    let stage = format!("{head}handler = \"probe.speaks\"\n{stage}");
    factory.write("pipelines/probe.toml", stage);
    factory.ok(&["apply"]);
    factory
}

/// The lines that are kept of the only stage of the only run: source, level and text.
fn kept(factory: &Factory) -> Vec<(String, String, String)> {
    let runs = factory.json(&["runs", "list"]);
    let id = runs[0]["id"].as_str().expect("a run");
    let shown = factory.json(&["runs", "show", id]);
    let lines = shown["stages"][0]["log"].as_array().expect("a log");
    let text = |line: &Json, key: &str| line[key].as_str().expect("a text").to_owned();
    let lines = lines.iter().map(|line| {
        (
            text(line, "source"),
            text(line, "level"),
            text(line, "text"),
        )
    });
    lines.collect()
}

fn spoken() -> Vec<(String, String, String)> {
    let lines = [
        ("log", "info", "by the log page=7"),
        ("stdout", "info", "on standard output"),
        ("stderr", "warn", "on standard error, without an end"),
    ];
    let lines =
        lines.map(|(source, level, text)| (source.to_owned(), level.to_owned(), text.to_owned()));
    lines.to_vec()
}

fn spoken_and_kept(dialect: Dialect) {
    let factory = speaker(dialect, "");
    factory.ok(&["run", "probe"]);
    assert_eq!(kept(&factory), spoken());
    let runs = factory.json(&["runs", "list"]);
    let shown = factory.ok(&["runs", "show", runs[0]["id"].as_str().expect("a run")]);
    assert!(shown.contains("stderr: on standard error"), "{shown}");
}

on_each!(what_a_stage_says_is_kept_with_its_run, spoken_and_kept);

#[test]
fn what_a_stage_said_before_its_deadline_is_kept() {
    let factory = speaker(Sqlite, "config = { hangs = true }\ntimeout = \"1s\"\n");
    let ran = factory.run(&["run", "probe"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(kept(&factory), spoken());
}

/// The lines of a worker's log from the start of a run to its gate and to another revision.
const TOLD: [&str; 5] = [
    "revision swapped",
    "run started",
    "stage ended",
    "gate opened",
    "run rests",
];

/// A worker that is given a diary, which comes to its gate.
fn worked(arguments: &[&str]) -> Daemon {
    let factory = Factory::bare(Sqlite);
    let worker = Daemon::start(&factory, arguments);
    worker.until("Ctrl-C stops");
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    worker
}

#[test]
fn a_daemon_tells_of_its_runs_and_no_colours_reach_a_file() {
    let worker = worked(&["work"]);
    let told = TOLD.map(|text| worker.until(text));
    assert!(told[4].contains("gated"), "{told:?}");
    assert!(told.iter().all(|line| !line.contains('\u{1b}')), "{told:?}");
}

#[test]
fn a_log_for_programs_has_one_document_a_line() {
    let worker = worked(&["--log-format", "json", "work"]);
    let line: Json = serde_json::from_str(&worker.until("run rests")).expect("a document");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["status"], "gated");
    assert_eq!(line["pipeline"], "dev_diary");
}

/// Each line that the program has written to its standard error is a document; gives their
/// messages.
#[track_caller]
fn documents(stderr: &str) -> Vec<(String, String)> {
    let text = |line: &Json, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let lines = stderr.lines().map(|line| {
        let line: Json =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string(), "{line}");
        (text(&line, "level"), text(&line, "message"))
    });
    lines.collect()
}

#[test]
fn with_a_log_for_programs_all_of_standard_error_is_documents() {
    let factory = Factory::bare(Sqlite);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address");
    let (port, address) = (address.port().to_string(), address.to_string());
    let log = ["--log-format", "json"];
    let ran = factory.run(&[&log[..], &["serve", "--listen", &address]].concat());
    assert_eq!(ran.code, 3, "{ran}");
    let told = documents(&ran.stderr);
    let (level, message) = told.last().expect("why it ended");
    assert!(level == "ERROR" && message.contains(&port), "{ran}");
    // What a command tells of its work, a run that fails, and a line that is none.
    let day = ["run", "dev_diary", "--input", "repository=nowhere"];
    for (line, code) in [
        (&["runs", "show", "zzz"][..], 2),
        (&day, 3),
        (&["runs"], 2),
        (&["nonsense"], 2),
        (&["posts", "export", "out"], 0),
    ] {
        let ran = factory.run(&[&log[..], line].concat());
        assert_eq!(ran.code, code, "{line:?}: {ran}");
        assert!(!documents(&ran.stderr).is_empty(), "{line:?}: {ran}");
    }
    let worker = worked(&["--log-format", "json", "work"]);
    worker.signal("TERM");
    documents(&worker.ended().stderr);
}

#[test]
fn the_lines_of_a_mend_are_lines_wherever_there_is_room_for_them() {
    let factory = Factory::bare_written(Sqlite);
    factory.write("callboard.toml", format!("{BARE}{CEILING}"));
    factory.execute("CREATE TABLE scratch (id BIGINT)");
    factory.execute("CREATE TABLE other (id BIGINT)");
    add_plugin(&factory, "misbehave");
    factory.write(
        "pipelines/probe.toml",
        "name = \"probe\"\nbudget = \"1m\"\n[[stage]]\nid = \"a\"\nhandler = \"probe.defers_write\"\n\
            config = { statement = \"DELETE FROM other\" }\n",
    );
    factory.ok(&["apply"]);
    let ran = factory.run(&["run", "probe"]);
    assert_eq!(ran.code, 1, "{ran}");
    let shown = factory.ok(&["runs", "show", "latest"]);
    for text in [&ran.stdout, &shown] {
        let mut lines = text.lines().map(str::trim);
        assert!(
            lines.any(|line| line == "[[grants.misbehave.db]]"),
            "{text}"
        );
        assert!(lines.any(|line| line == "table = \"other\""), "{text}");
    }
    // On one line they can be read all the same.
    let listed = factory.ok(&["runs", "list"]);
    assert!(
        ran.stderr.contains("[[grants.misbehave.db]] ⏎ table"),
        "{ran}"
    );
    for text in [&ran.stdout, &ran.stderr, &shown, &listed] {
        assert!(!text.contains("\\n"), "{text}");
    }
}
