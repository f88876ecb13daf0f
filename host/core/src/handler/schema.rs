//! Schemas of what handlers read, write and are configured with: compiled, and their refusals told
//! in bounded words.

use jsonschema::{ValidationError, Validator};
use serde_json::Value as Json;

use crate::shown::cut;

/// The most characters of a value that a refusal quotes, and of a place.
const QUOTED: usize = 100;
/// The most characters of a refusal.
const LONGEST: usize = 1_000;

/// A schema, ready to be used; else why it is none.
pub fn compiled(schema: &Json) -> Result<Validator, String> {
    jsonschema::validator_for(schema).map_err(|error| problem(&error))
}

/// Why a schema is none of the keys that a handler reads or writes: it describes no object.
pub fn keys_problem(schema: &Json) -> Option<String> {
    let object = schema.as_object();
    // `null` is what a native handler without keys has.
    let described = object.is_some_and(|schema| match schema.get("type") {
        None => true,
        Some(kind) => kind == "object" || (kind == "null" && !schema.contains_key("properties")),
    });
    let keys = object.and_then(|schema| schema.get("properties"));
    let named = keys.is_none_or(Json::is_object);
    (!described || !named).then(|| {
        "the keys that a handler reads or writes are an object: write \
         `{ \"type\": \"object\", \"properties\": { … } }`"
            .to_owned()
    })
}

/// What does not fit. The value is quoted in part: it may be of many megabytes.
pub fn problem(error: &ValidationError<'_>) -> String {
    let value = cut(error.instance(), QUOTED);
    cut(error.masked_with(value), LONGEST)
}

/// The place of what does not fit, as a pointer.
pub fn place(error: &ValidationError<'_>) -> String {
    cut(error.instance_path(), QUOTED)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_quotes_the_beginning_of_a_value() {
        let schema = json!({ "properties": { "n": { "type": "integer" } } });
        let validator = compiled(&schema).expect("a schema");
        let told = |value: Json| {
            let value = json!({ "n": value });
            let error = validator.validate(&value).expect_err("no integer");
            format!("{} at {}", problem(&error), place(&error))
        };
        assert_eq!(told(json!("a")), "\"a\" is not of type \"integer\" at /n");
        let long = told(json!("x".repeat(1_000_000)));
        assert!(long.len() < 400, "{}", long.len());
        assert!(
            long.ends_with("(999,902 more characters) is not of type \"integer\" at /n"),
            "{long}"
        );
    }

    #[test]
    fn keys_are_those_of_an_object() {
        for fits in [
            json!({ "type": "object", "properties": { "a": {} } }),
            json!({ "properties": {} }),
            json!({}),
            json!({ "type": "null" }),
        ] {
            assert_eq!(keys_problem(&fits), None, "{fits}");
        }
        for none in [
            json!(true),
            json!({ "type": "array" }),
            json!({ "type": ["object", "null"] }),
            json!({ "type": "null", "properties": {} }),
            json!({ "properties": [] }),
        ] {
            assert!(keys_problem(&none).is_some(), "{none}");
        }
    }
}
