//! A run can come to an end: a terminal stage is reachable, and no stage waits for ever.

use std::collections::BTreeSet;

use super::pipelines::{Staged, upstream};
use super::{Kind, Miss, Reference, Referrer, Roster};
use crate::pipeline::{FOLLOWS, Follow, Pipeline, Stage};
use crate::workspace::Defined;

pub(super) fn list(roster: &Roster<'_>) -> Vec<Reference> {
    let pipelines = roster.definitions.pipelines.values();
    pipelines.flat_map(reachable).collect()
}

fn reachable(defined: &Defined<Pipeline>) -> Vec<Reference> {
    let pipeline = &defined.value;
    let circular = pipeline
        .stages
        .iter()
        .any(|stage| upstream(pipeline, stage.id()).contains(stage.id()));
    if circular {
        return Vec::new();
    }
    let reached = reached(pipeline);
    let mut references = vec![terminal(defined, &reached)];
    for staged in Staged::all(defined).filter(|staged| !reached.contains(staged.stage.id())) {
        // Only the stage that stops is named, not again in every stage after it.
        let stops = |need: &&str| {
            reached.contains(need) && pipeline.stage(need).is_some_and(|stage| !passes(stage))
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
        let reference = staged.reference("needs", Kind::Terminal, staged.stage.id());
        references.push(reference.missed(Some(Miss::new(problem, mend))));
    }
    references
}

fn terminal(defined: &Defined<Pipeline>, reached: &BTreeSet<&str>) -> Reference {
    let pipeline = &defined.value;
    let end = pipeline.stages.iter().find(|stage| {
        let last = pipeline.downstream(stage.id()).len() == 1;
        let follow = stage.follow("done");
        let ends =
            follow == Follow::End || last && matches!(follow, Follow::Continue | Follow::Skip);
        ends && reached.contains(stage.id())
    });
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
        Kind::Terminal,
        target,
    )
    .at(defined.at(&["stage"]))
    .missed(miss)
}

/// The stages that some run can come to.
fn reached(pipeline: &Pipeline) -> BTreeSet<&str> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    loop {
        let more: Vec<&str> = pipeline
            .stages
            .iter()
            .filter(|stage| !reached.contains(stage.id()))
            .filter(|stage| is_next(pipeline, &reached, stage))
            .map(Stage::id)
            .collect();
        if more.is_empty() {
            return reached;
        }
        reached.extend(more);
    }
}

fn is_next(pipeline: &Pipeline, reached: &BTreeSet<&str>, stage: &Stage) -> bool {
    let let_through = stage.needed().all(|need| match pipeline.stage(need) {
        Some(needed) => reached.contains(need) && passes(needed),
        None => true,
    });
    let target = Follow::Goto(stage.id().to_owned());
    let gone_to = pipeline
        .stages
        .iter()
        .filter(|other| reached.contains(other.id()))
        .any(|other| outcomes().any(|outcome| other.follow(outcome) == target));
    let_through || gone_to
}

/// Whether some outcome of a stage lets those that need it run.
fn passes(stage: &Stage) -> bool {
    outcomes().any(|outcome| matches!(stage.follow(outcome), Follow::Continue | Follow::Skip))
}

fn outcomes() -> impl Iterator<Item = &'static str> {
    FOLLOWS.iter().map(|(name, _)| *name)
}
