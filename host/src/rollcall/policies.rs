//! Policies: their table and columns are in the live schema, and their times make sense.

use serde_json::{Map, Value as Json};

use super::schema::Schema;
use super::{Kind, Miss, Reference, Roster};
use crate::pipeline::Span;
use crate::policy::Policy;
use crate::workspace::Defined;

pub(super) fn list(roster: &Roster<'_>, schema: &Schema) -> Vec<Reference> {
    let mut references = Vec::new();
    for (name, policy) in &roster.definitions.policies {
        let referrer = format!("policy {name}");
        let table = policy.value.table.get_ref();
        let reference = Reference::new(&referrer, "table", Kind::Table, table);
        references.push(
            reference
                .at(policy.at(&["table"]))
                .missed(schema.no_table(table)),
        );
        references.extend(columns(roster, policy, schema));
        let timeout = policy.value.timeout;
        let reference = Reference::new(&referrer, "timeout", Kind::Time, timeout.to_string())
            .at(policy.at(&["timeout"]))
            .missed(no_time("timeout", timeout));
        references.push(reference);
        references.push(cadence(policy));
    }
    references
}

/// A policy has a pause or times of the clock, and not both.
fn cadence(policy: &Defined<Policy>) -> Reference {
    let value = &policy.value;
    let referrer = format!("policy {}", value.name.get_ref());
    let miss = match (value.every, value.schedules.is_empty()) {
        (Some(every), true) => no_time("every", every),
        (Some(_), false) => Some(Miss::new(
            "`every` is a pause after each run, and there are schedules too",
            "remove `every`, or each `[[schedule]]`",
        )),
        (None, true) => Some(Miss::new(
            "it never runs",
            "write `every = \"24h\"`, or add a `[[schedule]]`",
        )),
        (None, false) => None,
    };
    Reference::new(referrer, "every", Kind::Time, value.cadence())
        .at(policy.at(&["every"]))
        .missed(miss)
}

fn no_time(key: &str, span: Span) -> Option<Miss> {
    span.0.is_zero().then(|| {
        let problem = format!("`{key}` is no time at all");
        Miss::new(problem, format!("write `{key} = \"1h\"`"))
    })
}

/// Columns named by `key` and by every configuration key that ends in `_column`.
fn columns(roster: &Roster<'_>, policy: &Defined<Policy>, schema: &Schema) -> Vec<Reference> {
    let table = policy.value.table.get_ref();
    let mut references = Vec::new();
    for (key, value) in effective(roster, &policy.value) {
        if key != "key" && !key.ends_with("_column") {
            continue;
        }
        let names = match &value {
            Json::String(name) => vec![name.as_str()],
            Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        for column in names {
            let referrer = format!("policy {}", policy.value.name.get_ref());
            let target = format!("{table}.{column}");
            let reference = Reference::new(referrer, format!("config.{key}"), Kind::Column, target);
            let place = policy.at(&["config", &key]);
            references.push(reference.at(place).missed(schema.no_column(table, column)));
        }
    }
    references
}

/// The configuration with the defaults that the handler's schema declares.
pub(super) fn effective(roster: &Roster<'_>, policy: &Policy) -> Map<String, Json> {
    let entry = roster.registry.get(policy.handler.get_ref());
    let properties = entry.and_then(|entry| entry.contract.config.get("properties")?.as_object());
    let mut effective: Map<String, Json> = properties
        .into_iter()
        .flatten()
        .filter_map(|(key, property)| Some((key.clone(), property.get("default")?.clone())))
        .collect();
    effective.extend(policy.config.as_object().cloned().unwrap_or_default());
    effective
}
