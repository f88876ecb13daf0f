//! `handlers`: what is registered.

use callboard_core::app::AppError;
use callboard_core::handler::Contract;
use callboard_core::registry::{Entry, Origin, Registry};
use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::output::Answered;
use super::{Context, Failure, find};

#[derive(Debug, Subcommand)]
pub(super) enum Handlers {
    /// Every handler: the native ones, and those of the active revision's plugins.
    List {
        /// Only the native handlers of this binary; needs no workspace.
        #[arg(long)]
        native: bool,
    },
    /// One handler: its configuration, the keys it reads and writes, what it needs.
    Show {
        /// `<surface>.<name>`.
        name: String,
    },
}

impl Handlers {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        match self {
            Handlers::List { native: true } => {
                let native = Registry::native().map_err(AppError::from)?;
                Ok(list(context, &native))
            }
            Handlers::List { native: false } => Ok(list(context, &*registry(context).await?)),
            Handlers::Show { name } => show(context, &*registry(context).await?, &name),
        }
    }
}

async fn registry(context: &Context) -> Result<std::sync::Arc<Registry>, Failure> {
    Ok(context.app().await?.active().await?.registry.clone())
}

fn list(context: &Context, registry: &Registry) -> Answered {
    let rows = registry.iter().map(|entry| {
        vec![
            entry.contract.name.clone(),
            short(&entry.origin),
            entry.contract.summary.clone(),
        ]
    });
    let json: Vec<_> = registry.iter().map(to_json).collect();
    context
        .output
        .show(&["handler", "origin", "summary"], rows.collect(), &json)
}

/// Where a handler comes from, without the path of its file.
fn short(origin: &Origin) -> String {
    match origin {
        Origin::Native { .. } => "native".to_owned(),
        plugin @ Origin::Plugin { .. } => plugin.to_string(),
    }
}

fn to_json(entry: &Entry) -> Json {
    let origin = match &entry.origin {
        Origin::Native { file } => json!({ "native": file }),
        Origin::Plugin {
            name,
            version,
            digest,
        } => {
            json!({ "plugin": name, "version": version, "digest": digest })
        }
    };
    json!({
        "name": entry.contract.name,
        "summary": entry.contract.summary,
        "origin": origin,
        "reads": keys(&entry.contract.reads),
        "writes": keys(&entry.contract.writes),
        "needs": entry.contract.needs,
        "always_gives_a_verdict": entry.contract.always_gives_a_verdict,
    })
}

fn keys(schema: &Json) -> Vec<&str> {
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flat_map(|keys| keys.keys().map(String::as_str))
        .collect()
}

fn show(context: &Context, registry: &Registry, name: &str) -> Result<Answered, Failure> {
    let Some(entry) = registry.get(name) else {
        let known = registry.iter().map(|entry| entry.contract.name.as_str());
        let list = "callboard handlers list";
        return Err(find::unknown("handler", name, known, list));
    };
    let contract = &entry.contract;
    context
        .output
        .say(format_args!("{}: {}", contract.name, contract.summary));
    context.output.say(format_args!("origin: {}", entry.origin));
    context.output.say("");
    for (title, schema) in [
        ("config", &contract.config),
        ("reads", &contract.reads),
        ("writes", &contract.writes),
    ] {
        context.output.say(format_args!("{title}:"));
        context
            .output
            .table(&["key", "type", "required", "description"], fields(schema));
        context.output.say("");
    }
    for (title, names) in needs(contract) {
        context
            .output
            .say(format_args!("{title}: {}", names.join(", ")));
    }
    Ok(context.output.json(contract))
}

/// What it cannot do without, by kind; kinds of which it needs nothing are left out.
fn needs(contract: &Contract) -> Vec<(&'static str, Vec<String>)> {
    let needs = &contract.needs;
    let tables = needs.tables.iter();
    let tables = tables.map(|need| format!("{} ({})", need.table, need.verbs.join(", ")));
    let mut all = vec![
        ("tables", tables.collect()),
        ("settings", needs.settings.clone()),
        ("roles", needs.roles.clone()),
        ("prompts", needs.prompts.clone()),
    ];
    all.retain(|(_, names)| !names.is_empty());
    all
}

/// What the values of a property are: their types, or each of them if there are only some.
fn kind(schema: &Json, property: &Json) -> String {
    if let Some(values) = property["enum"].as_array() {
        let values: Vec<_> = values.iter().map(Json::to_string).collect();
        return values.join(" or ");
    }
    if !property["const"].is_null() {
        return property["const"].to_string();
    }
    match &property["type"] {
        Json::String(kind) => return kind.clone(),
        Json::Array(kinds) => {
            let kinds: Vec<_> = kinds.iter().filter_map(Json::as_str).collect();
            return kinds.join(" or ");
        }
        _ => {}
    }
    let place = property["$ref"].as_str();
    let place = place.and_then(|place| place.strip_prefix('#'));
    if let Some(meant) = place.and_then(|place| schema.pointer(place)) {
        return kind(schema, meant);
    }
    let mut either = ["oneOf", "anyOf"].iter();
    match either.find_map(|either| property[*either].as_array()) {
        Some(some) => {
            let some: Vec<_> = some.iter().map(|one| kind(schema, one)).collect();
            some.join(" or ")
        }
        None => "object".to_owned(),
    }
}

/// The properties of a schema as rows of a table.
pub(super) fn fields(schema: &Json) -> Vec<Vec<String>> {
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let properties = schema["properties"].as_object();
    let rows = properties.into_iter().flatten().map(|(key, property)| {
        let kind = kind(schema, property);
        let default = match &property["default"] {
            Json::Null => String::new(),
            default => format!(" (default {default})"),
        };
        let description = property["description"]
            .as_str()
            .unwrap_or_default()
            .replace('\n', " ");
        let needed = if required.contains(&key.as_str()) {
            "yes"
        } else {
            "no"
        };
        vec![
            key.clone(),
            kind,
            needed.to_owned(),
            format!("{description}{default}"),
        ]
    });
    rows.collect()
}
