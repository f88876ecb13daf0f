//! A loaded guest and a way to call its handlers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::handler::{Call, Contract, Fallbacks, Tally};
use callboard_core::lines::VisitLines;
use callboard_core::outcome::{Failure, FailureKind, Outcome, Patch, Stop};
use callboard_core::plugin::manifest::Manifest;
use callboard_core::plugin::{self, ComponentSource, Plugin, PluginError, Runtime};
use callboard_core::registry::{HandlerEntry, HandlerOrigin};
use callboard_core::settings::{Declaration, Secret, SettingType, Snapshot, hex};
use callboard_core::store::Store;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use sha2::Digest as _;

use crate::support::compiles;
use crate::support::guests::{fixture, guest};
use crate::support::nothing::Nothing;

/// A guest that is loaded, with its contracts.
pub(crate) struct Bench {
    pub(crate) plugin: Arc<Plugin>,
    contracts: BTreeMap<String, Contract>,
    pub(crate) settings: Arc<Snapshot>,
}

/// What a fixture asks for, all of it.
pub(crate) fn manifest(name: &str) -> Manifest {
    let text = std::fs::read_to_string(fixture(name).join("plugin.toml")).expect("a manifest");
    toml::from_str(&text).expect("a manifest")
}

pub(crate) async fn load(
    name: &str,
    grants: Grants,
    limits: CallLimits,
    store: Option<Store>,
) -> Result<Plugin, PluginError> {
    let bytes = std::fs::read(guest(name)).expect("a component");
    prepared(&manifest(name), bytes, grants, limits, store).await
}

/// The fixture `describer`, which describes itself in the manner of a letter.
pub(crate) async fn describer(letter: u8, limits: CallLimits) -> Plugin {
    const MANNER: &[u8] = b"describes itself: as";
    let mut bytes = std::fs::read(guest("describer")).expect("a component");
    let at = bytes.windows(MANNER.len()).position(|it| it == MANNER);
    bytes[at.expect("its manner") + MANNER.len() - 1] = letter;
    let (manifest, grants) = (manifest("describer"), Grants::default());
    let plugin = prepared(&manifest, bytes, grants, limits, None);
    plugin.await.expect("it loads")
}

/// A plugin whose component is compiled.
pub(crate) async fn prepared(
    manifest: &Manifest,
    bytes: Vec<u8>,
    grants: Grants,
    limits: CallLimits,
    store: Option<Store>,
) -> Result<Plugin, PluginError> {
    compiles();
    let digest = hex(&sha2::Sha256::digest(&bytes));
    let source = ComponentSource::of(bytes.into(), digest);
    let plugin = Runtime::new().plugin(manifest, source, grants, limits, store)?;
    plugin.prepare().await?;
    Ok(plugin)
}

impl Bench {
    /// `misbehave`, with all that it asks for.
    pub(crate) async fn misbehave(store: Option<Store>, limits: CallLimits) -> Self {
        Self::with(manifest("misbehave").ask, store, limits).await
    }

    pub(crate) async fn with(grants: Grants, store: Option<Store>, limits: CallLimits) -> Self {
        Self::of("misbehave", grants, store, limits).await
    }

    /// Any guest, with these grants.
    pub(crate) async fn of(
        name: &str,
        grants: Grants,
        store: Option<Store>,
        limits: CallLimits,
    ) -> Self {
        let plugin = load(name, grants, limits, store).await.expect("it loads");
        let contracts = plugin.describe().await.expect("it describes itself");
        let contracts = contracts
            .into_iter()
            .map(|contract| (contract.name.clone(), contract));
        Self {
            plugin: Arc::new(plugin),
            contracts: contracts.collect(),
            settings: Arc::new(settings()),
        }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.contracts.keys().map(String::as_str).collect()
    }

    pub(crate) async fn call(&self, name: &str, config: Json) -> Outcome {
        self.call_for(name, config, Patch::new(), Duration::from_mins(1))
            .await
    }

    pub(crate) async fn call_for(
        &self,
        name: &str,
        config: Json,
        input: Patch,
        time: Duration,
    ) -> Outcome {
        let contract = self.contracts.get(name).expect(name).clone();
        let handler = plugin::handler(Arc::clone(&self.plugin), contract.clone());
        let native = HandlerOrigin::Native { file: "" };
        let entry = HandlerEntry::new(contract, native, Arc::new(handler)).expect("a handler");
        let call = Call {
            run: "run".to_owned(),
            asked: Arc::default(),
            pipeline: String::new(),
            stage: "stage".to_owned(),
            visit: 1,
            sent_back: false,
            attempt: 1,
            deadline: Instant::now() + time,
            now: Timestamp::UNIX_EPOCH,
            settings: Arc::clone(&self.settings),
            resources: Arc::new(Nothing),
            lines: VisitLines::default(),
            fallbacks: Fallbacks::default(),
            tally: Tally::default(),
        };
        entry.checked(entry.handler.call(&call, config, input).await)
    }

    /// The patch of a call that is done.
    pub(crate) async fn done(&self, name: &str, config: Json) -> Json {
        match self.call(name, config).await {
            Outcome::Done(done) => Json::Object(done.patch),
            stopped @ Outcome::Stopped(_) => panic!("{name}: {stopped:?}"),
        }
    }

    /// The failure of a call that fails.
    pub(crate) async fn failure(&self, name: &str) -> (FailureKind, String) {
        match self.call(name, json!({})).await {
            Outcome::Stopped(Stop::Failed(Failure { kind, message, .. })) => (kind, message),
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn settings() -> Snapshot {
    let declared = |kind| Declaration {
        kind,
        default: None,
        required: false,
        description: String::new(),
    };
    let declarations = BTreeMap::from([
        ("probe.count".to_owned(), declared(SettingType::Integer)),
        ("probe.unset".to_owned(), declared(SettingType::String)),
        ("probe.token".to_owned(), declared(SettingType::Secret)),
        ("other.text".to_owned(), declared(SettingType::String)),
    ]);
    let values = BTreeMap::from([("probe.count".to_owned(), "42".to_owned())]);
    let secrets = BTreeMap::from([(
        "probe.token".to_owned(),
        Secret::new("hush-hush".to_owned()),
    )]);
    Snapshot::new(declarations, values, secrets)
}
