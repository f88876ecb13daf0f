//! `handlers`: what is registered.

use callboard_core::operations::handlers::{self, HandlerDetails, HandlerView, Needs, OriginView};
use clap::Subcommand;
use serde_json::Value as Json;

use super::output::Answered;
use super::{Context, Failure};

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
                let native = handlers::native()?.into_iter();
                let native: Vec<_> = native.map(|details| details.handler).collect();
                Ok(list(context, &native))
            }
            Handlers::List { native: false } => {
                let all = handlers::list(&context.app().await?).await?;
                Ok(list(context, &all))
            }
            Handlers::Show { name } => {
                let details = handlers::show(&context.app().await?, &name).await?;
                Ok(show(context, &details))
            }
        }
    }
}

fn list(context: &Context, handlers: &Vec<HandlerView>) -> Answered {
    let rows = handlers.iter().map(|handler| {
        let origin = match &handler.origin {
            OriginView::Native { .. } => "native".to_owned(),
            OriginView::Plugin { .. } => handler.origin.to_string(),
        };
        vec![handler.name.clone(), origin, handler.summary.clone()]
    });
    let header = ["handler", "origin", "summary"];
    context.output.show(&header, rows.collect(), handlers)
}

fn show(context: &Context, details: &HandlerDetails) -> Answered {
    let (output, handler) = (context.output, &details.handler);
    output.say(format_args!("{}: {}", handler.name, handler.summary));
    output.say(format_args!("origin: {}", handler.origin));
    output.say("");
    for (title, schema) in [
        ("config", &details.config),
        ("reads", &details.reads),
        ("writes", &details.writes),
    ] {
        output.say(format_args!("{title}:"));
        output.table(&["key", "type", "required", "description"], fields(schema));
        output.say("");
    }
    for (title, names) in needs(&handler.needs) {
        output.say(format_args!("{title}: {}", names.join(", ")));
    }
    output.json(details)
}

/// What it cannot do without, by kind; kinds of which it needs nothing are left out.
fn needs(needs: &Needs) -> Vec<(&'static str, Vec<String>)> {
    let tables = needs.tables.iter();
    let tables = tables.map(|need| format!("{} ({})", need.table, need.verbs.join(", ")));
    let prompts = needs.prompts.iter();
    let prompts = prompts.map(|need| {
        let given: Vec<&str> = need.given().collect();
        format!("{} ({})", need.name, given.join(", "))
    });
    let mut all = vec![
        ("tables", tables.collect()),
        ("settings", needs.settings.clone()),
        ("roles", needs.roles.clone()),
        ("prompts", prompts.collect()),
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
