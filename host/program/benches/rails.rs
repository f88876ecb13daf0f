//! The rails that need no grant, on a draft of 2,000 words: as the plugin in its sandbox, and the very same code
//! compiled into this program, in turns. JSON goes in and out of both. Prints a Markdown table; the bounds are
//! those of the clock, and what the processors took stands beside.
#![expect(
    clippy::disallowed_methods,
    reason = "what a benchmark reads is its own, or the system's"
)]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "plugin/host.rs"]
mod host;
#[path = "rails/native.rs"]
mod native;
#[path = "../../../tests/it/support/nothing.rs"]
mod nothing;
#[path = "engine/spent.rs"]
mod spent;
#[path = "engine/table.rs"]
mod table;

/// The rules of the plugin.
#[path = "../../../plugins/qa_rules/src"]
mod qa_rules {
    pub(crate) mod fields;
    pub(crate) mod phrase;
    pub(crate) mod programmatic;
    pub(crate) mod review;
    pub(crate) mod rule;
    pub(crate) mod rules;
    pub(crate) mod style;
    pub(crate) mod text;
}
// The names by which they know one another.
use qa_rules::{fields, phrase, programmatic, review, rule, rules, style, text};

// What they know as the SDK of plugins.
extern crate self as callboard_plugin;
pub use native::{Call, Done, Handler, Stop};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callboard_core::handler::AnyHandler as _;
use callboard_core::outcome::{Outcome, Patch};
use callboard_core::plugin::{self, PluginHandler};
use serde_json::{Value as Json, json};

use self::spent::Meter;

const WORDS: usize = 2_000;
const CALLS: u32 = 100;
const ROUNDS: usize = 5;
/// How many times as long the sandbox may take, and how many milliseconds.
const TIMES: f64 = 2.0;
const BOUND: f64 = 5.0;

/// A rail as it is compiled into this program.
type Here = fn(Json, Json) -> Json;

/// Good drafts of the corpus, one after another.
fn draft() -> Json {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/drafts");
    let read = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).expect("a draft");
        let (_, markdown) = text["+++\n".len()..]
            .split_once("\n+++\n")
            .expect("a label");
        markdown.trim().to_owned()
    };
    let parts = ["good_notes.md", "good_settings.md", "good_sockets.md"].map(read);
    let mut markdown = String::new();
    for part in parts.iter().cycle() {
        if markdown.split_whitespace().count() >= WORDS {
            break;
        }
        markdown.push_str(part);
        markdown.push_str("\n\n");
    }
    json!({ "title": "A pool keeps a socket longer than its peer does", "markdown": markdown })
}

async fn sandbox(handler: &PluginHandler, input: &Patch) -> [f64; 2] {
    let meter = Meter::start();
    for _ in 0..CALLS {
        let call = host::call(Duration::from_secs(60));
        let outcome = handler.call(&call, json!({}), input.clone()).await;
        assert!(
            !matches!(
                outcome,
                Outcome::Stopped(callboard_core::outcome::Stop::Failed(_))
            ),
            "{outcome:?}"
        );
    }
    of_one(&meter)
}

fn here(handle: Here, input: &Patch) -> [f64; 2] {
    let meter = Meter::start();
    for _ in 0..CALLS {
        let told = handle(json!({}), Json::Object(input.clone()));
        assert!(told.is_object(), "{told}");
    }
    of_one(&meter)
}

#[tokio::main]
async fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/qa_rules");
    let (plugin, contracts) =
        host::load(&folder, &host::guests().join("qa_rules.wasm"), None).await;
    let plugin = Arc::new(plugin);
    let input: Patch = serde_json::from_value(json!({ "draft": draft() })).expect("an object");
    let mut table = table::Table::default();
    let mut told = Vec::new();
    let rails: [(&str, Here); 2] = [
        (
            "qa.programmatic",
            native::handled::<programmatic::Programmatic>,
        ),
        ("qa.style", native::handled::<style::Style>),
    ];
    for (name, handle) in rails {
        let contract = contracts.iter().find(|contract| contract.name == name);
        let contract = contract.expect("it is of the plugin").clone();
        let handler = plugin::handler(Arc::clone(&plugin), contract);
        let (mut natives, mut sandboxes) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            natives.push(here(handle, &input));
            sandboxes.push(sandbox(&handler, &input).await);
        }
        for (native, sandbox) in natives.iter().zip(&sandboxes) {
            for (place, what) in [", of the processors", ", by the clock"].iter().enumerate() {
                table.add(&format!("`{name}` in this program{what}"), native[place]);
                table.add(&format!("`{name}` in the sandbox{what}"), sandbox[place]);
            }
        }
        let clock = |all: Vec<[f64; 2]>| median(all.into_iter().map(|it| it[1]).collect());
        told.push((name, clock(natives), clock(sandboxes)));
    }
    println!("{}", table.titled("ms"));
    for (name, native, sandbox) in told {
        let times = sandbox / native;
        println!("{name}: {times:.2} times as long in the sandbox, by the clock");
        assert!(
            times <= TIMES,
            "{name} took {times:.2} times as long, at most {TIMES}"
        );
        assert!(
            sandbox <= BOUND,
            "{name} took {sandbox:.2} ms, at most {BOUND}"
        );
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Milliseconds of one call: of the processors, and of the clock.
fn of_one(meter: &Meter) -> [f64; 2] {
    [meter.processor(), meter.clock()].map(|all| all / f64::from(CALLS))
}
