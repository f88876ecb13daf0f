//! What is published is what was judged. A publication reads keys, and so do the stages that write
//! them; each stage that writes one of these is before the gates and the required verdicts that the
//! publication comes after, or what they said yes to is another text than the one that goes out. So it
//! is with the judges that a stage adds up: what it hands on is what they judged.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::keys::{KeyFlow, properties};
use super::pipelines::Staged;
use super::{Miss, Reference, ReferenceKind, RollScope};
use crate::handler::{Contract, JUDGES, OUTCOMES};
use crate::pipeline::{Graph, Pipeline};
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let pipelines = scope.definitions.pipelines.values();
    pipelines.flat_map(|it| judged(scope, it)).collect()
}

/// A stage, and what its handler says of itself; a gate has no handler.
struct KnownStage<'a> {
    staged: Staged<'a>,
    contract: Option<&'a Contract>,
    is_native: bool,
}

impl KnownStage<'_> {
    fn id(&self) -> &str {
        self.staged.stage.id()
    }

    fn is_guard(&self) -> bool {
        self.staged.stage.required || self.staged.stage.gate.is_some()
    }

    fn reads(&self) -> BTreeSet<&str> {
        let schema = self.contract.map(|contract| &contract.reads);
        let keys = schema.into_iter().flat_map(|it| properties(it).keys());
        keys.map(String::as_str).collect()
    }

    /// Whether its verdict counts for a stage that reads what came of those that it needs.
    fn is_heard_by(&self, other: &KnownStage<'_>) -> bool {
        let (Some(own), Some(theirs)) = (self.contract, other.contract) else {
            return false;
        };
        let named = || theirs.verdicts(other.staged.stage.config.get_ref());
        other.reads().contains(OUTCOMES)
            && other.staged.stage.needed().any(|need| need == self.id())
            && (own.surface() == JUDGES || named().iter().any(|it| it == self.id()))
    }

    /// Whether what it writes says what it published, which a guard before it said yes to.
    fn tells_what_it_published(&self, guard: &KnownStage<'_>) -> bool {
        let publishes = self.contract.is_some_and(Contract::publishes);
        let graph = &self.staged.graph;
        self.is_native && publishes && graph.is_after(self.staged.number, guard.staged.number)
    }

    fn writes(&self, key: &str) -> bool {
        let contract = self.contract;
        contract.is_some_and(|it| properties(&it.writes).contains_key(key))
    }
}

fn judged(scope: &RollScope<'_>, defined: &Defined<Pipeline>) -> Vec<Reference> {
    let graph = Rc::new(Graph::of(&defined.value));
    if graph.circle().next().is_some() {
        return Vec::new();
    }
    let stages = Staged::in_graph(defined, Rc::clone(&graph)).map(|staged| {
        let handler = staged.stage.handler.as_ref();
        let entry = handler.and_then(|name| scope.registry.get(name.get_ref()));
        let contract = entry.map(|entry| &entry.contract);
        KnownStage {
            staged,
            contract,
            is_native: entry.is_some_and(|entry| entry.origin.plugin().is_none()),
        }
    });
    let stages: Vec<KnownStage<'_>> = stages.collect();
    let lacking = KeyFlow::of(&defined.value, scope.registry).lacking(&graph);
    let publishes = |it: &&KnownStage<'_>| it.contract.is_some_and(Contract::publishes);
    let mut told = BTreeSet::new();
    let mut references = Vec::new();
    for publication in stages.iter().filter(publishes) {
        for guard in stages.iter().filter(|guard| guard.is_guard()) {
            if graph.is_after(publication.staged.number, guard.staged.number) {
                let keys = seen(&stages, publication, guard);
                references.extend(rewritten(&stages, publication, guard, keys, &mut told));
            }
        }
    }
    for addition in &stages {
        for judge in stages.iter().filter(|judge| judge.is_heard_by(addition)) {
            let mut keys = seen(&stages, addition, judge);
            // Whoever writes a text itself says nothing of the one that it hands on.
            keys.retain(|key| !judge.writes(key));
            references.extend(rewritten(&stages, addition, judge, keys, &mut told));
        }
    }
    let known = |id: &str| graph.number(id);
    references
        .into_iter()
        .map(|(writer, reference)| {
            let mut reference: Reference = reference;
            let miss = reference.miss.take();
            let guard = known(&reference.target);
            let first = guard.and_then(|guard| lacking.explains(&graph, guard, writer));
            reference.missed(miss.map(|miss| miss.because(first)))
        })
        .collect()
}

/// The keys of what an end hands on that a guard says something of.
fn seen<'k>(
    stages: &'k [KnownStage<'_>],
    end: &'k KnownStage<'_>,
    guard: &KnownStage<'_>,
) -> BTreeSet<&'k str> {
    // A person sees all that goes out; a handler judges what it reads, of which a stage behind it may
    // make what goes out.
    let mut keys = end.reads();
    if guard.staged.stage.gate.is_none() {
        let seen = guard.reads();
        keys = sources(stages, keys, guard);
        keys.retain(|key| seen.contains(key));
    }
    keys
}

/// The stages that write some keys of what an end hands on, a publication or what adds up judges, and that
/// a guard before it does not come after. Each is told of once.
fn rewritten(
    stages: &[KnownStage<'_>],
    end_stage: &KnownStage<'_>,
    guard: &KnownStage<'_>,
    keys: BTreeSet<&str>,
    told: &mut BTreeSet<usize>,
) -> Vec<(usize, Reference)> {
    let (graph, at, end) = (
        &end_stage.staged.graph,
        guard.staged.number,
        end_stage.staged.number,
    );
    let others = stages.iter().filter(|it| {
        let number = it.staged.number;
        let beside = !graph.is_after(at, number) && !graph.is_after(number, end);
        number != at && number != end && beside && !it.tells_what_it_published(guard)
    });
    let mut found = Vec::new();
    for writer in others {
        let key = keys.iter().find(|key| writer.writes(key));
        if let Some(key) = key.filter(|_| told.insert(writer.staged.number)) {
            let number = writer.staged.number;
            found.push((number, missed(writer, key, end_stage, guard)));
        }
    }
    found
}

/// Keys, and those from which the stages that a guard does not wait for make them.
fn sources<'k>(
    stages: &'k [KnownStage<'_>],
    mut keys: BTreeSet<&'k str>,
    guard: &KnownStage<'_>,
) -> BTreeSet<&'k str> {
    let graph = &guard.staged.graph;
    let behind = |it: &&KnownStage<'_>| !graph.is_after(guard.staged.number, it.staged.number);
    loop {
        let makers = stages.iter().filter(behind);
        let makers = makers.filter(|maker| keys.iter().any(|key| maker.writes(key)));
        let read: BTreeSet<_> = makers.flat_map(KnownStage::reads).collect();
        let before = keys.len();
        keys.extend(read);
        if keys.len() == before {
            return keys;
        }
    }
}

fn missed(
    writer: &KnownStage<'_>,
    key: &str,
    end: &KnownStage<'_>,
    guard: &KnownStage<'_>,
) -> Reference {
    let (writer_id, end_id, guard_id) = (writer.id(), end.id(), guard.id());
    let passes = match end.contract {
        Some(contract) if contract.publishes() => "publishes",
        _ => "hands on",
    };
    let said = if guard.staged.stage.gate.is_some() {
        format!("was approved at `{guard_id}`")
    } else {
        format!("`{guard_id}` judged")
    };
    let problem = format!(
        "it writes `{key}`, which stage `{end_id}` {passes}, and what {said} was another one"
    );
    let mend = if guard.is_heard_by(writer) && guard.staged.stage.required {
        // What adds up its verdict comes after it, and goes by it.
        format!(
            "remove `required` from stage `{guard_id}`, and let the `config.required` of stage `{writer_id}` name it"
        )
    } else if writer
        .staged
        .graph
        .is_after(writer.staged.number, guard.staged.number)
    {
        format!("let it come before stage `{guard_id}`, which then needs \"{writer_id}\"")
    } else {
        format!("add \"{writer_id}\" to the `needs` of stage `{guard_id}`")
    };
    let reference = writer
        .staged
        .reference("handler", ReferenceKind::Verdict, guard_id);
    let broken = guard
        .staged
        .broken_need()
        .or_else(|| end.staged.broken_need());
    reference.missed(Some(Miss::new(problem, mend).because(broken)))
}
