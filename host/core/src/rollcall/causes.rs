//! One cause, one miss: a miss that another explains is told with it, and not again.

use serde::Serialize;

use super::{Kind, Miss, Reference, Referrer, Roll};

/// The reference that has to answer before another can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    pub referrer: Referrer,
    pub key: String,
    /// Which of several under that key; the first that does not answer without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl Cause {
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
    pub(super) fn because(mut self, cause: impl Into<Option<Cause>>) -> Self {
        self.because = self.because.or(cause.into());
        self
    }
}

impl Roll {
    /// The misses that no other explains, each with those that depend on it.
    pub fn causes(&self) -> Vec<(&Reference, Vec<&Reference>)> {
        let misses: Vec<&Reference> = self.misses().collect();
        let mut causes: Vec<(&Reference, Vec<&Reference>)> = Vec::new();
        for miss in &misses {
            let root = root(&misses, miss);
            let known = causes
                .iter()
                .position(|(known, _)| std::ptr::eq(*known, root));
            let place = known.unwrap_or_else(|| {
                causes.push((root, Vec::new()));
                causes.len() - 1
            });
            if !std::ptr::eq(*miss, root) {
                causes[place].1.push(miss);
            }
        }
        causes
    }
}

/// The miss that explains a miss in the end: itself, if none does.
pub(crate) fn root<'a>(misses: &[&'a Reference], miss: &'a Reference) -> &'a Reference {
    let mut root = miss;
    // A circle of causes explains nothing; no chain is longer than there are misses.
    for _ in misses {
        let because = root.miss.as_ref().and_then(|miss| miss.because.as_ref());
        let cause = because.and_then(|cause| {
            let mut others = misses.iter().filter(|other| !std::ptr::eq(**other, root));
            others.find(|other| cause.is(other))
        });
        match cause {
            Some(cause) => root = cause,
            None => break,
        }
    }
    root
}

/// Who else refers to the same thing that is not there depends on it, too.
pub(super) fn same_target(references: &mut [Reference]) {
    for later in 1..references.len() {
        let (before, rest) = references.split_at_mut(later);
        let reference = &mut rest[0];
        let Some(miss) = reference
            .miss
            .as_mut()
            .filter(|miss| miss.because.is_none())
        else {
            continue;
        };
        if !is_a_thing(reference.kind) {
            continue;
        }
        let first = before.iter().find(|first| {
            let problem = first.miss.as_ref().map(|miss| &miss.problem);
            let same = (first.kind, &first.target) == (reference.kind, &reference.target);
            same && problem == Some(&miss.problem)
        });
        miss.because = first.map(|first| {
            let cause = Cause::new(&first.referrer, &first.key);
            cause.with_target(&first.target)
        });
    }
}

/// Whether the target of a reference is something of its own, which others may name, too.
fn is_a_thing(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Handler
            | Kind::Setting
            | Kind::Role
            | Kind::Prompt
            | Kind::Template
            | Kind::Table
            | Kind::Column
    )
}
