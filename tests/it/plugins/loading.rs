//! What is refused before it runs, and by which words; what is let in, and does nothing.

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use serde_json::json;

use super::bench::{Bench, describer, manifest, prepared};

#[tokio::test]
async fn a_plugin_says_what_it_gives_with_nothing_granted() {
    let bench = Bench::misbehave(None, CallLimits::default()).await;
    for name in ["probe.panics", "probe.queries", "probe.echoes"] {
        assert!(bench.names().contains(&name), "{name}: {:?}", bench.names());
    }
}

#[tokio::test]
async fn a_component_that_imports_the_whole_contract_and_is_granted_nothing_is_denied_by_name() {
    let bench = Bench::of("unasked", Grants::default(), None, CallLimits::default()).await;
    let answers = bench.done("probe.knocks", json!({})).await;
    assert_eq!(answers["dialect"], "Dialect::Sqlite", "{answers}");
    for (what, line) in [
        ("query", "db = [{ table ="),
        ("transaction", "db = [{ table ="),
        ("setting", "keys = [\\\"site.name\\\"]"),
        ("request", "example.com"),
        ("matrix", "vectors = true"),
    ] {
        let answer = answers[what].as_str().expect(what);
        for part in ["Denied", "`unasked`", "[grants.unasked", line] {
            assert!(answer.contains(part), "{what}: {part}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_panic_an_exception_and_a_late_answer_of_describe_arrive_with_their_text() {
    let said = async |letter| {
        let refused = describer(letter, CallLimits::default())
            .await
            .describe()
            .await;
        refused.expect_err("refused").to_string()
    };
    let panic = said(b'p').await;
    for part in [
        "it cannot say what it is: panicked at describer/src/lib.rs",
        "no house today",
    ] {
        assert!(panic.contains(part), "{part}: {panic}");
    }
    let exception = said(b'x').await;
    for part in ["Traceback", "ValueError: no such day"] {
        assert!(exception.contains(part), "{part}: {exception}");
    }
    let mut limits = CallLimits::default();
    limits.describe.seconds = 1;
    let late = describer(b'f', limits).await.describe().await;
    let late = late.expect_err("refused").to_string();
    for part in ["no answer within 1s", "counting to infinity"] {
        assert!(late.contains(part), "{part}: {late}");
    }
}

#[tokio::test]
async fn another_contract_or_no_component_is_refused_by_name() {
    let known = manifest("misbehave");
    let load = async |manifest, bytes: &[u8]| {
        let (bytes, limits) = (bytes.to_vec(), CallLimits::default());
        let refused = prepared(manifest, bytes, Grants::default(), limits, None).await;
        refused.err().expect("refused").to_string()
    };
    let mut newer = known.clone();
    let text = "name = \"misbehave\"\nversion = \"1\"\nwit = \"9.9\"\ncomponent = \"x\"";
    newer.wit = toml::from_str::<callboard_core::plugin::manifest::Manifest>(text)
        .expect("a manifest")
        .wit;
    let text = load(&newer, b"").await;
    assert!(text.contains("9.9") && text.contains("0.1"), "{text}");
    for (bytes, what) in [
        (&b"hello"[..], "a text"),
        (b"\0asm\x01\0\0\0", "a core module"),
        (b"\0asm\x0d\0\x01\0\xff\xff", "does not compile"),
    ] {
        let text = load(&known, bytes).await;
        assert!(text.contains(what), "{text}");
    }
}
