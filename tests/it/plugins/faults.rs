//! Guests that end their call badly: one call ends, and the reason is in the author's words.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use callboard_core::config::CallLimits;
use callboard_core::outcome::{FailureKind, Outcome, Patch, Stop};
use serde_json::json;

use super::bench::Bench;

#[tokio::test]
async fn a_panic_is_a_trap_that_says_what_the_guest_said() {
    let bench = Bench::misbehave(None, CallLimits::default()).await;
    let (kind, message) = bench.failure("probe.panics").await;
    assert_eq!(kind, FailureKind::Trap);
    for part in ["misbehave", "panicked at", "faults.rs", "index"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn memory_and_stack_have_an_end_that_is_called_by_its_name() {
    let bench = Bench::misbehave(
        None,
        CallLimits {
            memory_mib: 16,
            ..CallLimits::default()
        },
    )
    .await;
    let (kind, message) = bench.failure("probe.hoards").await;
    assert_eq!(kind, FailureKind::Trap);
    assert!(
        message.contains("memory limit") && message.contains("memory_mib"),
        "{message}"
    );
    let (kind, message) = bench.failure("probe.recurses").await;
    assert_eq!(kind, FailureKind::Trap);
    assert!(message.contains("stack overflow"), "{message}");
}

#[tokio::test]
async fn a_guest_that_never_comes_back_is_cut_off_and_lets_others_run_meanwhile() {
    let bench = Bench::misbehave(None, CallLimits::default()).await;
    let started = Instant::now();
    let spins = bench.call_for(
        "probe.spins",
        json!({}),
        Patch::new(),
        Duration::from_millis(500),
    );
    let (outcome, echoed) = tokio::join!(spins, bench.call("probe.echoes", json!({})));
    let Outcome::Stopped(Stop::Failed(failure)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(
        failure.retryable && failure.message.contains("probe.spins"),
        "{failure}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    assert!(matches!(echoed, Outcome::Done(_)), "{echoed:?}");
}

#[tokio::test]
async fn a_patch_that_breaks_its_schema_is_a_failure() {
    let bench = Bench::misbehave(None, CallLimits::default()).await;
    let (kind, message) = bench.failure("probe.lies").await;
    assert_eq!(kind, FailureKind::Internal);
    assert!(
        message.contains("breaks its schema") && message.contains("/count"),
        "{message}"
    );
}

#[tokio::test]
async fn output_and_host_calls_are_bounded() {
    let small = CallLimits {
        output_bytes: 100,
        host_calls: 50,
        ..CallLimits::default()
    };
    let bench = Bench::misbehave(None, small).await;
    let (kind, message) = bench.failure("probe.floods").await;
    assert_eq!(kind, FailureKind::Trap);
    assert!(message.contains("host call limit"), "{message}");
    let mut input = Patch::new();
    input.insert("message".to_owned(), json!("x".repeat(1000)));
    let outcome = bench
        .call_for("probe.echoes", json!({}), input, Duration::from_mins(1))
        .await;
    assert!(outcome.detail().contains("output_bytes"), "{outcome:?}");
}

#[tokio::test]
async fn a_flood_of_lines_is_dropped_and_does_no_harm() {
    let bench = Bench::misbehave(None, CallLimits::default()).await;
    assert!(matches!(
        bench.call("probe.floods", json!({})).await,
        Outcome::Done(_)
    ));
}

/// The kinds of a failure are one list: that of the WIT. The guests' SDK has it as it is, and the host
/// adds the trap, which no guest reports.
#[test]
fn the_kinds_of_a_failure_are_those_of_the_wit() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(top.join(path)).expect("a file");
    let wit = read("wit/0.1/handlers.wit");
    let (_, list) = wit.split_once("enum failure-kind {").expect("the list");
    let (list, _) = list.split_once('}').expect("its end");
    let wit: BTreeSet<String> = list.split(',').map(|kind| kind.trim().to_owned()).collect();
    let variants = |path: &str| -> BTreeSet<String> {
        let items = syn::parse_file(&read(path)).expect("Rust").items;
        let kinds = items.into_iter().find_map(|item| match item {
            syn::Item::Enum(kinds) if kinds.ident == "FailureKind" => Some(kinds.variants),
            _ => None,
        });
        let kinds = kinds.expect("the kinds").into_iter();
        kinds
            .map(|kind| kind.ident.to_string().to_lowercase())
            .collect()
    };
    assert_eq!(variants("plugins/sdk/src/stop.rs"), wit);
    let mut own = variants("host/core/src/outcome/failure.rs");
    assert!(own.remove("trap"));
    assert_eq!(own, wit);
}
