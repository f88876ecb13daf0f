//! The keys that a handler reads and writes, checked against its schemas, which are compiled
//! once.

use serde_json::Value as Json;

use crate::handler::Contract;
use crate::handler::schema::{self, Schema};
use crate::outcome::Patch;
use crate::shown::cut;

/// The most characters of a key that a refusal quotes.
const LONGEST_KEY: usize = 100;

/// A handler's schemas of keys, ready to be used.
pub struct Checks {
    reads: Keys,
    writes: Keys,
}

struct Keys {
    names: Vec<String>,
    schema: Schema,
}

impl Checks {
    pub(super) fn of(contract: &Contract) -> Result<Self, String> {
        let named = |which: &str, problem| format!("what it {which}: {problem}");
        if let Some(problem) = schema::keys_problem(&contract.config) {
            return Err(named("is configured with", problem));
        }
        Ok(Self {
            reads: Keys::of(&contract.reads).map_err(|problem| named("reads", problem))?,
            writes: Keys::of(&contract.writes).map_err(|problem| named("writes", problem))?,
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
        if let Some(problem) = schema::keys_problem(schema) {
            return Err(problem);
        }
        let properties = schema["properties"].as_object();
        let names = properties.map(|properties| properties.keys().cloned().collect());
        Ok(Self {
            names: names.unwrap_or_default(),
            schema: schema::compiled(schema)?,
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
        self.schema
            .check(&Json::Object(keys.clone()))
            .map_err(|misfit| match misfit.place().as_str() {
                "" => misfit.problem,
                place => format!("{} at `{place}`", misfit.problem),
            })
    }
}
