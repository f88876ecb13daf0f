//! A plugin loaded from its folder, and a call to give it.
#![expect(
    clippy::disallowed_methods,
    reason = "what a benchmark reads is its own, or the system's"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::config::CallLimits;
use callboard_core::handler::{Call, Contract, Fallbacks, Tally};
use callboard_core::lines::VisitLines;
use callboard_core::plugin::manifest::Manifest;
use callboard_core::plugin::{ComponentSource, Plugin, Runtime, compile};
use callboard_core::settings::{Snapshot, hex};
use callboard_core::store::Store;
use jiff::Timestamp;
use sha2::Digest as _;

use crate::nothing;

/// Where `just plugins fixtures` puts the components.
pub(crate) fn guests() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("cargo's target folder");
    target.join("guests/wasm32-wasip2/release")
}

/// Load the plugin of a folder with all that it asks for.
pub(crate) async fn load(
    folder: &Path,
    component: &Path,
    store: Option<Store>,
) -> (Plugin, Vec<Contract>) {
    let text = std::fs::read_to_string(folder.join("plugin.toml")).expect("a manifest");
    let manifest: Manifest = toml::from_str(&text).expect("a manifest");
    let bytes = std::fs::read(component).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; run `just plugins fixtures`",
            component.display()
        )
    });
    compile::use_program(env!("CARGO_BIN_EXE_callboard").into());
    let digest = hex(&sha2::Sha256::digest(&bytes));
    let source = ComponentSource::of(bytes.into(), digest);
    let grants = manifest.ask.clone();
    let limits = CallLimits {
        seconds: 3600,
        statement_seconds: 600,
        host_calls: u32::MAX,
        ..CallLimits::default()
    };
    let plugin = Runtime::new()
        .plugin(&manifest, source, grants, limits, store)
        .expect("it loads");
    let contracts = plugin.describe().await.expect("it describes itself");
    (plugin, contracts)
}

/// A call that lasts `longest` at most.
pub(crate) fn call(longest: Duration) -> Call {
    Call {
        run: "bench".to_owned(),
        asked: Arc::default(),
        pipeline: String::new(),
        stage: "bench".to_owned(),
        visit: 1,
        sent_back: false,
        attempt: 1,
        deadline: Instant::now() + longest,
        now: Timestamp::now(),
        settings: Arc::new(Snapshot::default()),
        resources: Arc::new(nothing::Nothing),
        lines: VisitLines::default(),
        fallbacks: Fallbacks::default(),
        tally: Tally::default(),
    }
}
