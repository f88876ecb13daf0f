//! `listicle_title`: a title that counts.

use crate::phrase::is_number;
use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "listicle_title",
    severity: Severity::Warning,
    pattern: "a title that begins with a number and ways, things, tips, reasons, tools or best",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let mut words = seen.text.title.split_whitespace().map(str::to_lowercase);
    let counts = words.next().is_some_and(|word| is_number(&word));
    let things = ["ways", "things", "tips", "reasons", "tools", "best", "steps", "secrets", "mistakes"];
    let listed = counts && words.take(3).any(|word| things.contains(&word.as_str()));
    listed.then(|| Found::new("many titles count; say what this one is about").about(seen.text.title)).into_iter().collect()
}
