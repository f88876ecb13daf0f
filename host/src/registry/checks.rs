//! The keys that a handler reads and writes, checked against its schemas, which are compiled
//! once.

use jsonschema::Validator;
use serde_json::Value as Json;

use crate::handler::Contract;
use crate::outcome::Patch;

/// A handler's schemas of keys, ready to be used.
pub struct Checks {
    reads: Keys,
    writes: Keys,
}

struct Keys {
    names: Vec<String>,
    schema: Validator,
}

impl Checks {
    pub(super) fn of(contract: &Contract) -> Result<Self, String> {
        Ok(Self {
            reads: Keys::of(&contract.reads)?,
            writes: Keys::of(&contract.writes)?,
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

    /// What is wrong with the keys that a handler wrote.
    pub fn writes(&self, keys: &Patch) -> Result<(), String> {
        self.writes.check(keys)
    }
}

impl Keys {
    fn of(schema: &Json) -> Result<Self, String> {
        let properties = schema["properties"].as_object();
        let names = properties.map(|properties| properties.keys().cloned().collect());
        let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
        Ok(Self {
            names: names.unwrap_or_default(),
            schema: validator,
        })
    }

    fn has(&self, key: &str) -> bool {
        self.names.iter().any(|name| name == key)
    }

    fn check(&self, keys: &Patch) -> Result<(), String> {
        if let Some(key) = keys.keys().find(|key| !self.has(key)) {
            return Err(format!("key `{key}` is not declared"));
        }
        // A handler without keys may have any schema, `null` too.
        if self.names.is_empty() {
            return Ok(());
        }
        self.schema
            .validate(&Json::Object(keys.clone()))
            .map_err(|error| format!("{error} at `{}`", error.instance_path()))
    }
}
