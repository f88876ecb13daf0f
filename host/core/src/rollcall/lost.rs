//! Keys that a pipeline names, and that are no input of it and written by no stage. An input that
//! no stage reads and that is spelt much alike is one of them, or the other way round: the slip is
//! the name that is alone.

use std::collections::BTreeMap;

use super::{FirstMiss, Referrer};
use crate::pipeline::Pipeline;

/// Who names a key that is not there.
#[derive(Default)]
pub(super) struct Lost {
    /// Handlers that read it: a contract has no slips.
    read: bool,
    /// The references that name it.
    pub(super) by: Vec<FirstMiss>,
}

impl Lost {
    /// Whether only one place says it, and it may be a slip of that place.
    pub(super) fn is_alone(&self) -> bool {
        !self.read && self.by.len() < 2
    }
}

/// The keys that are named and not there, with those who name them.
pub(super) fn lost<'a>(
    pipeline: &'a Pipeline,
    read: impl Iterator<Item = &'a str>,
    writers: &BTreeMap<&'a str, Vec<usize>>,
) -> BTreeMap<&'a str, Lost> {
    let mut lost: BTreeMap<&str, Lost> = BTreeMap::new();
    let is_lost = |key: &str| !pipeline.input.contains_key(key) && !writers.contains_key(key);
    for key in read.filter(|key| is_lost(key)) {
        lost.entry(key).or_default().read = true;
    }
    let owner = || Referrer::pipeline(pipeline.name());
    let limit = pipeline.limits.key.as_ref();
    let limit = limit.map(|key| {
        (
            key.get_ref().as_str(),
            FirstMiss::new(owner(), "limits.key"),
        )
    });
    let conditions = pipeline.stages.iter().flat_map(|stage| {
        let referrer = Referrer::stage(pipeline.name(), stage.id());
        stage.when.iter().map(move |condition| {
            let key = condition.key.get_ref().as_str();
            (key, FirstMiss::new(&referrer, "when").with_target(key))
        })
    });
    let schedules = pipeline.schedules.iter().enumerate();
    let given = schedules.flat_map(|(index, schedule)| {
        let name = move |key: &str| format!("schedule.{index}.input.{key}");
        let keys = schedule.input.keys();
        keys.map(move |key| (key.as_str(), FirstMiss::new(owner(), name(key))))
    });
    for (key, cause) in limit.into_iter().chain(conditions).chain(given) {
        if is_lost(key) {
            lost.entry(key).or_default().by.push(cause);
        }
    }
    lost
}
