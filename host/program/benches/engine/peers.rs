//! The peers' scripts in `tests/bench`, each on an empty file or database of its own.

use std::process::Command;
use std::sync::Mutex;

use serde_json::Value as Json;

use super::Database;
use super::table::Table;

/// What could not be measured, and why.
static UNMEASURED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Print what could not be measured.
pub(super) fn unmeasured() {
    let mut all = UNMEASURED.lock().expect("no panic").clone();
    all.dedup();
    for line in all {
        println!("Not measured: {line}");
    }
}

fn not_measured(line: String) {
    UNMEASURED.lock().expect("no panic").push(line);
}

/// What a peer's script printed, a JSON object a line.
fn ask(arguments: &[&str]) -> Vec<Json> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/bench/peer");
    let ran = Command::new("sh").arg(script).args(arguments).output();
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => {
            not_measured(format!("{}: {error}", arguments[0]));
            return Vec::new();
        }
    };
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        let last = said.trim().lines().last().unwrap_or_default();
        not_measured(format!("{}: {last}", arguments[0]));
    }
    let printed = String::from_utf8_lossy(&ran.stdout);
    let mut lines = Vec::new();
    for line in printed.lines() {
        match serde_json::from_str::<Json>(line) {
            Ok(line) if line["not_measured"].is_string() => {
                not_measured(format!("{}: {}", line["peer"], line["not_measured"]));
            }
            Ok(line) => lines.push(line),
            Err(error) => not_measured(format!("{}: {error}: {line}", arguments[0])),
        }
    }
    lines
}

/// The figures of the lines, named by peer, version and what they are.
fn add(rates: &mut Table, times: Option<&mut Table>, store: &str, lines: &[Json]) {
    let mut times = times;
    for line in lines {
        let peer = format!(
            "{store}: {} {}",
            line["peer"].as_str().unwrap_or_default(),
            line["version"].as_str().unwrap_or_default(),
        );
        let settings = line["settings"]
            .as_str()
            .map_or(String::new(), |it| format!(", {it}"));
        let together = &line["concurrency"];
        if let Some(rate) = line["steps_a_second"].as_f64() {
            rates.add(
                &format!("{peer}: steps{settings}, {together} at a time"),
                rate,
            );
        }
        if let Some(rate) = line["jobs_a_second"].as_f64() {
            rates.add(
                &format!("{peer}: jobs{settings}, {together} at a time"),
                rate,
            );
        }
        if let (Some(times), Some(median)) = (times.as_deref_mut(), line["median_ms"].as_f64()) {
            times.add(
                &format!("{peer}: from queueing to the handler, median{settings}"),
                median,
            );
        }
    }
}

/// Peers on SQLite, each in a file that begins with `path`.
pub(super) fn sqlite(rates: &mut Table, path: &str) {
    for (script, runs, together) in [
        ("langgraph_steps.py", "100", "1"),
        ("dbos_steps.py", "100", "1"),
        ("dbos_steps.py", "100", "16"),
    ] {
        let store = format!("sqlite:{path}-{script}-{together}.db");
        let arguments = [
            script,
            "--store",
            &store,
            "--runs",
            runs,
            "--steps",
            "10",
            "--concurrency",
            together,
        ];
        add(rates, None, "SQLite", &ask(&arguments));
    }
}

/// Peers on PostgreSQL, each in a database of its own.
pub(super) async fn postgres(rates: &mut Table, times: &mut Table, server: &str) {
    for (number, (script, runs, together)) in [
        ("langgraph_steps.py", "100", "1"),
        ("dbos_steps.py", "300", "16"),
    ]
    .into_iter()
    .enumerate()
    {
        let database = Database::new(server, &format!("peer{number}")).await;
        let arguments = [
            script,
            "--store",
            &database.url,
            "--runs",
            runs,
            "--steps",
            "10",
            "--concurrency",
            together,
        ];
        add(rates, None, "PostgreSQL", &ask(&arguments));
        database.drop().await;
    }
    let database = Database::new(server, "dbosqueue").await;
    let lines = ask(&["dbos_steps.py", "--store", &database.url, "--queue", "1000"]);
    add(rates, None, "PostgreSQL", &lines);
    database.drop().await;
    let database = Database::new(server, "graphile").await;
    let lines = ask(&[
        "graphile_worker.mjs",
        "--postgres",
        &database.url,
        "--jobs",
        "5000",
    ]);
    add(rates, Some(times), "PostgreSQL", &lines);
    database.drop().await;
}
