//! How the stages of a pipeline name each other: what they need, where they go, how often,
//! and what follows from their outcomes.

use std::collections::BTreeSet;

use super::{Cause, Kind, Miss, Reference, Referrer, Roster, named};
use crate::pipeline::{FOLLOWS, Follow, Pipeline, Stage};
use crate::registry::{Registry, nearest};
use crate::workspace::{Defined, Place};

/// One stage in its pipeline.
pub(super) struct Staged<'a> {
    pub(super) defined: &'a Defined<Pipeline>,
    pub(super) stage: &'a Stage,
    index: String,
}

impl<'a> Staged<'a> {
    pub(super) fn all(defined: &'a Defined<Pipeline>) -> impl Iterator<Item = Staged<'a>> {
        let stages = defined.value.stages.iter().enumerate();
        stages.map(move |(index, stage)| Staged {
            defined,
            stage,
            index: index.to_string(),
        })
    }

    pub(super) fn at(&self, path: &[&str]) -> Place {
        self.defined.at(&[&["stage", &self.index], path].concat())
    }

    pub(super) fn reference(&self, key: &str, kind: Kind, target: impl Into<String>) -> Reference {
        let referrer = Referrer::stage(self.defined.value.name(), self.stage.id());
        let path: Vec<&str> = key.split('.').collect();
        Reference::new(referrer, key, kind, target).at(self.at(&path))
    }

    fn pipeline(&self) -> &'a Pipeline {
        &self.defined.value
    }

    /// The input keys, and those that stages before write; `None` if one of them names no known
    /// handler, so that nobody knows.
    pub(super) fn keys_before(&self, registry: &'a Registry) -> Option<BTreeSet<&'a str>> {
        let pipeline = self.pipeline();
        let mut keys: BTreeSet<&str> = pipeline.input.keys().map(String::as_str).collect();
        for id in upstream(pipeline, self.stage.id()) {
            let stage = pipeline.stage(id);
            if let Some(handler) = stage.and_then(|stage| stage.handler.as_ref()) {
                let contract = &registry.get(handler.get_ref())?.contract;
                let written = contract.writes["properties"].as_object();
                keys.extend(written.into_iter().flatten().map(|(key, _)| key.as_str()));
            }
        }
        Some(keys)
    }
}

/// The first stage, of this one and those before it, that needs one that is not there: what
/// comes before is not known then.
pub(super) fn broken_need(pipeline: &Pipeline, id: &str) -> Option<Cause> {
    let before = upstream(pipeline, id);
    let mut stages = pipeline.stages.iter();
    let broken = stages.find(|stage| {
        let concerned = stage.id() == id || before.contains(stage.id());
        concerned && stage.needed().any(|need| pipeline.stage(need).is_none())
    })?;
    let referrer = Referrer::stage(pipeline.name(), broken.id());
    Some(Cause::new(referrer, "needs"))
}

/// Every stage that `id` needs, directly or not.
pub(super) fn upstream<'a>(pipeline: &'a Pipeline, id: &str) -> BTreeSet<&'a str> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = pipeline
        .stage(id)
        .into_iter()
        .flat_map(Stage::needed)
        .collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(pipeline.stage(next).into_iter().flat_map(Stage::needed));
        }
    }
    reached
}

pub(super) fn list(roster: &Roster<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for defined in roster.definitions.pipelines.values() {
        references.push(order(defined));
        for staged in Staged::all(defined) {
            references.extend(needs(&staged));
            references.extend(follows(&staged));
            references.extend(visits(&staged));
            references.extend(gate(&staged));
            references.extend(verdict(roster.registry, &staged));
        }
    }
    references
}

fn order(defined: &Defined<Pipeline>) -> Reference {
    let pipeline = &defined.value;
    let ids = pipeline.stages.iter().map(Stage::id);
    let circle: Vec<&str> = ids
        .filter(|id| upstream(pipeline, id).contains(id))
        .collect();
    let first = Staged::all(defined).find(|staged| circle.first() == Some(&staged.stage.id()));
    let place = first.map_or_else(|| defined.at(&["stage"]), |staged| staged.at(&["needs"]));
    let miss = (!circle.is_empty()).then(|| {
        let problem = match circle.as_slice() {
            [own] => format!("stage `{own}` needs itself"),
            circle => format!("{} need each other in a circle", named(circle.iter().copied())),
        };
        Miss::new(problem, "remove one of their `needs`; to repeat a stage, write `on.<outcome> = \"goto:<stage>\"`")
    });
    Reference::new(
        Referrer::pipeline(pipeline.name()),
        "needs",
        Kind::Order,
        "every stage has its turn",
    )
    .at(place)
    .missed(miss)
}

fn needs(staged: &Staged<'_>) -> Vec<Reference> {
    let needs = staged.stage.needs.iter().enumerate();
    needs
        .map(|(index, need)| {
            let miss = no_stage(staged.pipeline(), need.get_ref());
            let place = staged.at(&["needs", &index.to_string()]);
            staged
                .reference("needs", Kind::Stage, need.get_ref())
                .at(place)
                .missed(miss)
        })
        .collect()
}

/// The miss of a stage that is not there.
pub(super) fn no_stage(pipeline: &Pipeline, id: &str) -> Option<Miss> {
    if pipeline.stage(id).is_some() {
        return None;
    }
    let ids = || pipeline.stages.iter().map(Stage::id);
    let problem = format!("there is no stage `{id}`");
    Some(match nearest(id, ids()) {
        Some(near) => Miss::new(problem, format!("write `{near}`")),
        None => Miss::new(
            problem,
            format!("name one of {}, or add the stage", named(ids())),
        ),
    })
}

fn follows(staged: &Staged<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (outcome, follow) in &staged.stage.on {
        let key = format!("on.{outcome}");
        let miss = no_outcome(outcome).or_else(|| endless(outcome, follow.get_ref()));
        references.push(staged.reference(&key, Kind::Outcome, outcome).missed(miss));
        if let Follow::Goto(target) = follow.get_ref() {
            let miss = no_stage(staged.pipeline(), target)
                .or_else(|| aside(staged, target))
                .or_else(|| unbounded(staged, target));
            references.push(staged.reference(&key, Kind::Stage, target).missed(miss));
        }
    }
    references
}

/// The miss of a gate that sends the run to a stage it does not come after: what needs the gate
/// would go on as if somebody had approved.
fn aside(staged: &Staged<'_>, target: &str) -> Option<Miss> {
    let (pipeline, id) = (staged.pipeline(), staged.stage.id());
    let passes = staged.stage.gate.is_some() && !pipeline.downstream(target).contains(id);
    passes.then(|| {
        let problem = format!(
            "gate `{id}` does not come after stage `{target}`, so it would count as passed"
        );
        let before = upstream(pipeline, id);
        let miss = Miss::new(problem, format!("name one of {}", named(before)));
        miss.because(broken_need(pipeline, id))
    })
}

fn no_outcome(outcome: &str) -> Option<Miss> {
    let names = || FOLLOWS.iter().map(|(name, _)| *name);
    if names().any(|name| name == outcome) {
        return None;
    }
    let problem = format!("no handler reports `{outcome}`");
    Some(match nearest(outcome, names()) {
        Some(near) => Miss::new(problem, format!("write `on.{near}`")),
        None => Miss::new(problem, format!("name one of {}", named(names()))),
    })
}

fn endless(outcome: &str, follow: &Follow) -> Option<Miss> {
    (outcome == "done" && *follow == Follow::Hold).then(|| {
        let problem = "a stage that is done and held would repeat for ever";
        Miss::new(problem, "write `on.done = \"continue\"` or `\"end\"`")
    })
}

/// The miss of a way back without a bound.
pub(super) fn unbounded(staged: &Staged<'_>, target: &str) -> Option<Miss> {
    let pipeline = staged.pipeline();
    let back = pipeline.downstream(target).contains(staged.stage.id());
    let visits = pipeline.stage(target).map_or(0, |stage| stage.max_visits);
    (back && visits < 2).then(|| {
        let problem =
            format!("stage `{target}` may be visited once only, so nothing can go back to it");
        Miss::new(problem, format!("add `max_visits = 3` to stage `{target}`"))
    })
}

fn visits(staged: &Staged<'_>) -> Option<Reference> {
    let visits = staged.stage.max_visits;
    let miss = Miss::new(
        "a stage that may never be visited never runs",
        "write `max_visits = 1`, or remove it",
    );
    (visits == 0).then(|| {
        staged
            .reference("max_visits", Kind::Visits, "0")
            .missed(Some(miss))
    })
}

fn gate(staged: &Staged<'_>) -> Option<Reference> {
    let question = staged.stage.gate.as_ref()?.get_ref();
    let miss = if question.trim().is_empty() {
        Some(Miss::new(
            "the gate asks nothing",
            "write `gate = \"<what a person is to decide>\"`",
        ))
    } else if staged.stage.required {
        let problem = "`required` marks a rail, and a gate is none: a person always decides";
        Some(Miss::new(problem, "remove `required`"))
    } else {
        None
    };
    Some(staged.reference("gate", Kind::Gate, question).missed(miss))
}

/// A required rail gives a verdict on every call, and nothing waves a draft past it.
fn verdict(registry: &Registry, staged: &Staged<'_>) -> Option<Reference> {
    let handler = staged
        .stage
        .handler
        .as_ref()
        .filter(|_| staged.stage.required)?;
    let entry = registry.get(handler.get_ref())?;
    let passed = ["unavailable", "failed"].into_iter().find(|outcome| {
        matches!(
            staged.stage.follow(outcome),
            Follow::Skip | Follow::Continue
        )
    });
    let miss = if !entry.contract.always_gives_a_verdict {
        let problem = format!(
            "handler `{}` does not give a verdict on every call",
            handler.get_ref()
        );
        Some(Miss::new(
            problem,
            "remove `required = true`, or name a rail that always decides",
        ))
    } else if let Some(outcome) = passed {
        let problem = format!("the rail is required, and passed over when it is {outcome}");
        Some(Miss::new(
            problem,
            format!("write `on.{outcome} = \"hold\"` or `\"fail\"`, or remove `required = true`"),
        ))
    } else {
        None
    };
    Some(
        staged
            .reference("required", Kind::Verdict, handler.get_ref())
            .missed(miss),
    )
}
