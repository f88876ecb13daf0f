//! Schedules: what a run is started with is what its pipeline takes, and none is there twice.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::keys::KeyFlow;
use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, named};
use crate::pipeline::Pipeline;
use crate::registry::nearest;
use crate::schedule::Schedule;
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (name, defined) in &scope.definitions.pipelines {
        let (referrer, schedules) = (Referrer::pipeline(name), &defined.value.schedules);
        let flow = KeyFlow::of(&defined.value, scope.registry);
        references.extend(times(&referrer, defined, schedules));
        for (index, schedule) in schedules.iter().enumerate() {
            let written = DefinedSchedule {
                scope,
                referrer: &referrer,
                pipeline: Some(defined),
                flow: Some(&flow),
                index: index.to_string(),
            };
            references.extend(written.given(defined, schedule));
            references.extend(written.missing(defined, schedule));
        }
    }
    for (name, defined) in &scope.definitions.policies {
        let (referrer, schedules) = (Referrer::policy(name), &defined.value.schedules);
        references.extend(times(&referrer, defined, schedules));
        for (index, schedule) in schedules.iter().enumerate() {
            let written = DefinedSchedule {
                scope,
                referrer: &referrer,
                pipeline: None,
                flow: None,
                index: index.to_string(),
            };
            references.extend(written.given(defined, schedule));
        }
    }
    references
}

/// Two schedules of the same times would be one.
fn times<T>(referrer: &Referrer, defined: &Defined<T>, schedules: &[Schedule]) -> Vec<Reference> {
    let mut known = BTreeSet::new();
    let schedules = schedules.iter().enumerate().map(|(index, schedule)| {
        let when = schedule.when.to_string();
        let reference = Reference::new(
            referrer,
            format!("schedule.{index}"),
            ReferenceKind::Time,
            &when,
        );
        let miss = (!known.insert(when)).then(|| {
            let problem = "the same times are there twice";
            Miss::new(problem, "remove one of the two, or write other times")
        });
        let place = defined.at(&["schedule", &index.to_string()]);
        reference.at(place).missed(miss)
    });
    schedules.collect()
}

/// A schedule in its definition.
struct DefinedSchedule<'a> {
    scope: &'a RollScope<'a>,
    referrer: &'a Referrer,
    /// What it starts; a policy takes no input.
    pipeline: Option<&'a Defined<Pipeline>>,
    flow: Option<&'a KeyFlow<'a>>,
    index: String,
}

impl DefinedSchedule<'_> {
    fn reference<T>(&self, defined: &Defined<T>, key: &str) -> Reference {
        let place = defined.at(&["schedule", &self.index, "input", key]);
        Reference::new(self.referrer, self.name(key), ReferenceKind::Input, key).at(place)
    }

    fn name(&self, key: &str) -> String {
        format!("schedule.{}.input.{key}", self.index)
    }

    /// Each key that is given is declared and fits who reads it.
    fn given<T>(&self, defined: &Defined<T>, schedule: &Schedule) -> Vec<Reference> {
        let given = schedule.input.iter().map(|(key, value)| {
            let miss = self.unknown(key).or_else(|| self.unfit(key, value));
            self.reference(defined, key).missed(miss)
        });
        given.collect()
    }

    fn unknown(&self, key: &str) -> Option<Miss> {
        let Some(defined) = self.pipeline else {
            let problem = format!("a policy takes no input, and the schedule gives `{key}`");
            return Some(Miss::new(problem, "remove the `input` of the schedule"));
        };
        let input = &defined.value.input;
        (!input.contains_key(key)).then(|| {
            let known = named(input.keys().map(String::as_str));
            let problem = format!("the pipeline has no input `{key}`; it takes {known}");
            if let Some(cause) = self.flow.and_then(|flow| flow.misnamed(key)) {
                let mend = format!("write `[input.{key}]` for `[{}]`", cause.key);
                return Miss::new(problem, mend).because(cause);
            }
            let mend = match nearest(key, input.keys().map(String::as_str)) {
                Some(near) => format!("write `{near}`, remove it, or add `[input.{key}]`"),
                None => format!("remove it, or add `[input.{key}]`"),
            };
            Miss::new(problem, mend)
        })
    }

    fn unfit(&self, key: &str, value: &Json) -> Option<Miss> {
        let pipeline = &self.pipeline?.value;
        let unfit = self.scope.registry.unfit(pipeline, key, value)?;
        Some(Miss::new(unfit.of("it"), unfit.mend("value")))
    }

    /// Keys that a run cannot do without, and that the schedule does not give.
    fn missing(&self, defined: &Defined<Pipeline>, schedule: &Schedule) -> Vec<Reference> {
        let needed = defined.value.input.iter().filter(|(key, declared)| {
            declared.required && declared.default.is_none() && !schedule.input.contains_key(*key)
        });
        let missing = needed.map(|(key, _)| {
            let problem = format!("the schedule does not give the input `{key}`");
            let mend = format!("add `{key}` to the `input` of the schedule");
            let input = &defined.value.input;
            let given = schedule
                .input
                .keys()
                .filter(|key| !input.contains_key(*key));
            let typo = nearest(key, given.map(String::as_str));
            let typo = typo.map(|typo| FirstMiss::new(self.referrer, self.name(typo)));
            let miss = Miss::new(problem, mend).because(typo);
            self.reference(defined, key).missed(Some(miss))
        });
        missing.collect()
    }
}
