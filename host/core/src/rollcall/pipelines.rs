//! How the stages of a pipeline name each other: what they need, where they go, how often,
//! and what follows from their outcomes.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::{FirstMiss, LISTED, Miss, Reference, ReferenceKind, Referrer, RollScope, named};
use crate::pipeline::{FOLLOWS, Follow, Graph, Pipeline, Retry, Stage};
use crate::registry::nearest;
use crate::workspace::{Defined, Place};

/// One stage in its pipeline.
pub(super) struct Staged<'a> {
    pub(super) defined: &'a Defined<Pipeline>,
    pub(super) stage: &'a Stage,
    pub(super) graph: Rc<Graph<'a>>,
    /// Its number in the graph.
    pub(super) number: usize,
    index: String,
    /// Names of stages that are not there, as far as they were looked for.
    lost: Rc<Cell<usize>>,
}

impl<'a> Staged<'a> {
    pub(super) fn all(defined: &'a Defined<Pipeline>) -> impl Iterator<Item = Staged<'a>> {
        Self::in_graph(defined, Rc::new(Graph::of(&defined.value)))
    }

    pub(super) fn in_graph(
        defined: &'a Defined<Pipeline>,
        graph: Rc<Graph<'a>>,
    ) -> impl Iterator<Item = Staged<'a>> {
        let stages = defined.value.stages.iter().enumerate();
        let lost = Rc::new(Cell::new(0));
        stages.map(move |(number, stage)| Staged {
            lost: Rc::clone(&lost),
            defined,
            stage,
            graph: Rc::clone(&graph),
            number,
            index: number.to_string(),
        })
    }

    pub(super) fn at(&self, path: &[&str]) -> Place {
        self.defined.at(&[&["stage", &self.index], path].concat())
    }

    pub(super) fn reference(
        &self,
        key: &str,
        kind: ReferenceKind,
        target: impl Into<String>,
    ) -> Reference {
        let referrer = Referrer::stage(self.defined.value.name(), self.stage.id());
        let path: Vec<&str> = key.split('.').collect();
        Reference::new(referrer, key, kind, target).at(self.at(&path))
    }

    fn pipeline(&self) -> &'a Pipeline {
        &self.defined.value
    }

    /// Whether it is a stage or comes after it. Nothing comes after one that is not there.
    pub(super) fn is_behind(&self, id: &str) -> bool {
        let other = self.graph.number(id);
        other.is_some_and(|it| it == self.number || self.graph.is_after(self.number, it))
    }

    /// The first stage, of this one and those before it, that needs one that is not there: what
    /// comes before is not known then.
    pub(super) fn broken_need(&self) -> Option<FirstMiss> {
        broken_need(self.pipeline(), &self.graph, self.number)
    }

    /// The miss of a stage that is not there.
    pub(super) fn no_stage(&self, id: &str) -> Option<Miss> {
        if self.graph.number(id).is_some() {
            return None;
        }
        let pipeline = self.pipeline();
        let ids = || pipeline.stages.iter().map(Stage::id);
        let problem = format!("there is no stage `{id}`");
        self.lost.set(self.lost.get() + 1);
        // A person does not read so far, and each is compared with every stage.
        let near = (self.lost.get() <= LISTED).then(|| nearest(id, ids()));
        Some(match near.flatten() {
            Some(near) => Miss::new(problem, format!("write `{near}`")),
            None => Miss::new(
                problem,
                format!("name one of {}, or add the stage", named(ids())),
            ),
        })
    }
}

/// The first of a stage and those before it that needs one that is not there.
pub(super) fn broken_need(
    pipeline: &Pipeline,
    graph: &Graph<'_>,
    number: usize,
) -> Option<FirstMiss> {
    if let Some(broken) = graph.broken(number) {
        let referrer = Referrer::stage(pipeline.name(), pipeline.stages[broken].id());
        return Some(FirstMiss::new(referrer, "needs"));
    }
    if graph.circle().next().is_some() {
        return Some(FirstMiss::new(Referrer::pipeline(pipeline.name()), "needs"));
    }
    // What stands below the table of a configuration is part of that.
    let before = graph.above(number).chain([number]);
    let mut below = before.map(|it| &pipeline.stages[it]);
    let below = below.find(|stage| stage.config.get_ref().get("needs").is_some())?;
    let referrer = Referrer::stage(pipeline.name(), below.id());
    Some(FirstMiss::new(referrer, "config.needs"))
}

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for defined in scope.definitions.pipelines.values() {
        let graph = Rc::new(Graph::of(&defined.value));
        references.push(order(defined, &graph));
        for staged in Staged::in_graph(defined, graph) {
            references.extend(needs(&staged));
            references.extend(follows(&staged));
            references.extend(visits(&staged));
            references.extend(gate(&staged));
            references.extend(idle(&staged));
        }
    }
    references
}

fn order(defined: &Defined<Pipeline>, graph: &Graph<'_>) -> Reference {
    let pipeline = &defined.value;
    let circle: Vec<usize> = graph.circle().collect();
    let place = match circle.first() {
        Some(first) => defined.at(&["stage", &first.to_string(), "needs"]),
        None => defined.at(&["stage"]),
    };
    let miss = (!circle.is_empty()).then(|| {
        let ids = circle.iter().map(|number| pipeline.stages[*number].id());
        let problem = match circle.as_slice() {
            [own] => format!("stage `{}` needs itself", pipeline.stages[*own].id()),
            _ => format!("{} need each other in a circle", named(ids)),
        };
        Miss::new(problem, "remove one of their `needs`; to repeat a stage, write `on.<outcome> = \"goto:<stage>\"`")
    });
    Reference::new(
        Referrer::pipeline(pipeline.name()),
        "needs",
        ReferenceKind::Order,
        "every stage has its turn",
    )
    .at(place)
    .missed(miss)
}

fn needs(staged: &Staged<'_>) -> Vec<Reference> {
    let needs = staged.stage.needs.iter().enumerate();
    needs
        .map(|(index, need)| {
            let miss = staged.no_stage(need.get_ref());
            let place = staged.at(&["needs", &index.to_string()]);
            staged
                .reference("needs", ReferenceKind::Stage, need.get_ref())
                .at(place)
                .missed(miss)
        })
        .collect()
}

fn follows(staged: &Staged<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (outcome, follow) in &staged.stage.on {
        let key = format!("on.{outcome}");
        let miss = no_outcome(outcome).or_else(|| endless(outcome, follow.get_ref()));
        references.push(
            staged
                .reference(&key, ReferenceKind::Outcome, outcome)
                .missed(miss),
        );
        if let Follow::Goto(target) = follow.get_ref() {
            let miss = staged
                .no_stage(target)
                .or_else(|| aside(staged, target))
                .or_else(|| unbounded(staged, target));
            references.push(
                staged
                    .reference(&key, ReferenceKind::Stage, target)
                    .missed(miss),
            );
        }
    }
    references
}

/// The miss of a stage that sends the run to one it does not come after: nothing is gone to then,
/// and what needs the stage would go on as if it had been done, or a person had approved.
fn aside(staged: &Staged<'_>, target: &str) -> Option<Miss> {
    let (pipeline, id) = (staged.pipeline(), staged.stage.id());
    let kind = staged.stage.gate.as_ref().map_or("stage", |_| "gate");
    (!staged.is_behind(target)).then(|| {
        let problem = format!(
            "{kind} `{id}` does not come after stage `{target}`, so it would count as passed"
        );
        let before = staged.graph.above(staged.number);
        let mut before: Vec<&str> = before.map(|it| pipeline.stages[it].id()).collect();
        before.sort_unstable();
        let mend = match before.as_slice() {
            [] => "write `end`, `hold` or `fail`".to_owned(),
            _ => format!(
                "name one of {}, or write `end`, `hold` or `fail`",
                named(before)
            ),
        };
        Miss::new(problem, mend).because(staged.broken_need())
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
    let stage = |number: usize| &staged.pipeline().stages[number];
    let back = staged.is_behind(target);
    let visits = staged.graph.number(target).map(stage);
    let visits = visits.map_or(0, |stage| stage.max_visits);
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
            .reference("max_visits", ReferenceKind::Visits, "0")
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
        let problem =
            "`required` marks a verdict of a handler, and at a gate a person always decides";
        Some(Miss::new(problem, "remove `required`"))
    } else {
        None
    };
    Some(
        staged
            .reference("gate", ReferenceKind::Gate, question)
            .missed(miss),
    )
}

/// A key that a gate does not read: it waits for a person, however long that takes, and calls no
/// handler.
fn idle(staged: &Staged<'_>) -> Option<Reference> {
    let stage = staged.stage;
    stage.gate.as_ref()?;
    let outcomes = ["nothing-to-do", "deferred", "unavailable", "failed"];
    let outcome = outcomes.into_iter().find(|it| stage.on.contains_key(*it));
    let lapse = "write `expiry = { after = \"168h\", as = \"rejected\" }` if it is to lapse";
    let keys = [
        (stage.timeout.is_some().then_some("timeout"), lapse),
        (
            (stage.retry != Retry::default()).then_some("retry"),
            "remove it: a person decides once",
        ),
        (
            (!is_empty(stage.config.get_ref())).then_some("config"),
            "remove it: no handler reads it",
        ),
    ];
    let (key, mend) = keys
        .into_iter()
        .find_map(|(key, mend)| Some((key?.to_owned(), mend)))
        .or_else(|| {
            let mend = "remove it: a person says yes, which is `done`, or no, which is `rejected`";
            Some((format!("on.{}", outcome?), mend))
        })?;
    let miss = Miss::new(format!("a gate does not read `{key}`"), mend);
    let reference = staged.reference(&key, ReferenceKind::Key, &key);
    Some(reference.missed(Some(miss)))
}

fn is_empty(config: &Json) -> bool {
    config.as_object().is_some_and(Map::is_empty)
}
