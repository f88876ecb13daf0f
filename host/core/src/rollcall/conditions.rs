//! What decides whether and how a stage or a run goes on, besides outcomes: the keys of
//! conditions and limits, what a gate can have made anew, and when it lapses.

mod never;

use super::keys::KeyFlow;
use super::pipelines::{Staged, unbounded};
use super::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::pipeline::Pipeline;
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for defined in scope.definitions.pipelines.values() {
        let flow = KeyFlow::of(&defined.value, scope.registry);
        references.extend(limits(&flow, defined));
        for staged in Staged::all(defined) {
            references.extend(conditions(&flow, &staged));
            references.extend(parts(&staged));
            references.extend(expiry(&staged));
        }
    }
    references
}

/// The input key that limits are kept for, and limits that let nothing through.
fn limits(flow: &KeyFlow<'_>, defined: &Defined<Pipeline>) -> Vec<Reference> {
    let (pipeline, mut references) = (&defined.value, Vec::new());
    let referrer = Referrer::pipeline(pipeline.name());
    let limits = &pipeline.limits;
    if let Some(key) = &limits.key {
        let key = key.get_ref();
        let miss = (!pipeline.input.contains_key(key)).then(|| {
            let problem = format!("`{key}` is no input of the pipeline");
            let known = pipeline.input.keys().map(String::as_str).collect();
            flow.no_key(problem, key, &known)
        });
        let reference = Reference::new(&referrer, "limits.key", ReferenceKind::Input, key);
        references.push(reference.at(defined.at(&["limits", "key"])).missed(miss));
    }
    let idle = [
        (
            "key",
            limits.key.is_some() && limits.at_once.is_none() && limits.rate.is_none(),
            "at_once = 1",
        ),
        (
            "per",
            limits.per.is_some() && limits.rate.is_none(),
            "rate = 1",
        ),
    ];
    for (name, _, lacks) in idle.into_iter().filter(|(_, is_idle, _)| *is_idle) {
        let problem = format!("`{name}` alone limits nothing");
        let miss = Miss::new(problem, format!("add `{lacks}`, or remove it"));
        let key = format!("limits.{name}");
        let reference = Reference::new(&referrer, key, ReferenceKind::Limit, name);
        references.push(
            reference
                .at(defined.at(&["limits", name]))
                .missed(Some(miss)),
        );
    }
    for (name, limit) in [("at_once", limits.at_once), ("rate", limits.rate)] {
        let Some(limit) = limit else { continue };
        let miss = (limit == 0).then(|| {
            Miss::new(
                "no run would ever start",
                format!("write `{name} = 1` or more, or remove it"),
            )
        });
        let key = format!("limits.{name}");
        let reference = Reference::new(&referrer, key, ReferenceKind::Limit, limit.to_string());
        references.push(reference.at(defined.at(&["limits", name])).missed(miss));
    }
    references
}

/// A condition's key is input, or written by a stage before it; and it says something.
fn conditions(flow: &KeyFlow<'_>, staged: &Staged<'_>) -> Vec<Reference> {
    let conditions = staged.stage.when.iter().enumerate();
    conditions
        .map(|(index, condition)| {
            let key = condition.key.get_ref();
            let miss = if condition.is_empty() {
                let mend = "add `is`, `is_not`, `present`, `at_least` or `at_most`";
                Some(Miss::new("the condition says nothing", mend))
            } else if flow.is_absent(key, staged) {
                let problem = format!("`{key}` is no input, and no stage before writes it");
                let miss = flow.no_key(problem, key, &flow.keys_before(staged));
                Some(miss.because(staged.broken_need()))
            } else {
                never::holds(flow, staged, condition)
            };
            let place = staged.at(&["when", &index.to_string(), "key"]);
            let reference = staged.reference("when", ReferenceKind::Key, key);
            reference.at(place).missed(miss)
        })
        .collect()
}

/// The stages that make a gate's parts are there, before it, and may be visited again.
fn parts(staged: &Staged<'_>) -> Vec<Reference> {
    let parts = staged.stage.regenerate.iter();
    parts
        .map(|(part, target)| {
            let target = target.get_ref();
            let ahead = || {
                (!staged.is_behind(target)).then(|| {
                    let problem = format!("stage `{target}` is not before the gate");
                    let mend = "name a stage that the gate needs, directly or not";
                    Miss::new(problem, mend).because(staged.broken_need())
                })
            };
            let miss = no_gate(staged)
                .or_else(|| staged.no_stage(target))
                .or_else(ahead)
                .or_else(|| unbounded(staged, target));
            let key = format!("regenerate.{part}");
            staged
                .reference(&key, ReferenceKind::Stage, target)
                .missed(miss)
        })
        .collect()
}

fn expiry(staged: &Staged<'_>) -> Option<Reference> {
    let expiry = staged.stage.expiry?;
    let zero = expiry.after.0.is_zero().then(|| {
        let problem = "the gate lapses before anybody can decide";
        Miss::new(problem, "write `after = \"168h\"`, or remove `expiry`")
    });
    let reference = staged.reference("expiry", ReferenceKind::Time, expiry.after.to_string());
    Some(reference.missed(no_gate(staged).or(zero)))
}

pub(super) fn no_gate(staged: &Staged<'_>) -> Option<Miss> {
    staged.stage.gate.is_none().then(|| {
        let problem = "only a gate asks a person";
        Miss::new(problem, "remove it, or write `gate` instead of `handler`")
    })
}
