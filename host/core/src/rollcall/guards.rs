//! Nothing is published past a guard: a stage whose verdict is required, or a gate; and what may be handed
//! on with a flag not without a person. What a pipeline lets happen is worked out from its edges, for every
//! way that a run can take.

use std::collections::HashSet;
use std::rc::Rc;

use super::pipelines::Staged;
use super::{FirstMiss, Miss, Reference, ReferenceKind, RollScope};
use crate::handler::Contract;
use crate::pipeline::{Breach, Follow, Graph, Lapse, Pipeline, Stage, Way, breaches, ways_past};
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let pipelines = scope.definitions.pipelines.values();
    pipelines
        .flat_map(|defined| guarded(scope, defined))
        .collect()
}

fn guarded(scope: &RollScope<'_>, defined: &Defined<Pipeline>) -> Vec<Reference> {
    let graph = Rc::new(Graph::of(&defined.value));
    if graph.circle().next().is_some() {
        return Vec::new();
    }
    let stages: Vec<Staged<'_>> = Staged::in_graph(defined, Rc::clone(&graph)).collect();
    let contract_of = |stage: &Stage| {
        let entry = scope.registry.get(stage.handler.as_ref()?.get_ref())?;
        Some(&entry.contract)
    };
    let (mut references, mut told) = (Vec::new(), HashSet::new());
    for staged in &stages {
        let contract = contract_of(staged.stage);
        references.extend(contract.and_then(|contract| verdict(staged, contract)));
        references.extend(
            contract
                .into_iter()
                .flat_map(|it| counted(&stages, staged, it)),
        );
        if contract.is_some_and(Contract::publishes) {
            let breaches = breaches(&defined.value, &graph, staged.number);
            // A gate is missed once, however many publish behind it.
            let new =
                breaches.filter(|it| it.way == Way::Beside || told.insert((it.guard, it.way)));
            references.extend(new.filter_map(|breach| breached(&stages, breach)));
            let may_flag = |it: &&Staged<'_>| contract_of(it.stage).is_some_and(|it| it.may_flag);
            let flagging = stages.iter().filter(may_flag);
            references.extend(flagging.filter_map(|it| unasked(&stages, it, staged)));
        }
    }
    references
}

/// A stage that is required gives a verdict on every call, and nothing waves a run past it.
fn verdict(staged: &Staged<'_>, contract: &Contract) -> Option<Reference> {
    let stage = Some(staged.stage).filter(|stage| stage.required)?;
    let name = &contract.name;
    let way = ways_past(stage, &staged.graph, staged.number)
        .into_iter()
        .next();
    let miss = if contract.always_gives_a_verdict {
        way.map(|way| {
            let problem = format!(
                "its verdict is required, and passed over when {}",
                when(way)
            );
            let mend = format!("{}, or remove `required = true`", instead(way));
            Miss::new(problem, mend).because(aside(staged, way))
        })
    } else {
        let problem = format!("handler `{name}` does not give a verdict on every call");
        let mend = "remove `required = true`, or name a handler that always decides";
        Some(Miss::new(problem, mend))
    };
    let reference = staged.reference("required", ReferenceKind::Verdict, name);
    Some(reference.missed(miss))
}

/// The stages whose verdicts another one counts: one with a condition may never be asked.
fn counted(stages: &[Staged<'_>], counts: &Staged<'_>, contract: &Contract) -> Vec<Reference> {
    let named = contract.verdicts(counts.stage.config.get_ref());
    let stages = stages.iter().filter(|it| {
        let is_named = named.iter().any(|name| name == it.stage.id());
        // What is required by itself is missed with that.
        is_named && !it.stage.required
    });
    let references = stages.map(|staged| {
        let counts = counts.stage.id();
        let miss = (!staged.stage.when.is_empty()).then(|| {
            let how = when(Way::Condition);
            let problem =
                format!("stage `{counts}` requires its verdict, and it is not asked when {how}");
            let mend = format!(
                "{}, or its name from the configuration of stage `{counts}`",
                instead(Way::Condition)
            );
            Miss::new(problem, mend)
        });
        staged
            .reference("when", ReferenceKind::Verdict, counts)
            .missed(miss)
    });
    references.collect()
}

/// What a stage may hand on with a flag is published after a person was asked, and not otherwise.
fn unasked(
    stages: &[Staged<'_>],
    flagging: &Staged<'_>,
    publishes: &Staged<'_>,
) -> Option<Reference> {
    let graph = &publishes.graph;
    if !graph.is_after(publishes.number, flagging.number) {
        return None;
    }
    let mut gates = stages.iter().filter(|it| {
        it.stage.gate.is_some()
            && graph.is_after(publishes.number, it.number)
            && graph.is_after(it.number, flagging.number)
    });
    let lapses = |gate: &Staged<'_>| {
        let expiry = gate.stage.expiry.as_ref();
        expiry.is_some_and(|it| it.lapse == Lapse::Approved)
    };
    let (flags, target) = (flagging.stage.id(), publishes.stage.id());
    let lapsing = gates.clone().find(|gate| lapses(gate));
    let miss = gates.all(lapses).then(|| {
        let problem = format!(
            "it may hand on with a flag what was rejected, and stage `{target}` publishes that with nobody asked"
        );
        let mend = match lapsing {
            Some(gate) => format!("write `as = \"rejected\"` in the `expiry` of stage `{}`", gate.stage.id()),
            None => format!(
                "add a stage with `gate = \"…\"` and `needs = [\"{flags}\"]`, and its id to the `needs` of stage `{target}`"
            ),
        };
        Miss::new(problem, mend).because(publishes.broken_need())
    });
    let reference = flagging.reference("handler", ReferenceKind::Gate, target);
    Some(reference.missed(miss))
}

/// A guard that a publication does not wait for, or a gate whose "no" leads to it. What passes over
/// a required stage is missed with that stage.
fn breached(stages: &[Staged<'_>], breach: Breach) -> Option<Reference> {
    let (guard, publishes) = (&stages[breach.guard], &stages[breach.publishes]);
    let (required, target) = (guard.stage.id(), publishes.stage.id());
    if breach.way == Way::Beside {
        let problem = format!(
            "stage `{target}` publishes, and does not wait for the verdict of `{required}`, which is required"
        );
        let mend = if guard.graph.is_after(breach.guard, breach.publishes) {
            format!(
                "let stage `{target}` need \"{required}\", and stage `{required}` nothing that comes after stage `{target}`"
            )
        } else {
            format!("add \"{required}\" to the `needs` of stage `{target}`")
        };
        let miss = Miss::new(problem, mend).because(publishes.broken_need());
        let reference = publishes.reference("needs", ReferenceKind::Verdict, required);
        return Some(reference.missed(Some(miss)));
    }
    guard.stage.gate.as_ref()?;
    let problem = format!(
        "the run goes on to stage `{target}`, which publishes, when {}",
        when(breach.way)
    );
    let key = match breach.way {
        Way::Outcome(outcome) => format!("on.{outcome}"),
        Way::Condition | Way::Beside => "when".to_owned(),
    };
    let miss = Miss::new(problem, instead(breach.way)).because(aside(guard, breach.way));
    let reference = guard.reference(&key, ReferenceKind::Gate, target);
    Some(reference.missed(Some(miss)))
}

/// When a run takes a way past a guard, in words.
fn when(way: Way) -> String {
    match way {
        Way::Condition => "its condition does not hold".to_owned(),
        Way::Outcome(outcome) => format!("it is {outcome}"),
        Way::Beside => "nobody waits for it".to_owned(),
    }
}

/// What closes a way past a guard.
fn instead(way: Way) -> String {
    match way {
        Way::Outcome(outcome @ ("unavailable" | "deferred")) => {
            format!("write `on.{outcome} = \"hold\"` or `\"fail\"`")
        }
        Way::Outcome(outcome) => format!(
            "write `on.{outcome} = \"end\"`, `\"fail\"`, or `\"goto:STAGE\"` with a stage before it"
        ),
        Way::Condition | Way::Beside => "remove its `when`".to_owned(),
    }
}

/// A `goto` to a stage that the guard does not come after is missed by itself.
fn aside(staged: &Staged<'_>, way: Way) -> Option<FirstMiss> {
    let Way::Outcome(outcome) = way else {
        return None;
    };
    let Follow::Goto(target) = staged.stage.follow(outcome) else {
        return None;
    };
    let key = format!("on.{outcome}");
    let reference = staged.reference(&key, ReferenceKind::Stage, &target);
    Some(FirstMiss::new(reference.referrer, key).with_target(&target))
}
