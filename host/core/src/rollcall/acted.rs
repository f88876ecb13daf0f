//! What a run acts on is said by no plugin. The keys under which tenants keep what a run is about, and those
//! that name what a native handler of the pipeline acts on, are written by native handlers: a person who
//! says yes has seen one thing, and a key in other hands would have another one changed. So it is with what
//! a native handler goes by, such as what was judged; that is nothing to start a run with, either. What a handler
//! reads of its own earlier visit is nobody else's to write, native or not.

use std::collections::BTreeMap;

use super::keys::properties;
use super::pipelines::Staged;
use super::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::pipeline::Pipeline;
use crate::registry::HandlerEntry;
use crate::store::tenants;
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let pipelines = scope.definitions.pipelines.values();
    pipelines.flat_map(|it| written(scope, it)).collect()
}

/// The stages of plugins that write such a key.
fn written(scope: &RollScope<'_>, defined: &Defined<Pipeline>) -> Vec<Reference> {
    let stages = Staged::all(defined).filter_map(|staged| {
        let name = staged.stage.handler.as_ref()?.get_ref();
        Some((staged, scope.registry.get(name)?))
    });
    let stages: Vec<(Staged<'_>, &HandlerEntry)> = stages.collect();
    let keys = closed(&stages);
    let written = stages.iter();
    let written = written.flat_map(|(staged, entry)| missed(staged, entry, &keys));
    written.chain(given(defined, &stages)).collect()
}

/// A key that is not open to everybody.
struct Closed<'a> {
    why: String,
    /// The handler whose own it is; without one it is closed to plugins alone.
    owner: Option<&'a str>,
}

impl Closed<'_> {
    fn is_to(&self, entry: &HandlerEntry) -> bool {
        match self.owner {
            Some(owner) => entry.contract.name != owner,
            None => entry.origin.plugin().is_some(),
        }
    }
}

/// The keys that are closed, with the first reason that weighs most.
fn closed<'a>(stages: &[(Staged<'_>, &'a HandlerEntry)]) -> BTreeMap<&'a str, Closed<'a>> {
    let subjects = tenants::subjects().map(|key| {
        let why = "says what the run is about".to_owned();
        (key, Closed { why, owner: None })
    });
    let mut keys: BTreeMap<&str, Closed<'_>> = subjects.collect();
    for (staged, entry) in stages {
        let (needs, id) = (&entry.contract.needs, staged.stage.id());
        if entry.origin.plugin().is_none() {
            let acts = (&needs.acts_on, format!("says what stage `{id}` acts on"));
            let goes = (&needs.goes_by, format!("stage `{id}` goes by"));
            for (named, why) in [acts, goes] {
                let closed = named.iter().map(|key| {
                    let why = why.clone();
                    (key.as_str(), Closed { why, owner: None })
                });
                keys.extend(closed);
            }
        }
    }
    for (staged, entry) in stages {
        let owner = Some(entry.contract.name.as_str());
        let why = format!(
            "stage `{}` reads as it wrote it itself on an earlier visit",
            staged.stage.id()
        );
        for key in &entry.contract.needs.own {
            let why = why.clone();
            let closed = Closed { why, owner };
            match entry.origin.plugin() {
                None => {
                    keys.insert(key, closed);
                }
                // Nothing is opened to a plugin by its calling it its own.
                Some(_) => {
                    keys.entry(key).or_insert(closed);
                }
            }
        }
    }
    keys
}

/// Inputs that a run would be started with in place of what its stages find out or judge.
fn given(defined: &Defined<Pipeline>, stages: &[(Staged<'_>, &HandlerEntry)]) -> Vec<Reference> {
    let inputs = defined.value.input.keys().filter_map(|key| {
        let own = |entry: &HandlerEntry| entry.contract.needs.own.contains(key);
        let goes_by = |entry: &HandlerEntry| entry.contract.needs.goes_by.contains(key);
        let mut known = stages.iter();
        let (staged, entry) = known.find(|(_, entry)| own(entry) || goes_by(entry))?;
        let id = staged.stage.id();
        let (why, instead) = if own(entry) {
            let why = format!("stage `{id}` reads as it wrote it itself on an earlier visit");
            (why, String::new())
        } else {
            let instead = format!(", and have a stage before it write `{key}`");
            (format!("stage `{id}` goes by"), instead)
        };
        let problem = format!("whoever starts a run would say `{key}`, which {why}");
        let mend = format!("take `[input.{key}]` out{instead}");
        let referrer = Referrer::pipeline(defined.value.name());
        let reference = Reference::new(referrer, format!("input.{key}"), ReferenceKind::Input, key);
        let place = defined.at(&["input", key]);
        Some(reference.at(place).missed(Some(Miss::new(problem, mend))))
    });
    inputs.collect()
}

/// The misses of a stage that writes keys which are closed to it.
fn missed(
    staged: &Staged<'_>,
    entry: &HandlerEntry,
    keys: &BTreeMap<&str, Closed<'_>>,
) -> Vec<Reference> {
    let writes = properties(&entry.contract.writes);
    let written = keys.iter().filter(|(key, _)| writes.contains_key(**key));
    let closed = written.filter(|(_, closed)| closed.is_to(entry));
    let missed = closed.map(|(key, Closed { why, .. })| {
        let (writer, mend) = match entry.origin.plugin() {
            Some(plugin) => (
                format!("plugin `{plugin}`"),
                format!(
                    "take the stage out, or have the plugin write under another key than `{key}`"
                ),
            ),
            None => (
                format!("`{}`", entry.contract.name),
                "take one of the two stages out".to_owned(),
            ),
        };
        let problem = format!("{writer} writes `{key}`, which {why}");
        let reference = staged.reference("handler", ReferenceKind::Key, *key);
        reference.missed(Some(Miss::new(problem, mend)))
    });
    missed.collect()
}
