//! `internal_path_leak`: a path of ours that is nobody’s business.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "internal_path_leak",
    severity: Severity::Warning,
    pattern: "[memory/…], [brain/…] and others of `private_paths`, outside of code",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let bracketed = crate::rules::bracketed(&seen.text.prose).into_iter();
    let private = bracketed.filter(|it| {
        let first = it.inner.split_once('/').map(|(first, _)| first);
        first.is_some_and(|first| seen.lists.private_paths.iter().any(|path| path == first))
    });
    private.map(|it| Found::new("it is a path of the factory; take it out").at(it.at, it.whole)).collect()
}
