//! What does not fit of a value that is too large for all its errors to be made: level by level, the first part
//! that does not fit, until that is small enough to be told in the words of the validator.

use serde_json::{Map, Value as Json};

use super::part::is_of;
use super::weight::parts;
use super::{ERRORS, MisfitKind, QUOTED, Schema, SchemaMisfit, TOLD, compiled};
use crate::shown::cut;

/// Levels that are gone down at most.
const LEVELS: usize = 32;
/// Keys of one object that are held against their parts, each of which is compiled for it.
const KEYS: usize = 256;
/// Where the parts stand that others refer to.
const SHARED: [&str; 2] = ["$defs", "definitions"];

/// What does not fit; the first of it, where there is much.
pub(super) fn misfits(schema: &Json, value: &Json) -> Vec<SchemaMisfit> {
    let (mut part, mut value, mut at) = (schema, value, String::new());
    for _ in 0..LEVELS {
        part = followed(schema, part);
        let missing = missing(part, value);
        if !missing.is_empty() {
            return missing.into_iter().map(|it| it.below(&at)).collect();
        }
        let Some((segment, inner, unfit)) = unfit_part(schema, part, value) else {
            break;
        };
        at = format!("{at}/{segment}");
        (part, value) = (followed(schema, inner), unfit);
        let small = single(schema, part).filter(|it| it.weight.times(parts(value)) <= ERRORS);
        if let Some(small) = small {
            let told = small.validator.iter_errors(value).take(TOLD);
            return told
                .map(|it| SchemaMisfit::of(&it, value).below(&at))
                .collect();
        }
    }
    let kind = part.get("type").and_then(Json::as_str);
    let problem = match kind {
        Some(kind) if !is_of(value, kind) => {
            format!("{} is not of type \"{kind}\"", cut(value, QUOTED))
        }
        _ => format!("{} does not fit what is wanted there", cut(value, QUOTED)),
    };
    vec![SchemaMisfit::other(problem).below(&at)]
}

/// What a part refers to, through a choice between it and null, too.
fn followed<'s>(schema: &'s Json, mut part: &'s Json) -> &'s Json {
    for _ in 0..LEVELS {
        let target = part.get("$ref").and_then(Json::as_str);
        let referred = target.and_then(|it| schema.pointer(it.strip_prefix('#')?));
        let choice = || {
            let listed = ["anyOf", "oneOf"]
                .into_iter()
                .find_map(|it| part.get(it)?.as_array())?;
            let mut some = listed
                .iter()
                .filter(|it| it.get("type").is_none_or(|kind| kind != "null"));
            let first = some.next()?;
            some.next().is_none().then_some(first)
        };
        match referred.or_else(choice) {
            Some(next) => part = next,
            None => break,
        }
    }
    part
}

/// Keys that have to be there and are not, and those that may not be.
fn missing(part: &Json, value: &Json) -> Vec<SchemaMisfit> {
    let Some(keys) = value.as_object() else {
        return Vec::new();
    };
    let required = part.get("required").and_then(Json::as_array);
    let required = required.into_iter().flatten().filter_map(Json::as_str);
    let missing = required
        .filter(|key| !keys.contains_key(*key))
        .map(|key| SchemaMisfit {
            pointer: String::new(),
            problem: format!("\"{key}\" is a required property"),
            kind: MisfitKind::Missing(key.to_owned()),
        });
    let unexpected = unexpected(part, keys);
    let unexpected = unexpected.first().map(|first| SchemaMisfit {
        pointer: String::new(),
        problem: format!("\"{}\" is no key here", cut(first, QUOTED)),
        kind: MisfitKind::Unexpected(unexpected.iter().take(TOLD).cloned().collect()),
    });
    missing.chain(unexpected).take(TOLD).collect()
}

fn unexpected(part: &Json, keys: &Map<String, Json>) -> Vec<String> {
    let closed = part.get("additionalProperties") == Some(&Json::Bool(false));
    if !closed || part.get("patternProperties").is_some() {
        return Vec::new();
    }
    let known = part.get("properties");
    let unknown = keys
        .keys()
        .filter(|key| known.is_none_or(|known| known.get(key.as_str()).is_none()));
    unknown.cloned().collect()
}

/// The first key or entry that does not fit what is said of it, by its place.
fn unfit_part<'s, 'v>(
    schema: &'s Json,
    part: &'s Json,
    value: &'v Json,
) -> Option<(String, &'s Json, &'v Json)> {
    match value {
        Json::Object(keys) => {
            let known = part.get("properties");
            let more = part.get("additionalProperties").filter(|it| it.is_object());
            keys.iter().take(KEYS).find_map(|(key, value)| {
                let inner = known.and_then(|known| known.get(key)).or(more)?;
                let segment = key.replace('~', "~0").replace('/', "~1");
                (!fits(schema, inner, value)).then_some((segment, inner, value))
            })
        }
        Json::Array(entries) => {
            let inner = part.get("items")?;
            let compiled = single(schema, inner)?;
            let mut entries = entries.iter().enumerate();
            let (index, value) = entries.find(|(_, value)| !compiled.validator.is_valid(value))?;
            Some((index.to_string(), inner, value))
        }
        _ => None,
    }
}

fn fits(schema: &Json, part: &Json, value: &Json) -> bool {
    single(schema, part).is_none_or(|it| it.validator.is_valid(value))
}

/// A part as a schema of its own.
fn single(schema: &Json, part: &Json) -> Option<Schema> {
    let mut own = part.as_object()?.clone();
    for shared in SHARED {
        if let Some(parts) = schema.get(shared) {
            own.entry(shared).or_insert_with(|| parts.clone());
        }
    }
    compiled(&Json::Object(own)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::compiled;
    use super::*;

    /// A bundle of a day is large, and what lacks in a draft beside it is told all the same.
    #[test]
    fn what_does_not_fit_of_much_is_told_where_it_is() {
        let many: Map<String, Json> = (0..400)
            .map(|it| (format!("k{it}"), json!({ "type": "string" })))
            .collect();
        let schema = json!({
            "properties": {
                "bundle": { "type": "array", "items": { "properties": many } },
                "draft": { "anyOf": [{ "$ref": "#/$defs/draft" }, { "type": "null" }] },
                "n": { "type": "integer" },
            },
            "$defs": { "draft": { "type": "object", "required": ["markdown"], "properties": { "title": { "type": "string" } } } },
            "required": ["bundle"],
        });
        let schema = compiled(&schema).expect("a schema");
        let bundle: Vec<Json> = (0..2_000).map(|_| json!({ "k1": "x" })).collect();
        let told = |keys: Json| {
            let mut value = json!({ "bundle": bundle });
            value
                .as_object_mut()
                .expect("keys")
                .extend(keys.as_object().expect("keys").clone());
            let misfit = schema.check(&value).expect_err("no fit");
            format!("{} at `{}`", misfit.problem, misfit.place())
        };
        assert_eq!(
            told(json!({ "draft": { "title": "a" } })),
            "\"markdown\" is a required property at `/draft`"
        );
        assert_eq!(
            told(json!({ "draft": { "title": 1, "markdown": "" } })),
            "1 is not of type \"string\" at `/draft/title`"
        );
        assert_eq!(
            told(json!({ "n": "x" })),
            "\"x\" is not of type \"integer\" at `/n`"
        );
        let mut late = bundle.clone();
        late.push(json!({ "k1": 1 }));
        assert_eq!(
            told(json!({ "bundle": late })),
            "1 is not of type \"string\" at `/bundle/2000/k1`"
        );
    }
}
