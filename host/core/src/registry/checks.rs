//! The keys that a handler reads and writes, and its configuration, checked against its schemas.
//! Each of them is compiled once, here, and what is held against one is held against it here.

use std::sync::OnceLock;

use serde_json::{Map, Value as Json};

use crate::handler::Contract;
use crate::handler::schema::{self, Schema};
use crate::outcome::Patch;
use crate::shown::cut;

/// The most characters of a key that a refusal quotes.
const LONGEST_KEY: usize = 100;

/// A handler's schemas, ready to be used.
pub struct Checks {
    reads: CheckedKeys,
    writes: CheckedKeys,
    /// Compiled when it is first asked for: only a roll call does.
    config: OnceLock<Result<Schema, String>>,
}

struct CheckedKeys {
    names: Vec<String>,
    /// Those that have to be there. The schema is compiled without them, so that a single key can be held
    /// against it.
    required: Vec<String>,
    schema: Schema,
}

impl Checks {
    pub(super) fn of(contract: &Contract) -> Result<Self, String> {
        let named = |which: &str, problem| format!("what it {which}: {problem}");
        if let Some(problem) = schema::keys_problem(&contract.config) {
            return Err(named("is configured with", problem));
        }
        Ok(Self {
            reads: CheckedKeys::of(&contract.reads).map_err(|problem| named("reads", problem))?,
            writes: CheckedKeys::of(&contract.writes)
                .map_err(|problem| named("writes", problem))?,
            config: OnceLock::new(),
        })
    }

    /// Whether the handler declares that it reads a key.
    pub fn reads_key(&self, key: &str) -> bool {
        self.reads.has(key)
    }

    /// What is wrong with the keys that a handler is to read.
    pub fn reads(&self, keys: &Patch) -> Result<(), String> {
        self.reads.check(keys)
    }

    /// What is wrong with the value of one key that it reads, whatever the others are; nothing if it
    /// does not read that key.
    pub fn reads_value(&self, key: &str, value: &Json) -> Result<(), String> {
        if !self.reads_key(key) {
            return Ok(());
        }
        let keys = Map::from_iter([(key.to_owned(), value.clone())]);
        let fits = self.reads.schema.check(&Json::Object(keys));
        fits.map_err(|misfit| misfit.problem)
    }

    /// The schema of what it is configured with, which is `schema`; else why that is none.
    pub(super) fn config(&self, schema: &Json) -> &Result<Schema, String> {
        self.config.get_or_init(|| schema::compiled(schema))
    }

    /// What is wrong with the keys that a handler wrote.
    pub fn writes(&self, keys: &Patch) -> Result<(), String> {
        self.writes.check(keys)
    }
}

impl CheckedKeys {
    fn of(schema: &Json) -> Result<Self, String> {
        if let Some(problem) = schema::keys_problem(schema) {
            return Err(problem);
        }
        let properties = schema["properties"].as_object();
        let names = properties.map(|properties| properties.keys().cloned().collect());
        let mut schema = schema.clone();
        let required = schema.as_object_mut().and_then(|it| it.remove("required"));
        let required = required.map(serde_json::from_value).transpose();
        let required = required.map_err(|error| format!("`required` names no keys: {error}"))?;
        Ok(Self {
            names: names.unwrap_or_default(),
            required: required.unwrap_or_default(),
            schema: schema::compiled(&schema)?,
        })
    }

    fn has(&self, key: &str) -> bool {
        self.names.iter().any(|name| name == key)
    }

    fn check(&self, keys: &Patch) -> Result<(), String> {
        if let Some(key) = keys.keys().find(|key| !self.has(key)) {
            return Err(format!("key `{}` is not declared", cut(key, LONGEST_KEY)));
        }
        // A handler without keys may have any schema.
        if self.names.is_empty() {
            return Ok(());
        }
        if let Some(key) = self.required.iter().find(|key| !keys.contains_key(*key)) {
            return Err(format!("\"{key}\" is a required property"));
        }
        self.schema
            .check(&Json::Object(keys.clone()))
            .map_err(|misfit| match misfit.place().as_str() {
                "" => misfit.problem,
                place => format!("{} at `{place}`", misfit.problem),
            })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reads(schema: &Json) -> CheckedKeys {
        CheckedKeys::of(schema).expect("a schema of keys")
    }

    fn checks() -> Checks {
        let schema = json!({
            "type": "object",
            "properties": { "a": { "type": "integer" }, "b": {} },
            "required": ["a", "b"],
            "additionalProperties": false,
        });
        Checks {
            reads: reads(&schema),
            writes: reads(&json!({})),
            config: OnceLock::new(),
        }
    }

    #[test]
    fn keys_that_have_to_be_there_are_asked_of_all_of_them_and_not_of_one() {
        let checks = checks();
        let none = checks.reads(&Patch::new()).expect_err("both are missing");
        assert_eq!(none, "\"a\" is a required property");
        assert_eq!(checks.reads_value("a", &json!(1)), Ok(()));
        let text = checks.reads_value("a", &json!("1"));
        assert_eq!(text, Err("\"1\" is not of type \"integer\"".to_owned()));
    }

    /// A schema that allows no other key says nothing about a key of another handler.
    #[test]
    fn a_key_that_is_not_read_fits() {
        assert_eq!(checks().reads_value("c", &json!(1)), Ok(()));
    }

    #[test]
    fn required_keys_are_names() {
        let schema = json!({ "properties": { "a": {} }, "required": [1] });
        assert!(CheckedKeys::of(&schema).is_err());
    }

    #[test]
    fn a_configuration_is_compiled_once() {
        let (checks, schema) = (
            checks(),
            json!({ "properties": { "a": { "type": "string" } } }),
        );
        let first = std::ptr::from_ref(checks.config(&schema));
        assert_eq!(first, std::ptr::from_ref(checks.config(&schema)));
    }
}
