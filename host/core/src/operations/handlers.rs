//! Handlers: what is registered, native and of the active revision's plugins.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::{OperationError, named};
use crate::app::{App, AppError, LoadedRevision};
use crate::registry::{HandlerEntry, HandlerOrigin, Registry};

pub use crate::handler::Needs;

/// A named unit of work.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Handler")]
pub struct HandlerView {
    /// `<surface>.<name>`.
    pub name: String,
    /// What it does, in a line.
    pub summary: String,
    /// Where it comes from.
    pub origin: OriginView,
    /// The keys that it reads.
    pub reads: Vec<String>,
    /// The keys that it writes.
    pub writes: Vec<String>,
    /// What it cannot do without.
    pub needs: Needs,
    /// Whether it never ends without an explicit verdict.
    pub always_gives_a_verdict: bool,
    /// Whether it may settle a gate in a person's place.
    pub decides: bool,
    /// Whether it may hand on what others refused, with a flag.
    pub may_flag: bool,
    /// The stages and policies of the active revision that name it.
    pub referenced_by: Vec<String>,
}

/// Where a handler comes from: a file of the program, or a plugin.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "HandlerOrigin")]
#[serde(untagged)]
pub enum OriginView {
    Native {
        /// Its file below `handlers/`.
        native: String,
    },
    Plugin {
        /// The plugin's name.
        plugin: String,
        /// Its version.
        version: String,
        /// SHA-256 of the component.
        digest: String,
    },
}

/// A handler with its schemas.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HandlerDetails {
    /// What it is.
    pub handler: HandlerView,
    /// JSON Schema of its configuration.
    pub config: Json,
    /// JSON Schema of an object: its properties are the keys that it reads.
    pub reads: Json,
    /// JSON Schema of an object: its properties are the keys that it writes.
    pub writes: Json,
}

/// Every handler of the active revision, by name.
pub async fn list(app: &App) -> Result<Vec<HandlerView>, OperationError> {
    Ok(all(&*app.active().await?))
}

/// The native handlers of this program, which needs no workspace.
pub fn native() -> Result<Vec<HandlerDetails>, OperationError> {
    let native = Registry::native().map_err(AppError::from)?;
    let details = |entry| HandlerDetails::of(entry, &BTreeMap::new());
    Ok(native.iter().map(details).collect())
}

/// One handler with its schemas.
pub async fn show(app: &App, name: &str) -> Result<HandlerDetails, OperationError> {
    let loaded = match app.active().await {
        // What is native needs nothing to be applied, and `check` sends here before anything is.
        Err(error @ AppError::NothingApplied) => {
            let found = native()?.into_iter().find(|it| it.handler.name == name);
            return found.ok_or_else(|| error.into());
        }
        loaded => loaded?,
    };
    let registry = &loaded.registry;
    let entry = registry.get(name).ok_or_else(|| {
        let known = registry.iter().map(|entry| entry.contract.name.as_str());
        named::unknown("handler", name, known, "callboard handlers list")
    })?;
    Ok(HandlerDetails::of(entry, &references(&loaded)))
}

pub(super) fn all(loaded: &LoadedRevision) -> Vec<HandlerView> {
    let references = references(loaded);
    let view = |entry| HandlerView::of(entry, &references);
    loaded.registry.iter().map(view).collect()
}

/// Who names each handler.
fn references(loaded: &LoadedRevision) -> BTreeMap<String, Vec<String>> {
    let mut references: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for defined in loaded.definitions.pipelines.values() {
        for stage in &defined.value.stages {
            if let Some(handler) = &stage.handler {
                let referrer = format!("{}/{}", defined.value.name(), stage.id());
                let known = references.entry(handler.get_ref().clone()).or_default();
                known.push(referrer);
            }
        }
    }
    for defined in loaded.definitions.policies.values() {
        let policy = &defined.value;
        let known = references.entry(policy.handler.get_ref().clone());
        let known = known.or_default();
        known.push(format!("policy {}", policy.name.get_ref()));
    }
    references
}

fn keys(schema: &Json) -> Vec<String> {
    let properties = schema["properties"].as_object();
    let keys = properties.into_iter().flat_map(|keys| keys.keys().cloned());
    keys.collect()
}

impl HandlerView {
    fn of(entry: &HandlerEntry, references: &BTreeMap<String, Vec<String>>) -> Self {
        let contract = &entry.contract;
        let referenced_by = references.get(&contract.name);
        Self {
            name: contract.name.clone(),
            summary: contract.summary.clone(),
            origin: (&entry.origin).into(),
            reads: keys(&contract.reads),
            writes: keys(&contract.writes),
            needs: contract.needs.clone(),
            always_gives_a_verdict: contract.always_gives_a_verdict,
            decides: contract.decides,
            may_flag: contract.may_flag,
            referenced_by: referenced_by.cloned().unwrap_or_default(),
        }
    }
}

impl HandlerDetails {
    fn of(entry: &HandlerEntry, references: &BTreeMap<String, Vec<String>>) -> Self {
        Self {
            handler: HandlerView::of(entry, references),
            config: entry.contract.config.clone(),
            reads: entry.contract.reads.clone(),
            writes: entry.contract.writes.clone(),
        }
    }
}

impl From<&HandlerOrigin> for OriginView {
    fn from(origin: &HandlerOrigin) -> Self {
        match origin.clone() {
            HandlerOrigin::Native { file } => Self::Native {
                native: file.to_owned(),
            },
            HandlerOrigin::Plugin {
                name,
                version,
                digest,
            } => Self::Plugin {
                plugin: name,
                version,
                digest,
            },
        }
    }
}

/// `native (FILE)`, or `plugin NAME VERSION`.
impl fmt::Display for OriginView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native { native } => write!(f, "native ({native})"),
            Self::Plugin {
                plugin, version, ..
            } => write!(f, "plugin {plugin} {version}"),
        }
    }
}
