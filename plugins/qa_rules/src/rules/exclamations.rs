//! `exclamations`: a text that shouts.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "exclamations",
    severity: Severity::Warning,
    pattern: "more than so many exclamation marks",
    threshold: Some(5),
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let marks: usize = seen.text.body().map(|passage| passage.text.matches('!').count()).sum();
    let many = marks > usize::try_from(seen.threshold).unwrap_or_default();
    let many = many.then(|| Found::new(format!("it has {marks} exclamation marks, and {} may be", seen.threshold)));
    many.into_iter().collect()
}
