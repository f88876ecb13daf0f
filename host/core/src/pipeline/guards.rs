//! What has to stand before a publication: each rail that is required, settled as `done`, and each
//! gate that it comes after, approved. No IO.
//!
//! A stage begins when each that it needs is settled, and a `goto` that goes back undoes all that
//! came after. So whatever way a run takes, a stage has every stage before it settled, by its last
//! outcome, when it begins; and none of those beside or after it need be. Thus a way past a guard is
//! an edge of the guard itself, or a missing need.

use super::{FOLLOWS, Follow, Graph, Pipeline, Stage};

/// How a run comes past a guard without its yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// The publication does not wait for it.
    Beside,
    /// Its condition may not hold, and it is skipped.
    Condition,
    /// The run goes on after this outcome of it.
    Outcome(&'static str),
}

/// A guard, by its number, that a run comes past on its way to a stage that publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    pub guard: usize,
    pub publishes: usize,
    pub way: Way,
}

/// Each breach before a stage.
pub fn breaches(
    pipeline: &Pipeline,
    graph: &Graph<'_>,
    publishes: usize,
) -> impl Iterator<Item = Breach> {
    let guards = pipeline.stages.iter().enumerate();
    let guards = guards.filter(move |(number, _)| *number != publishes);
    guards.flat_map(move |(guard, stage)| {
        let is_before = graph.is_after(publishes, guard);
        let ways = match (is_before, stage.required) {
            (true, required) if required || stage.gate.is_some() => ways_past(stage, graph, guard),
            (false, true) => vec![Way::Beside],
            _ => Vec::new(),
        };
        ways.into_iter().map(move |way| Breach {
            guard,
            publishes,
            way,
        })
    })
}

/// The ways on which a run goes on behind a guard that did not say yes.
pub fn ways_past(stage: &Stage, graph: &Graph<'_>, number: usize) -> Vec<Way> {
    let condition = (!stage.when.is_empty()).then_some(Way::Condition);
    let outcomes = FOLLOWS.iter().map(|(outcome, _)| *outcome);
    let other = outcomes.filter(|outcome| match stage.gate {
        // A person says yes or no, and so does the end of its time.
        Some(_) => *outcome == "rejected",
        None => *outcome != "done",
    });
    let passing = other.filter(|outcome| match stage.follow(outcome) {
        Follow::Continue | Follow::Skip => true,
        Follow::Goto(target) => {
            let target = graph.number(&target);
            !target.is_some_and(|it| it == number || graph.is_after(number, it))
        }
        Follow::Hold | Follow::End | Follow::Fail => false,
    });
    condition
        .into_iter()
        .chain(passing.map(Way::Outcome))
        .collect()
}
