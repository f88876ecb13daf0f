//! A guest that hands the host texts as long as its memory: through each call of the host, and in
//! what it answers.

use callboard_core::config::CallLimits;
use callboard_core::store::Dialect::{self, Sqlite};
use serde_json::json;

use super::attacks;
use super::limits::peak;
use crate::plugins::bench::Bench;
use crate::scenario::roll_call::{CEILING, add_plugin};
use crate::support::database::{runtime, with_database};
use crate::support::factory::Factory;

attacks! {
    a_field_of_40_megabytes: "a field of a line of the log of 40 MB, which is copied, searched and escaped" => {
        || is_cut("log", "")
    };
    a_panic_of_40_megabytes: "a line of 40 MB that says that the guest panicked" => {
        || is_cut("panic", "")
    };
    a_key_of_40_megabytes: "the key of a setting of 40 MB, which its denial quotes four times" => {
        || is_cut("setting", "more characters")
    };
    an_address_of_40_megabytes: "the address of a request of 40 MB that is escaped" => {
        || is_cut("url", "bytes; 16384 are the most")
    };
    a_method_of_40_megabytes: "the method of a request of 40 MB" => {
        || is_cut("method", "is no method")
    };
    a_credential_of_40_megabytes: "the name of a credential of 40 MB" => {
        || is_cut("credential", "more characters")
    };
    a_header_of_40_megabytes: "the name of a header of 40 MB" => {
        || is_cut("header", "64 KiB of headers")
    };
    a_statement_of_40_megabytes: "a statement of 40 MB" => { || is_cut("statement", "256 KiB") };
    thousands_of_fallbacks: "a run that says a thousand times that it was done in a lesser way, each of 4,000 characters" => {
        both fallbacks_are_few
    };
    thousands_of_writes: "a stage that leaves a thousand writes to its checkpoint, for which others wait" => {
        both writes_are_few
    };
}

/// The most memory that a call may take, in KiB: the guest's, which has the text twice, and once
/// what it handed over.
const MOST: u64 = 256 << 10;

/// It is answered, and nothing but the text itself was held for it.
fn is_cut(door: &str, answer: &str) {
    let handed = async |bench: &Bench, bytes: u32| {
        let config = json!({ "door": door, "bytes": bytes });
        bench.done("probe.exceeds", config).await
    };
    let measured = async |bench: Bench| {
        handed(&bench, 1 << 20).await;
        let reset = std::fs::write("/proc/self/clear_refs", "5");
        let before = peak().filter(|_| reset.is_ok());
        let answered = handed(&bench, 40_000_000).await;
        if let (Some(before), Some(after)) = (before, peak()) {
            let grown = after.saturating_sub(before);
            assert!(grown < MOST, "{grown} KiB for a text of 40 MB");
        }
        let text = answered["text"].as_str().expect("a text");
        assert!(text.contains(answer) && text.len() < 20_000, "{text:.2000}");
    };
    if door == "statement" {
        return with_database(Sqlite, async |store, _| {
            measured(Bench::misbehave(Some(store), CallLimits::default()).await).await;
        });
    }
    runtime().block_on(async {
        measured(Bench::misbehave(None, CallLimits::default()).await).await;
    });
}

/// A workspace with a pipeline of one stage, `probe.exceeds`.
fn exceeding(dialect: Dialect, config: &str) -> Factory {
    let factory = Factory::bare_written(dialect);
    let host = factory.read("callboard.toml");
    let host = if host.contains("[grants") {
        host
    } else {
        format!("{host}{CEILING}")
    };
    factory.write("callboard.toml", host);
    factory.execute("CREATE TABLE scratch (id BIGINT, name TEXT)");
    add_plugin(&factory, "misbehave");
    factory.write(
        "pipelines/probe.toml",
        format!("name = \"probe\"\nbudget = \"20m\"\n[[stage]]\nid = \"a\"\nhandler = \"probe.exceeds\"\nconfig = {{ {config} }}\n"),
    );
    factory.ok(&["apply"]);
    factory
}

fn fallbacks_are_few(dialect: Dialect) {
    let factory = exceeding(dialect, "door = \"fallback\", bytes = 4000, times = 1000");
    let ran = factory.run(&["run", "probe"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.len() + ran.stdout.len() < 100_000, "{ran}");
    for command in [&["runs", "list"][..], &["schedules", "list"], &["doctor"]] {
        let told = factory
            .run(&[command, &["--format", "json"]].concat())
            .stdout;
        assert!(told.len() < 50_000, "{command:?}: {}", told.len());
    }
    let shown = factory.ok(&["runs", "show", "latest", "--format", "json"]);
    assert!(shown.contains("981 more did not do it"), "{shown:.9000}");
    assert!(shown.len() < 100_000, "{}", shown.len());
    for column in ["detail"] {
        let kept = factory.texts("SELECT detail FROM runs", column);
        assert!(kept[0].len() < 5_000, "{}", kept[0].len());
    }
}

fn writes_are_few(dialect: Dialect) {
    let factory = exceeding(dialect, "door = \"write\", bytes = 1, times = 1000");
    let ran = factory.run(&["run", "probe"]);
    assert_eq!(ran.code, 1, "{ran}");
    let said = ran.to_string();
    assert!(
        said.contains("1000 writes are deferred, and 100 allowed"),
        "{said}"
    );
    assert_eq!(factory.count("scratch"), 0);
    let few = exceeding(dialect, "door = \"write\", bytes = 1, times = 100");
    few.ok(&["run", "probe"]);
    assert_eq!(few.count("scratch"), 100);
}
