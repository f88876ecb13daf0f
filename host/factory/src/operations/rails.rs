//! Rails: which there are, what each looks for, and what an operator may change about it.

pub mod trial;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use callboard_core::app::App;
use callboard_core::operations::OperationError;
use callboard_core::operations::handlers::{self, HandlerDetails, OriginView};

use crate::rails::aggregate::SURFACE;

/// A handler that gives a verdict on a draft.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Rail")]
pub struct RailView {
    /// The handler.
    pub name: String,
    /// What it does, in a line.
    pub summary: String,
    /// The plugin that it is of; none if it is native.
    pub plugin: Option<String>,
    /// Whether it passes or rejects on every call, so that a stage of it may be `required`.
    pub always_gives_a_verdict: bool,
    /// The keys that it reads.
    pub reads: Vec<String>,
    /// The role that it asks by default; none if it asks no model.
    pub role: Option<String>,
    /// The keys of its configuration.
    pub config: Vec<String>,
    /// What it looks for, if it goes by rules.
    pub rules: Vec<RuleView>,
    /// The stages and policies of the active revision that name it.
    pub referenced_by: Vec<String>,
}

/// One thing that a rail looks for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Rule")]
pub struct RuleView {
    /// Its name, under `config.rules`.
    pub name: String,
    /// How grave it is by default.
    pub severity: String,
    /// What it looks for, in words.
    pub pattern: String,
    /// The number that it goes by, by default; none if it goes by none.
    pub threshold: Option<u64>,
}

/// Every rail of the active revision, by name.
pub async fn list(app: &App) -> Result<Vec<RailView>, OperationError> {
    let mut rails = Vec::new();
    let all = handlers::list(app).await?;
    for handler in all.into_iter().filter(|it| it.name.starts_with(SURFACE)) {
        rails.push(rail(handlers::show(app, &handler.name).await?));
    }
    Ok(rails)
}

fn rail(details: HandlerDetails) -> RailView {
    let HandlerDetails {
        handler, config, ..
    } = details;
    let properties = config["properties"].as_object();
    let keys = properties.into_iter().flatten().map(|(key, _)| key.clone());
    let role = handler.needs.role_keys.first();
    let role = role.and_then(|key| config["properties"][key]["default"].as_str());
    RailView {
        name: handler.name,
        summary: handler.summary,
        plugin: match handler.origin {
            OriginView::Native { .. } => None,
            OriginView::Plugin { plugin, .. } => Some(plugin),
        },
        always_gives_a_verdict: handler.always_gives_a_verdict,
        reads: handler.reads,
        role: role.map(str::to_owned),
        rules: rules(&config["properties"]["rules"]),
        config: keys.collect(),
        referenced_by: handler.referenced_by,
    }
}

/// The rules in the schema of a configuration.
fn rules(schema: &Json) -> Vec<RuleView> {
    let rules = schema["properties"].as_object().into_iter().flatten();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let rules = rules.map(|(name, rule)| RuleView {
        name: name.clone(),
        severity: text(&rule["properties"]["severity"]["default"]),
        pattern: text(&rule["description"]),
        threshold: rule["properties"]["threshold"]["default"].as_u64(),
    });
    rules.collect()
}
