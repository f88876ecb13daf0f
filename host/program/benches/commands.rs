//! How long commands take that load a revision, with 3 and with 20 plugins of which one is in
//! Python, beside `callboard --version` in the same run. What was compiled is kept, as it is on a
//! machine where the workspace was applied once. Prints a Markdown table.
//!
//! `CALLBOARD_BENCH_ROUNDS` is how often each command is run, in turns.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "commands/workspace.rs"]
mod workspace;

use std::time::{Duration, Instant};

use workspace::{Python, Workspace};

/// What is run: a name, the arguments, and the most milliseconds that it is to take.
const COMMANDS: &[(&str, &[&str], Option<u32>)] = &[
    ("callboard --version", &["--version"], None),
    ("handlers list", &["handlers", "list"], Some(100)),
    ("settings list", &["settings", "list"], Some(100)),
    (
        "plugins explain",
        &["plugins", "explain", "p001", "https://example.com/"],
        Some(100),
    ),
    ("check", &["check"], Some(300)),
    ("run of a 1 ms handler", &["run", "work"], Some(100)),
    ("run of a 1 ms handler in Python", &["run", "python"], None),
];

fn main() {
    let rounds = std::env::var("CALLBOARD_BENCH_ROUNDS");
    let rounds = rounds.ok().and_then(|it| it.parse().ok()).unwrap_or(15);
    let python = Python::find();
    match &python {
        Python::Made(component) => {
            println!("The plugin in Python: {component}.");
        }
        Python::Not(reason) => {
            println!("No plugin in Python ({reason}); in its place the largest guest there is.");
        }
    }
    println!(
        "\n| command | plugins | median of {rounds}, ms | least – most | aim |\n|---|---|---|---|---|"
    );
    for plugins in [3, 20] {
        let workspace = Workspace::new(plugins, &python);
        let first = workspace.time(&["apply"]);
        row(
            "the first `apply`, which compiles",
            plugins,
            &mut [first],
            None,
        );
        let mut times = vec![Vec::new(); COMMANDS.len()];
        for _ in 0..rounds {
            for ((_, arguments, _), times) in COMMANDS.iter().zip(&mut times) {
                times.push(workspace.time(arguments));
            }
        }
        for ((name, _, aim), times) in COMMANDS.iter().zip(&mut times) {
            row(name, plugins, times, *aim);
        }
    }
}

fn row(name: &str, plugins: usize, times: &mut [Duration], aim: Option<u32>) {
    times.sort();
    let ms = |at: usize| times[at].as_secs_f64() * 1e3;
    let (least, median, most) = (ms(0), ms(times.len() / 2), ms(times.len() - 1));
    let aim = aim.map_or_else(String::new, |aim| {
        let met = if median <= f64::from(aim) {
            "met"
        } else {
            "missed"
        };
        format!("{aim}: {met}")
    });
    println!("| {name} | {plugins} | {median:.0} | {least:.0} – {most:.0} | {aim} |");
}

/// How long `work` takes.
fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}
