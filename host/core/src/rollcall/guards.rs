//! Nothing is published past a guard: a rail that is required, or a gate. What a pipeline lets
//! happen is worked out from its edges, for every way that a run can take.

use std::collections::HashSet;
use std::rc::Rc;

use super::pipelines::Staged;
use super::{Cause, Miss, Reference, ReferenceKind, RollScope};
use crate::handler::Contract;
use crate::pipeline::{Breach, Follow, Graph, Pipeline, Stage, Way, breaches, ways_past};
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
    let contract = |stage: &Stage| {
        let entry = scope.registry.get(stage.handler.as_ref()?.get_ref())?;
        Some(&entry.contract)
    };
    let (mut references, mut told) = (Vec::new(), HashSet::new());
    for staged in &stages {
        let contract = contract(staged.stage);
        references.extend(contract.and_then(|contract| verdict(staged, contract)));
        if contract.is_some_and(Contract::publishes) {
            let breaches = breaches(&defined.value, &graph, staged.number);
            // A gate is missed once, however many publish behind it.
            let new =
                breaches.filter(|it| it.way == Way::Beside || told.insert((it.guard, it.way)));
            references.extend(new.filter_map(|breach| breached(&stages, breach)));
        }
    }
    references
}

/// A required rail gives a verdict on every call, and nothing waves a run past it.
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

/// A guard that a publication does not wait for, or a gate whose "no" leads to it. What passes over
/// a required rail is missed with the rail.
fn breached(stages: &[Staged<'_>], breach: Breach) -> Option<Reference> {
    let (guard, publishes) = (&stages[breach.guard], &stages[breach.publishes]);
    let (rail, post) = (guard.stage.id(), publishes.stage.id());
    if breach.way == Way::Beside {
        let problem = format!(
            "stage `{post}` publishes, and does not wait for the verdict of `{rail}`, which is required"
        );
        let mend = if guard.graph.is_after(breach.guard, breach.publishes) {
            format!(
                "let stage `{post}` need \"{rail}\", and stage `{rail}` nothing that comes after stage `{post}`"
            )
        } else {
            format!("add \"{rail}\" to the `needs` of stage `{post}`")
        };
        let miss = Miss::new(problem, mend).because(publishes.broken_need());
        let reference = publishes.reference("needs", ReferenceKind::Verdict, rail);
        return Some(reference.missed(Some(miss)));
    }
    guard.stage.gate.as_ref()?;
    let problem = format!(
        "the run goes on to stage `{post}`, which publishes, when {}",
        when(breach.way)
    );
    let key = match breach.way {
        Way::Outcome(outcome) => format!("on.{outcome}"),
        Way::Condition | Way::Beside => "when".to_owned(),
    };
    let miss = Miss::new(problem, instead(breach.way)).because(aside(guard, breach.way));
    let reference = guard.reference(&key, ReferenceKind::Gate, post);
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
fn aside(staged: &Staged<'_>, way: Way) -> Option<Cause> {
    let Way::Outcome(outcome) = way else {
        return None;
    };
    let target = match staged.stage.follow(outcome) {
        Follow::Goto(target) => target,
        _ => return None,
    };
    let key = format!("on.{outcome}");
    let reference = staged.reference(&key, ReferenceKind::Stage, &target);
    Some(Cause::new(reference.referrer, key).with_target(&target))
}
