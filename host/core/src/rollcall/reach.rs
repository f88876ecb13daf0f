//! A run can come to an end: a terminal stage is reachable, no stage waits for ever, and none is left out
//! because all went well before it.

use std::rc::Rc;

use super::pipelines::Staged;
use super::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::pipeline::{FOLLOWS, Follow, Graph, Pipeline, Stage};
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let pipelines = scope.definitions.pipelines.values();
    pipelines.flat_map(reachable).collect()
}

fn reachable(defined: &Defined<Pipeline>) -> Vec<Reference> {
    let pipeline = &defined.value;
    let graph = Rc::new(Graph::of(pipeline));
    if graph.circle().next().is_some() {
        return Vec::new();
    }
    let reached = reached(pipeline, &graph);
    let mut references = vec![terminal(defined, &graph, &reached)];
    let dependents = graph.dependents();
    for staged in Staged::in_graph(defined, Rc::clone(&graph)) {
        let waits = dependents[staged.number].first();
        references.extend(waits.and_then(|it| cut_off(&staged, &pipeline.stages[*it])));
        if reached[staged.number] {
            continue;
        }
        // Only the stage that stops is named, not again in every stage after it.
        let stops = |need: &&str| {
            let number = graph.number(need);
            number.is_some_and(|need| reached[need] && !passes(&pipeline.stages[need]))
        };
        let Some(blocking) = staged.stage.needed().find(stops) else {
            continue;
        };
        let problem = format!(
            "stage `{}` never runs: `{blocking}` never lets it",
            staged.stage.id()
        );
        let mend =
            format!("write `on.done = \"continue\"` in stage `{blocking}`, or remove the need");
        let reference = staged.reference("needs", ReferenceKind::Terminal, staged.stage.id());
        references.push(reference.missed(Some(Miss::new(problem, mend))));
    }
    references
}

/// A stage that ends the run when it is done, so that another comes after it only if it is not. What never
/// lets another run is told with that one.
fn cut_off(staged: &Staged<'_>, waits: &Stage) -> Option<Reference> {
    let ends = matches!(staged.stage.follow("done"), Follow::End | Follow::Fail);
    let waits = Some(waits.id()).filter(|_| ends && passes(staged.stage))?;
    let problem = format!(
        "the run ends when it is done, and stage `{waits}`, which needs it, never runs then"
    );
    let mend = "write `on.done = \"continue\"`, or remove the need";
    let reference = staged.reference("on.done", ReferenceKind::Outcome, waits);
    Some(reference.missed(Some(Miss::new(problem, mend))))
}

fn terminal(defined: &Defined<Pipeline>, graph: &Graph<'_>, reached: &[bool]) -> Reference {
    let pipeline = &defined.value;
    let dependents = graph.dependents();
    let mut stages = pipeline.stages.iter().enumerate();
    let end = stages.find(|(number, stage)| {
        let last = dependents[*number].is_empty();
        let follow = stage.follow("done");
        let ends =
            follow == Follow::End || last && matches!(follow, Follow::Continue | Follow::Skip);
        ends && reached[*number]
    });
    let end = end.map(|(_, stage)| stage);
    let miss = if pipeline.stages.is_empty() {
        Some(Miss::new(
            "the pipeline has no stage",
            "add a `[[stage]]` with an `id` and a `handler`",
        ))
    } else if end.is_none() {
        let problem = "no stage that ends a run can be reached";
        Some(Miss::new(
            problem,
            "write `on.done = \"continue\"` or `\"end\"` in the last stage",
        ))
    } else {
        None
    };
    let target = end.map_or("a stage that ends the run", Stage::id);
    Reference::new(
        Referrer::pipeline(pipeline.name()),
        "stage",
        ReferenceKind::Terminal,
        target,
    )
    .at(defined.at(&["stage"]))
    .missed(miss)
}

/// Whether some run can come to each of the stages: nothing that it needs stops before it, or
/// another that is come to goes there.
fn reached(pipeline: &Pipeline, graph: &Graph<'_>) -> Vec<bool> {
    let (count, dependents) = (pipeline.stages.len(), graph.dependents());
    let mut waits: Vec<usize> = (0..count).map(|it| graph.needed(it).len()).collect();
    let mut reached = vec![false; count];
    let mut open: Vec<usize> = (0..count).filter(|it| waits[*it] == 0).collect();
    while let Some(number) = open.pop() {
        if std::mem::replace(&mut reached[number], true) {
            continue;
        }
        let stage = &pipeline.stages[number];
        open.extend(targets(stage).filter_map(|id| graph.number(id)));
        if !passes(stage) {
            continue;
        }
        for after in &dependents[number] {
            waits[*after] -= 1;
            if waits[*after] == 0 {
                open.push(*after);
            }
        }
    }
    reached
}

/// Where a stage goes after an outcome that there is.
fn targets(stage: &Stage) -> impl Iterator<Item = &str> {
    let written = outcomes().filter_map(|outcome| stage.on.get(outcome));
    written.filter_map(|follow| match follow.get_ref() {
        Follow::Goto(target) => Some(target.as_str()),
        _ => None,
    })
}

/// Whether some outcome of a stage lets those that need it run.
fn passes(stage: &Stage) -> bool {
    outcomes().any(|outcome| matches!(stage.follow(outcome), Follow::Continue | Follow::Skip))
}

fn outcomes() -> impl Iterator<Item = &'static str> {
    FOLLOWS.iter().map(|(name, _)| *name)
}
