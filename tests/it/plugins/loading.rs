//! What is refused before it runs, and by which words.

use callboard::config::Limits;
use callboard::grants::Grants;
use callboard::plugin::{PluginError, Runtime};

use super::bench::{Bench, load, manifest};

#[tokio::test]
async fn a_plugin_says_what_it_gives_with_nothing_granted() {
    let bench = Bench::misbehave(None, Limits::default()).await;
    for name in ["probe.panics", "probe.queries", "probe.echoes"] {
        assert!(bench.names().contains(&name), "{name}: {:?}", bench.names());
    }
}

#[tokio::test]
async fn an_import_that_is_not_granted_is_refused_with_the_lines_that_would_allow_it() {
    let refused = load("misbehave", Grants::default(), Limits::default(), None).await;
    let Err(PluginError::NotGranted { .. }) = &refused else {
        panic!("{:?}", refused.err());
    };
    let text = refused
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(
        text.contains("[grants.misbehave]") && text.contains("[ask]"),
        "{text}"
    );
}

#[tokio::test]
async fn another_contract_or_no_component_is_refused_by_name() {
    let runtime = Runtime::new().expect("a runtime");
    let mut newer = manifest("misbehave");
    let text = "name = \"misbehave\"\nversion = \"1\"\nwit = \"9.9\"\ncomponent = \"x\"";
    newer.wit = toml::from_str::<callboard::plugin::manifest::Manifest>(text)
        .expect("a manifest")
        .wit;
    let refused = runtime
        .load(&newer, b"", Grants::default(), Limits::default(), None)
        .await;
    let text = refused.err().expect("refused").to_string();
    assert!(text.contains("9.9") && text.contains("0.1"), "{text}");
    let known = manifest("misbehave");
    for (bytes, what) in [
        (&b"hello"[..], "a text"),
        (b"\0asm\x01\0\0\0", "a core module"),
        (b"\0asm\x0d\0\x01\0\xff\xff", "does not compile"),
    ] {
        let refused = runtime
            .load(&known, bytes, Grants::default(), Limits::default(), None)
            .await;
        let text = refused.err().expect("refused").to_string();
        assert!(
            text.contains(what) && text.contains("`misbehave`"),
            "{text}"
        );
    }
}
