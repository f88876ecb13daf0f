//! Plugins: what they give, what they ask for, what they may do.

use schemars::JsonSchema;
use serde::Serialize;

use super::{OperationError, named};
use crate::app::{App, LoadedRevision};
use crate::grants::Grants;
use crate::plugin::{self, ExplainedPlugin, Explanation};
use crate::workspace::PluginFiles;

/// A plugin of the active revision.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Plugin")]
pub struct PluginView {
    /// Its name.
    pub name: String,
    /// Its version, as its manifest says.
    pub version: String,
    /// What it is for.
    pub description: String,
    /// The version of the contract that it was built for.
    pub wit: String,
    /// The file of its component.
    pub component: String,
    /// SHA-256 of the component.
    pub digest: String,
    /// The handlers that it gives.
    pub handlers: Vec<String>,
    /// What it asked for and was granted.
    pub grants: Grants,
    /// The same, each grant as a line for a person.
    pub granted: Vec<String>,
    /// What one call of it may take, and what compiling and describing it may.
    pub limits: Vec<LimitView>,
}

/// A limit of a plugin.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Limit")]
pub struct LimitView {
    /// Its key below `limits` in callboard.toml, which says its unit.
    pub key: String,
    /// The most that is allowed.
    pub value: u32,
}

/// Whether a plugin may do something.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Explanation")]
pub struct ExplanationView {
    /// Whether it may.
    pub allowed: bool,
    /// Whether it is a statement that the database takes from no plugin, whatever is granted.
    pub wrong: bool,
    /// By which line, or which line would allow it.
    pub why: String,
}

/// Every plugin, by name.
pub async fn list(app: &App) -> Result<Vec<PluginView>, OperationError> {
    Ok(all(&*app.active().await?))
}

/// One plugin.
pub async fn show(app: &App, name: &str) -> Result<PluginView, OperationError> {
    let loaded = app.active().await?;
    Ok(PluginView::of(&loaded, name, of(&loaded, name)?))
}

/// Whether a plugin may call an address, read a setting or run a statement, and by which line.
/// Nothing is run.
pub async fn explain(
    app: &App,
    name: &str,
    target: &str,
) -> Result<ExplanationView, OperationError> {
    let loaded = app.active().await?;
    let subject = ExplainedPlugin {
        plugin: name,
        grants: &of(&loaded, name)?.manifest.value.ask,
        limits: &loaded.definitions.config.value.limits(name),
        settings: &loaded.definitions.declarations(),
    };
    let answer = plugin::explain(&subject, Some(app.store()), target).await;
    Ok(answer.into())
}

pub(super) fn all(loaded: &LoadedRevision) -> Vec<PluginView> {
    let plugins = loaded.definitions.plugins.iter();
    let view = |(name, files): (&String, _)| PluginView::of(loaded, name, files);
    plugins.map(view).collect()
}

fn of<'c>(loaded: &'c LoadedRevision, name: &str) -> Result<&'c PluginFiles, OperationError> {
    let plugins = &loaded.definitions.plugins;
    plugins.get(name).ok_or_else(|| {
        let known = plugins.keys().map(String::as_str);
        named::unknown("plugin", name, known, "callboard plugins list")
    })
}

impl PluginView {
    fn of(loaded: &LoadedRevision, name: &str, files: &PluginFiles) -> Self {
        let manifest = &files.manifest.value;
        let contracts = loaded.described.get(name).into_iter().flatten();
        let limits = loaded.definitions.config.value.limits(name).list();
        let limits = limits.map(|(key, value)| LimitView {
            key: key.to_owned(),
            value,
        });
        Self {
            name: name.to_owned(),
            version: manifest.version.clone(),
            description: manifest.description.clone(),
            wit: manifest.wit.get_ref().clone(),
            component: manifest.component.get_ref().clone(),
            digest: files.digest().to_owned(),
            handlers: contracts.map(|contract| contract.name.clone()).collect(),
            grants: manifest.ask.clone(),
            granted: manifest.ask.texts(),
            limits: limits.into(),
        }
    }
}

impl From<Explanation> for ExplanationView {
    fn from(answer: Explanation) -> Self {
        Self {
            allowed: answer.allowed,
            wrong: answer.wrong,
            why: answer.why,
        }
    }
}
