//! What schemas say of the parts of a key: followed through their references.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// References that are followed to find a type.
const REFERENCES: usize = 16;

/// The types that a part of a schema names, at the end of its references; none if it does not say.
pub(super) fn types<'s>(whole: &'s Json, part: &'s Json) -> BTreeSet<&'s str> {
    types_within(whole, part, REFERENCES).unwrap_or_default()
}

/// The same, following so many references at most.
fn types_within<'s>(whole: &'s Json, part: &'s Json, left: usize) -> Option<BTreeSet<&'s str>> {
    let left = left.checked_sub(1)?;
    if let Some(reference) = part.get("$ref").and_then(Json::as_str) {
        let referred = whole.pointer(reference.strip_prefix('#')?)?;
        return types_within(whole, referred, left);
    }
    match part.get("type") {
        Some(Json::String(kind)) => return Some(BTreeSet::from([kind.as_str()])),
        Some(Json::Array(kinds)) => return Some(kinds.iter().filter_map(Json::as_str).collect()),
        _ => {}
    }
    let choices = ["anyOf", "oneOf"]
        .iter()
        .find_map(|it| part.get(it)?.as_array());
    let mut types = BTreeSet::new();
    for choice in choices? {
        types.extend(types_within(whole, choice, left)?);
    }
    Some(types)
}

/// What a schema refers to, through a choice between it and null, too.
pub(super) fn resolved<'s>(whole: &'s Json, part: &'s Json) -> Option<&'s Json> {
    let mut part = part;
    for _ in 0..REFERENCES {
        if let Some(reference) = part.get("$ref").and_then(Json::as_str) {
            part = whole.pointer(reference.strip_prefix('#')?)?;
        } else if let Some(choices) = part.get("anyOf").and_then(Json::as_array) {
            let null = Json::from("null");
            let mut some = choices.iter().filter(|it| it.get("type") != Some(&null));
            part = some.next()?;
            if some.next().is_some() {
                return None;
            }
        } else {
            return Some(part);
        }
    }
    None
}
