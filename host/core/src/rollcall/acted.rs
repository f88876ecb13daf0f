//! What a run acts on is said by no plugin. The keys under which tenants keep what a run is about, and those
//! that name what a native handler of the pipeline acts on, are written by native handlers: a person who
//! says yes has seen one thing, and a key in other hands would have another one changed. So it is with what
//! a native handler goes by, such as what was judged; that is nothing to start a run with, either.

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
    let mut keys: BTreeMap<&str, String> = tenants::subjects()
        .map(|key| (key, "says what the run is about".to_owned()))
        .collect();
    for (staged, entry) in &stages {
        if entry.origin.plugin().is_none() {
            let why = format!("says what stage `{}` acts on", staged.stage.id());
            let named = entry.contract.needs.acts_on.iter();
            keys.extend(named.map(|key| (key.as_str(), why.clone())));
            let why = format!("stage `{}` goes by", staged.stage.id());
            let found = entry.contract.needs.goes_by.iter();
            keys.extend(found.map(|key| (key.as_str(), why.clone())));
        }
    }
    let written = stages.iter();
    let written = written.flat_map(|(staged, entry)| missed(staged, entry, &keys));
    written.chain(given(defined, &stages)).collect()
}

/// Inputs that a run would be started with in place of what its stages find out or judge.
fn given(defined: &Defined<Pipeline>, stages: &[(Staged<'_>, &HandlerEntry)]) -> Vec<Reference> {
    let inputs = defined.value.input.keys().filter_map(|key| {
        let goes_by = |entry: &HandlerEntry| entry.contract.needs.goes_by.contains(key);
        let (staged, _) = stages.iter().find(|(_, entry)| goes_by(entry))?;
        let problem = format!(
            "whoever starts a run would say `{key}`, which stage `{}` goes by",
            staged.stage.id()
        );
        let mend = format!("take `[input.{key}]` out, and have a stage before it write `{key}`");
        let referrer = Referrer::pipeline(defined.value.name());
        let reference = Reference::new(referrer, format!("input.{key}"), ReferenceKind::Input, key);
        let place = defined.at(&["input", key]);
        Some(reference.at(place).missed(Some(Miss::new(problem, mend))))
    });
    inputs.collect()
}

fn missed(
    staged: &Staged<'_>,
    entry: &HandlerEntry,
    keys: &BTreeMap<&str, String>,
) -> Vec<Reference> {
    let Some(plugin) = entry.origin.plugin() else {
        return Vec::new();
    };
    let writes = properties(&entry.contract.writes);
    let written = keys.iter().filter(|(key, _)| writes.contains_key(**key));
    let missed = written.map(|(key, why)| {
        let problem = format!("plugin `{plugin}` writes `{key}`, which {why}");
        let mend =
            format!("take the stage out, or have the plugin write under another key than `{key}`");
        let reference = staged.reference("handler", ReferenceKind::Key, *key);
        reference.missed(Some(Miss::new(problem, mend)))
    });
    missed.collect()
}
