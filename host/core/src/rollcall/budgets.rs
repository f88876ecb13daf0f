//! Times of a pipeline: each stage's timeout fits in the budget, and so do all timeouts along
//! the longest way through it. Waiting at gates is not counted.

use std::collections::BTreeMap;
use std::iter::successors;
use std::time::Duration;

use super::pipelines::Staged;
use super::{FirstMiss, LISTED, Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::pipeline::{Pipeline, Span, Stage};
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for defined in scope.definitions.pipelines.values() {
        references.push(budget(defined));
        for staged in Staged::all(defined) {
            references.extend(timeout(&staged));
            references.extend(attempts(&staged));
            references.extend(pause(&staged));
        }
    }
    references
}

fn budget(defined: &Defined<Pipeline>) -> Reference {
    let pipeline = &defined.value;
    let budget = pipeline.budget;
    let (way, time) = longest(pipeline);
    let miss = if budget.0.is_zero() {
        Some(Miss::new(
            "a run may take no time at all",
            "write `budget = \"10m\"`",
        ))
    } else if time > budget.0 {
        let time = Span(time);
        let problem = format!(
            "the timeouts along {} add up to {time}, and the budget is {budget}",
            shortened(&way)
        );
        let alone = longer(defined).next().filter(|_| !budget_is_slip(defined));
        let longer = alone.map(|stage| {
            let stage = Referrer::stage(pipeline.name(), stage.id());
            FirstMiss::new(stage, "timeout")
        });
        let mend = format!("write `budget = \"{time}\"`, or shorter timeouts");
        Some(Miss::new(problem, mend).because(longer))
    } else {
        None
    };
    Reference::new(
        Referrer::pipeline(pipeline.name()),
        "budget",
        ReferenceKind::Time,
        budget.to_string(),
    )
    .at(defined.at(&["budget"]))
    .missed(miss)
}

/// The stages with a timeout that is longer than the budget.
fn longer(defined: &Defined<Pipeline>) -> impl Iterator<Item = &Stage> {
    let stages = defined.value.stages.iter();
    stages.filter(|stage| {
        let own = stage.timeout.as_ref();
        own.is_some_and(|own| *own.get_ref() > defined.value.budget)
    })
}

/// The way through the stages whose timeouts add up to most. Empty if there is a circle.
fn longest(pipeline: &Pipeline) -> (Vec<&str>, Duration) {
    // The time to the end of each stage, and the stage before it on that way.
    let mut ends: BTreeMap<&str, (Duration, Option<&str>)> = BTreeMap::new();
    for stage in pipeline.order().unwrap_or_default() {
        let before = stage
            .needed()
            .filter_map(|need| Some((ends.get(need)?.0, need)));
        let before = before.max_by_key(|(time, _)| *time);
        let own = stage.timeout.as_ref().filter(|_| stage.gate.is_none());
        let own = own.map_or(Duration::ZERO, |timeout| timeout.get_ref().0);
        let (time, before) = before.unzip();
        let time = time.unwrap_or_default().saturating_add(own);
        ends.insert(stage.id(), (time, before));
    }
    let last = ends.iter().max_by_key(|(_, (time, _))| *time);
    let Some((last, (time, _))) = last else {
        return <_>::default();
    };
    let before = |id: &&str| ends.get(id).and_then(|(_, before)| *before);
    let mut way: Vec<&str> = successors(Some(*last), before).collect();
    way.reverse();
    (way, *time)
}

/// A way, without its middle if that is long.
fn shortened(way: &[&str]) -> String {
    match way {
        [first, .., last] if way.len() > LISTED => {
            format!("{first} → … ({} stages) … → {last}", way.len() - 2)
        }
        way => way.join(" → "),
    }
}

fn timeout(staged: &Staged<'_>) -> Option<Reference> {
    let timeout = *staged.stage.timeout.as_ref()?.get_ref();
    let budget = staged.defined.value.budget;
    let miss = if timeout.0.is_zero() {
        Some(Miss::new(
            "the stage may take no time at all",
            "write `timeout = \"90s\"`, or remove it",
        ))
    } else if timeout > budget {
        let problem =
            format!("the timeout {timeout} is longer than the budget {budget} of its run");
        let mend = format!("write a timeout below {budget}, or a longer budget");
        let pipeline = Referrer::pipeline(staged.defined.value.name());
        let budget = FirstMiss::new(pipeline, "budget");
        let is_slip = budget_is_slip(staged.defined);
        Some(Miss::new(problem, mend).because(is_slip.then_some(budget)))
    } else {
        None
    };
    Some(
        staged
            .reference("timeout", ReferenceKind::Time, timeout.to_string())
            .missed(miss),
    )
}

/// Whether it is the budget that is too short for them, and not one of them too long.
fn budget_is_slip(defined: &Defined<Pipeline>) -> bool {
    defined.value.budget.0.is_zero() || longer(defined).count() > 1
}

/// A first pause that is longer than the longest would never be taken as it is written.
fn pause(staged: &Staged<'_>) -> Option<Reference> {
    let retry = &staged.stage.retry;
    let (first, most) = (retry.backoff, retry.max);
    (first > most).then(|| {
        let problem = format!("the first pause {first} is longer than the longest, {most}");
        let mend = format!("write `max = \"{first}\"` in `retry`, or a shorter `backoff`");
        staged
            .reference("retry.backoff", ReferenceKind::Time, first.to_string())
            .missed(Some(Miss::new(problem, mend)))
    })
}

fn attempts(staged: &Staged<'_>) -> Option<Reference> {
    let miss = Miss::new(
        "a stage without an attempt never runs",
        "write `attempts = 1` for no retry",
    );
    let none = staged.stage.retry.attempts == 0;
    none.then(|| {
        staged
            .reference("retry.attempts", ReferenceKind::Visits, "0")
            .missed(Some(miss))
    })
}
