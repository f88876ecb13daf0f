//! `title_diversity`: a title like all titles.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "title_diversity",
    severity: Severity::Warning,
    pattern: "a title that begins with beyond, building, unlocking, the ultimate, the hidden, mastering, revolutionizing, the complete, how to build, scale your, why you need",
    threshold: None,
    find,
};

const OPENINGS: [&str; 17] = [
    "beyond ", "building ", "unlocking ", "the ultimate ", "the hidden ", "the silent ", "the invisible ", "the secret ", "mastering ", "revolutionizing ", "the complete ", "the definitive ", "how to build ", "scale your ", "why you need ", "demystifying ", "navigating ",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let title = seen.text.title.to_lowercase();
    let opening = OPENINGS.iter().find(|opening| title.starts_with(**opening));
    opening.map(|opening| Found::new("many titles begin so; say what this one is about").about(opening)).into_iter().collect()
}
