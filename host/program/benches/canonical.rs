//! What a run of `canonical_blog` takes of its own: with a model and a server of pictures that answer at once, from
//! its topic to its gate, and from the approval to the post. On SQLite, in this process, by the operations that the
//! commands call. Prints a Markdown table, and fails past its bound, by the clock.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "canonical/press.rs"]
mod press;
#[path = "engine/spent.rs"]
mod spent;
#[path = "engine/table.rs"]
mod table;

use std::path::Path;
use std::sync::Arc;

// With its keys in `callboard.toml`.
use callboard as _;
use callboard_core::app::App;
use callboard_core::engine::Unwatched;
use callboard_core::operations::gates::{Decision, GateVerdict};
use callboard_core::operations::runs::{self, CarriedOut, RunStatus, RunView};
use callboard_core::operations::settings;
use callboard_core::outcome::Patch;
use callboard_core::plugin::compile;
use callboard_core::workspace::{self, Files};
use callboard_factory::operations::tasks::{self, TaskRequest};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::spent::Meter;

/// No two alike, since an article like a published one is refused. The first is not measured.
const TOPICS: [&str; 10] = [
    "How keepers tended the Fastnet lighthouse",
    "Weather books of the Irish coast",
    "Soot and ships: a lens by hand",
    "What dusk means on a rock",
    "Winter without boats",
    "The wick and its trimming",
    "Morning work behind glass",
    "Evenings with pen and barometer",
    "Why polish matters more than height",
    "A day in nineteen hundred and four",
];
/// How many milliseconds a run may take beside its models, to the gate and from there to the post.
const BOUND: f64 = 100.0;

async fn factory(folder: &Path, press: &str) -> App {
    let files = callboard_factory::pack().workspace.iter();
    let files: Files = files
        .map(|(path, content)| ((*path).to_owned(), content.to_vec()))
        .collect();
    workspace::write(folder, &files).expect("a workspace");
    let app = App::open(folder, None).await.expect("it opens");
    app.apply("as it comes").await.expect("all answer");
    for (key, value) in [
        ("roles.writer.url", press),
        ("roles.writer.model", "at-once"),
        ("roles.critic.url", press),
        ("roles.critic.model", "at-once"),
        ("images.provider", "sdxl"),
        ("images.url", press),
    ] {
        let set = settings::set(&app, key, value.to_owned(), "bench").await;
        set.expect("a declared setting");
    }
    app
}

async fn carried_out(app: &App, run: &str) -> RunView {
    let stop = CancellationToken::new();
    let carried = runs::carry_out(app, run, Arc::new(Unwatched), &stop).await;
    match carried.expect("it is carried out") {
        CarriedOut::Settled(run) => *run,
        other => panic!("{other:?}"),
    }
}

/// A task and its run, as far as its gate.
async fn to_the_gate(app: &App, folder: &Path, topic: &str) -> RunView {
    let mut input = Patch::new();
    input.insert("notes".to_owned(), json!(press::NOTES));
    let asked = TaskRequest {
        topic,
        pipeline: "canonical_blog",
        input,
        folder,
        key: None,
        anew: false,
        by: "bench",
    };
    let task = tasks::create(app, asked).await.expect("a task").task;
    let run = carried_out(app, &task.run).await;
    assert_eq!(run.status, RunStatus::Gated, "{}", run.detail);
    run
}

async fn to_the_post(app: &App, run: &RunView) {
    let task = tasks::of_run(app, &run.id).await.expect("it is read");
    let task = task.expect("a task");
    let verdict = GateVerdict {
        decision: Decision::Approved,
        part: None,
        feedback: String::new(),
        by: "bench".to_owned(),
        seen: None,
    };
    let decided = tasks::decide(app, &task.id, verdict).await.expect("a yes");
    let run = carried_out(app, &decided.run).await;
    assert_eq!(run.status, RunStatus::Done, "{}", run.detail);
}

#[tokio::main]
async fn main() {
    compile::use_program(env!("CARGO_BIN_EXE_callboard").into());
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("factory");
    let app = factory(&folder, &press::start()).await;
    let mut table = table::Table::default();
    let mut whole = Vec::new();
    for (round, topic) in TOPICS.iter().enumerate() {
        let meter = Meter::start();
        let run = to_the_gate(&app, &folder, topic).await;
        let gate = meter.clock();
        to_the_post(&app, &run).await;
        let (clock, processor) = (meter.clock(), meter.processor());
        // The first compiles what the others find.
        if round == 0 {
            continue;
        }
        table.add(
            "`canonical_blog` from its topic to its gate, by the clock",
            gate,
        );
        table.add("from the approval to the post, by the clock", clock - gate);
        table.add("both, by the clock", clock);
        table.add("both, of the processors, the servers included", processor);
        whole.push(clock);
    }
    app.close().await;
    println!("{}", table.titled("ms"));
    whole.sort_by(f64::total_cmp);
    let median = whole[whole.len() / 2];
    assert!(
        median <= BOUND,
        "a run took {median:.0} ms by the clock, at most {BOUND}"
    );
}
