//! What a call of a plugin costs beside bare wasmtime, in the same run: the same component, the
//! same handler, the same text in and out. Prints a Markdown table.
//!
//! Callboard gives each call a fresh instance with limits, a deadline, converted and validated
//! JSON. Bare wasmtime is measured fresh, too, and on one instance that is used again and again,
//! which Callboard does not offer yet.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "plugin/bare.rs"]
mod bare;
#[path = "plugin/host.rs"]
mod host;
#[path = "../../../tests/it/support/nothing.rs"]
mod nothing;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::handler::AnyHandler as _;
use callboard_core::outcome::{Outcome, Patch};
use callboard_core::plugin::{self, PluginHandler};
use serde_json::json;

const CALLS: u32 = 2000;
const ROUNDS: usize = 5;
const HANDLER: &str = "probe.echoes";

#[tokio::main]
async fn main() {
    let component = host::guests().join("misbehave.wasm");
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/plugins/misbehave");
    let (plugin, contracts) = host::load(&folder, &component, None).await;
    let contract = contracts
        .iter()
        .find(|contract| contract.name == HANDLER)
        .expect("it echoes");
    let handler = plugin::handler(Arc::new(plugin), contract.clone());
    let bare = bare::Bare::load(&component);
    let mut ours = Vec::new();
    let mut fresh = Vec::new();
    let mut warm = Vec::new();
    for _ in 0..ROUNDS {
        ours.push(callboard(&handler).await);
        fresh.push(bare.fresh(CALLS, HANDLER).await);
        warm.push(bare.warm(CALLS, HANDLER).await);
    }
    println!(
        "| a call of `{HANDLER}` | median of {ROUNDS} rounds of {CALLS}, µs | least – most |\n|---|---|---|"
    );
    row("Callboard, a fresh instance each call", &mut ours);
    row("bare wasmtime, a fresh instance each call", &mut fresh);
    row("bare wasmtime, one instance used again", &mut warm);
}

async fn callboard(handler: &PluginHandler) -> f64 {
    let input: Patch =
        serde_json::from_value(json!({ "message": "a text of some length, as a stage has it" }))
            .expect("an object");
    let started = Instant::now();
    for _ in 0..CALLS {
        let call = host::call(Duration::from_secs(60));
        let outcome = handler.call(&call, json!({}), input.clone()).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
    micros(started.elapsed())
}

fn micros(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() * 1e6 / f64::from(CALLS)
}

fn row(name: &str, rounds: &mut [f64]) {
    rounds.sort_by(f64::total_cmp);
    let (least, median, most) = (rounds[0], rounds[ROUNDS / 2], rounds[ROUNDS - 1]);
    println!("| {name} | {median:.1} | {least:.1} – {most:.1} |");
}
