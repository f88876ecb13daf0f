//! One cause, one miss: a miss that another explains is told with it, and not again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ptr;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Miss, Reference, ReferenceKind, Referrer, RollReport};

/// The longest chain of causes that is followed.
const LONGEST: usize = 64;

/// The reference that has to answer before another can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FirstMiss {
    /// Who makes that reference.
    #[schemars(with = "String")]
    pub referrer: Referrer,
    /// Under which key.
    pub key: String,
    /// Which of several under that key; the first that does not answer without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl FirstMiss {
    pub(super) fn new(referrer: impl Into<Referrer>, key: impl Into<String>) -> Self {
        Self {
            referrer: referrer.into(),
            key: key.into(),
            target: None,
        }
    }

    pub(super) fn with_target(self, target: &str) -> Self {
        Self {
            target: Some(target.to_owned()),
            ..self
        }
    }

    fn is(&self, reference: &Reference) -> bool {
        let target = self.target.as_ref();
        let same = (&self.referrer, &self.key) == (&reference.referrer, &reference.key);
        same && target.is_none_or(|target| *target == reference.target)
    }
}

impl Miss {
    /// The miss follows from another, if there is that.
    pub(super) fn because(mut self, cause: impl Into<Option<FirstMiss>>) -> Self {
        self.because = self.because.or(cause.into());
        self
    }
}

impl RollReport {
    /// The misses that no other explains, each with those that depend on it.
    pub fn causes(&self) -> Vec<(&Reference, Vec<&Reference>)> {
        let misses = Misses::of(self.misses());
        let mut causes: Vec<(&Reference, Vec<&Reference>)> = Vec::new();
        let mut known: HashMap<*const Reference, usize> = HashMap::new();
        for miss in &misses.all {
            let root = misses.root(miss);
            let place = *known.entry(ptr::from_ref(root)).or_insert_with(|| {
                causes.push((root, Vec::new()));
                causes.len() - 1
            });
            if !ptr::eq(*miss, root) {
                causes[place].1.push(miss);
            }
        }
        causes
    }
}

/// Misses, to be found by who refers and under which key.
pub(crate) struct Misses<'a> {
    pub(crate) all: Vec<&'a Reference>,
    by_key: HashMap<(&'a Referrer, &'a str), Vec<&'a Reference>>,
}

impl<'a> Misses<'a> {
    pub(crate) fn of(misses: impl Iterator<Item = &'a Reference>) -> Self {
        let all: Vec<&Reference> = misses.collect();
        let mut by_key: HashMap<_, Vec<_>> = HashMap::new();
        for miss in &all {
            let key = (&miss.referrer, miss.key.as_str());
            by_key.entry(key).or_default().push(*miss);
        }
        Self { all, by_key }
    }

    /// The miss that explains a miss in the end: itself, if none does.
    pub(crate) fn root(&self, miss: &'a Reference) -> &'a Reference {
        let mut root = miss;
        // A circle of causes explains nothing; nothing is explained on more ways than a few.
        for _ in 0..LONGEST {
            let because = root.miss.as_ref().and_then(|miss| miss.because.as_ref());
            let cause = because.and_then(|cause| {
                let key = (&cause.referrer, cause.key.as_str());
                let mut others = self.by_key.get(&key)?.iter();
                others.find(|other| !ptr::eq(**other, root) && cause.is(other))
            });
            match cause {
                Some(cause) => root = cause,
                None => break,
            }
        }
        root
    }
}

/// Who else refers to the same thing that is not there depends on it, too.
pub(super) fn same_target(references: &mut [Reference]) {
    let mut first: HashMap<(ReferenceKind, String, String), FirstMiss> = HashMap::new();
    for reference in references {
        let kind = reference.kind;
        let Some(miss) = reference.miss.as_mut().filter(|_| is_a_thing(kind)) else {
            continue;
        };
        let thing = (kind, reference.target.clone(), miss.problem.clone());
        match first.entry(thing) {
            Entry::Occupied(known) => {
                miss.because.get_or_insert_with(|| known.get().clone());
            }
            Entry::Vacant(vacant) => {
                let cause = FirstMiss::new(&reference.referrer, &reference.key);
                vacant.insert(cause.with_target(&reference.target));
            }
        }
    }
}

/// Whether the target of a reference is something of its own, which others may name, too.
fn is_a_thing(kind: ReferenceKind) -> bool {
    matches!(
        kind,
        ReferenceKind::Handler
            | ReferenceKind::Setting
            | ReferenceKind::Role
            | ReferenceKind::Prompt
            | ReferenceKind::Template
            | ReferenceKind::Table
            | ReferenceKind::Column
    )
}
