//! Name to handler: every native handler that is linked, and those of the plugins.
//!
//! `inventory` gives no order, no uniqueness and no proof of presence, so the registry sorts,
//! refuses two of the same name, and refuses to be empty.

mod checks;
mod paths;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

pub use self::checks::Checks;
use crate::handler::schema::Schema;
use crate::handler::{AnyHandler, Contract, Registration, SURFACES, is_name};
pub use crate::near_name::nearest;
use crate::outcome::{FailureKind, Outcome, Stop};
use crate::pipeline::Pipeline;
use crate::settings::hex;
use crate::shown::cut;

/// The most characters of a name that is none that a refusal quotes.
const QUOTED: usize = 100;

/// The files of a crate's native handlers, `<surface>/<name>.rs`, as they were when it was built.
pub struct HandlerFiles(pub &'static [&'static str]);

inventory::collect!(HandlerFiles);

/// Those of this crate.
mod own {
    include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
    inventory::submit! { super::HandlerFiles(HANDLER_FILES) }
}

/// The files of all native handlers.
pub fn handler_files() -> Vec<&'static str> {
    let crates = inventory::iter::<HandlerFiles>();
    crates.flat_map(|files| files.0.iter().copied()).collect()
}

/// Every handler there is, by name.
#[derive(Clone)]
pub struct Registry {
    entries: BTreeMap<String, HandlerEntry>,
}

/// A handler with what it says of itself and where it comes from.
#[derive(Clone)]
pub struct HandlerEntry {
    pub contract: Contract,
    pub origin: HandlerOrigin,
    pub handler: Arc<dyn AnyHandler>,
    /// Its schemas, ready to be used.
    pub checks: Arc<Checks>,
}

impl HandlerEntry {
    /// Of a handler; its schemas have to be some.
    pub fn new(
        contract: Contract,
        origin: HandlerOrigin,
        handler: Arc<dyn AnyHandler>,
    ) -> Result<Self, RegistryError> {
        let checks = Checks::of(&contract).map_err(|problem| RegistryError::Schema {
            name: contract.name.clone(),
            problem,
        })?;
        Ok(Self {
            contract,
            origin,
            handler,
            checks: Arc::new(checks),
        })
    }

    /// The schema that it is configured by; else why it is none.
    pub fn config_schema(&self) -> &Result<Schema, String> {
        self.checks.config(&self.contract.config)
    }

    /// What it came to; a patch that breaks its own schema is a failure, and so is a flag that its contract
    /// does not tell of.
    pub fn checked(&self, outcome: Outcome) -> Outcome {
        if !outcome.flags().is_empty() && !self.contract.may_flag {
            let name = &self.contract.name;
            let message =
                format!("{name} flags what it hands on, and its contract does not say so");
            return Outcome::Stopped(Stop::failed(FailureKind::Internal, message));
        }
        let Some(patch) = outcome.patch() else {
            return outcome;
        };
        match self.checks.writes(patch) {
            Ok(()) => outcome,
            Err(problem) => {
                let name = &self.contract.name;
                let message = format!("the patch of {name} breaks its schema: {problem}");
                Outcome::Stopped(Stop::failed(FailureKind::Internal, message))
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerOrigin {
    Native {
        file: &'static str,
    },
    Plugin {
        name: String,
        version: String,
        digest: String,
    },
}

impl HandlerOrigin {
    /// The plugin it comes from, if it does.
    pub fn plugin(&self) -> Option<&str> {
        match self {
            HandlerOrigin::Native { .. } => None,
            HandlerOrigin::Plugin { name, .. } => Some(name),
        }
    }
}

impl fmt::Display for HandlerOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandlerOrigin::Native { file } => write!(f, "native ({file})"),
            HandlerOrigin::Plugin { name, version, .. } => write!(f, "plugin {name} {version}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    #[error("handler `{name}` is there twice: {first} and {second}; rename one of them")]
    Duplicate {
        name: String,
        first: HandlerOrigin,
        second: HandlerOrigin,
    },
    #[error(
        "no native handler is registered; this build of callboard lost them when it was linked"
    )]
    Empty,
    #[error("handler `{}` of {origin} has no place: a name is <surface>.<name> of 1 to 64 of `a-z`, `0-9` and `_`, and the surfaces are {}", cut(.name, QUOTED), SURFACES.join(", "))]
    Name { name: String, origin: HandlerOrigin },
    #[error(
        "a schema of handler `{}` is none: {problem}; mend what the handler says of itself", cut(.name, QUOTED)
    )]
    Schema { name: String, problem: String },
}

impl RegistryError {
    /// What to do about a handler that is refused.
    pub fn mend(&self) -> String {
        match self {
            Self::Duplicate { name, .. } => format!("rename `{name}` in one of them"),
            Self::Name { .. } => "rename the handler in the plugin".to_owned(),
            Self::Schema { .. } => "mend what the handler says of itself".to_owned(),
            Self::Empty => "build callboard anew".to_owned(),
        }
    }
}

/// Why a run of a pipeline can't be given a value: the handler that reads the key, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitInput<'r> {
    pub reader: &'r str,
    pub problem: String,
    /// What the handler says of the key.
    pub wanted: Option<&'r str>,
}

impl UnfitInput<'_> {
    /// What is wrong with `what`, such as "the default".
    pub fn of(&self, what: &str) -> String {
        format!(
            "{what} does not fit what `{}` reads: {}",
            self.reader, self.problem
        )
    }

    /// What to write in its place, a `default` or a `value`.
    pub fn mend(&self, what: &str) -> String {
        let wanted = self
            .wanted
            .map(|it| format!(": {}", it.trim_end_matches('.')));
        format!("write a {what} that fits{}", wanted.unwrap_or_default())
    }
}

impl Registry {
    /// Whether all handlers of a pipeline can read a value under a key: asked of a default, of a schedule and
    /// of whoever starts a run.
    pub fn unfit(&self, pipeline: &Pipeline, key: &str, value: &Json) -> Option<UnfitInput<'_>> {
        let mut entries = pipeline.handlers().filter_map(|handler| self.get(handler));
        let (entry, problem) =
            entries.find_map(|it| Some((it, it.checks.reads_value(key, value).err()?)))?;
        let contract = &entry.contract;
        let described = &contract.reads["properties"][key]["description"];
        Some(UnfitInput {
            reader: &contract.name,
            problem,
            wanted: described.as_str(),
        })
    }

    /// The native handlers that are linked into this program. Their schemas are compiled once a
    /// process, however many revisions it loads.
    pub fn native() -> Result<Self, RegistryError> {
        static NATIVE: LazyLock<Result<Registry, RegistryError>> =
            LazyLock::new(|| Registry::collect(inventory::iter::<Registration>()));
        NATIVE.clone()
    }

    fn collect<'a>(
        registrations: impl IntoIterator<Item = &'a Registration>,
    ) -> Result<Self, RegistryError> {
        let mut registry = Self {
            entries: BTreeMap::new(),
        };
        for registration in registrations {
            let name = registration.name();
            let contract = registration.handler.contract(&name);
            let origin = HandlerOrigin::Native {
                file: registration.file,
            };
            let handler = Arc::new(NativeHandler(registration.handler));
            registry.add(HandlerEntry::new(contract, origin, handler)?)?;
        }
        if registry.entries.is_empty() {
            Err(RegistryError::Empty)
        } else {
            Ok(registry)
        }
    }

    /// A registry of these handlers and no other.
    #[cfg(test)]
    pub(crate) fn of(entries: impl IntoIterator<Item = HandlerEntry>) -> Self {
        let mut registry = Self {
            entries: BTreeMap::new(),
        };
        for entry in entries {
            registry.add(entry).expect("a handler with a place");
        }
        registry
    }

    /// Add a handler; its name must be new and on a known surface.
    pub fn add(&mut self, entry: HandlerEntry) -> Result<(), RegistryError> {
        let name = entry.contract.name.clone();
        let placed = name
            .split_once('.')
            .is_some_and(|(surface, rest)| SURFACES.contains(&surface) && is_name(rest));
        if !placed {
            return Err(RegistryError::Name {
                name,
                origin: entry.origin,
            });
        }
        if let Some(first) = self.entries.get(&name) {
            let first = first.origin.clone();
            return Err(RegistryError::Duplicate {
                name,
                first,
                second: entry.origin,
            });
        }
        self.entries.insert(name, entry);
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<&HandlerEntry> {
        self.entries.get(name)
    }

    /// All handlers in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &HandlerEntry> {
        self.entries.values()
    }

    /// The known name most like `name`, if one is near enough to be meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let keys = || self.entries.keys().map(String::as_str);
        // The surface is what is mistaken most easily, and alike in many.
        let same = keys().find(|known| own(known).eq_ignore_ascii_case(own(name)));
        let alike = || {
            let near = nearest(own(name), keys().map(own))?;
            keys().find(|known| own(known) == near)
        };
        let slip = || nearest(name, keys()).filter(|near| strsim::osa_distance(name, near) <= 2);
        same.or_else(slip).or_else(alike)
    }

    /// The same in every process that has the same handlers with the same contracts.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for entry in self.iter() {
            hasher.update(serde_json::to_vec(&entry.contract).unwrap_or_default());
            if let HandlerOrigin::Plugin { digest, .. } = &entry.origin {
                hasher.update(digest);
            }
        }
        hex(&hasher.finalize())
    }
}

/// A handler's name without its surface.
fn own(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// A native handler, which lives as long as the program.
struct NativeHandler(&'static dyn AnyHandler);

impl AnyHandler for NativeHandler {
    fn contract(&self, name: &str) -> Contract {
        self.0.contract(name)
    }

    fn misread(&self, config: &serde_json::Value) -> Option<String> {
        self.0.misread(config)
    }

    fn call<'a>(
        &'a self,
        call: &'a crate::handler::Call,
        config: serde_json::Value,
        input: crate::outcome::Patch,
    ) -> futures_util::future::BoxFuture<'a, crate::outcome::Outcome> {
        self.0.call(call, config, input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, origin: HandlerOrigin) -> HandlerEntry {
        let native = Registry::native().expect("native handlers");
        let mut entry = native.iter().next().expect("one").clone();
        entry.contract.name = name.to_owned();
        entry.origin = origin;
        entry
    }

    #[test]
    fn a_handler_of_another_surface_is_what_was_meant() {
        let native = Registry::native().expect("native handlers");
        for (name, meant) in [
            ("content.ttl_prune", "retention.ttl_prune"),
            ("Retention.TTL_Prune", "retention.ttl_prune"),
            ("ttl_prune", "retention.ttl_prune"),
            ("retention.keep_newst", "retention.keep_newest"),
            ("tap.keep_newset", "retention.keep_newest"),
        ] {
            assert_eq!(native.nearest(name), Some(meant), "{name}");
        }
        // What is only alike is another thing.
        for name in ["zzz.q", "retention.embeddings_collapse", "probe.titles"] {
            assert_eq!(native.nearest(name), None, "{name}");
        }
        let plugins = || ["embeddings_orphan_prune"].into_iter();
        assert_eq!(nearest("embeddings_collapse", plugins()), None);
        assert_eq!(
            nearest("embedings_orphan_prune", plugins()),
            plugins().next()
        );
    }

    #[test]
    fn an_empty_registry_is_refused() {
        assert_eq!(Registry::collect([]).err(), Some(RegistryError::Empty));
    }

    #[test]
    fn a_second_handler_of_a_name_is_refused_naming_both() {
        let mut registry = Registry {
            entries: BTreeMap::new(),
        };
        let plugin = |name: &str| HandlerOrigin::Plugin {
            name: name.into(),
            version: "1".into(),
            digest: String::new(),
        };
        registry
            .add(entry("qa.x", HandlerOrigin::Native { file: "x.rs" }))
            .expect("the first");
        let error = registry
            .add(entry("qa.x", plugin("p")))
            .expect_err("the second")
            .to_string();
        assert!(
            error.contains("native (x.rs)") && error.contains("plugin p 1"),
            "{error}"
        );
        registry.add(entry("qa.y", plugin("a"))).expect("the first");
        let error = registry
            .add(entry("qa.y", plugin("b")))
            .expect_err("the second")
            .to_string();
        assert!(
            error.contains("plugin a") && error.contains("plugin b"),
            "{error}"
        );
    }

    #[test]
    fn a_name_needs_a_known_surface() {
        let mut registry = Registry {
            entries: BTreeMap::new(),
        };
        let long = format!("qa.{}", "x".repeat(65));
        for name in [
            "x",
            "nowhere.x",
            "qa.",
            "qa.a.b",
            "qa.A",
            "qa.a b",
            "qa.a\u{1b}",
            &long,
        ] {
            assert!(
                registry
                    .add(entry(name, HandlerOrigin::Native { file: "x.rs" }))
                    .is_err(),
                "{name}"
            );
        }
    }
}
