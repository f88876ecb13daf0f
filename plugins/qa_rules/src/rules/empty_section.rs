//! `empty_section`: a heading with nothing below it.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};
use crate::text::Kind;

pub(crate) const RULE: Rule = Rule {
    name: "empty_section",
    severity: Severity::Warning,
    pattern: "a heading that another of its level or above follows at once, or nothing",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let passages = &seen.text.passages;
    let filled = |from: usize, to: usize| {
        let within = |at: usize| from < at && at < to;
        seen.text.fences.iter().any(|fence| within(fence.at)) || seen.text.links.iter().any(|link| link.image && within(link.at))
    };
    let mut found = Vec::new();
    for (index, passage) in passages.iter().enumerate() {
        let Kind::Heading(level) = passage.kind else { continue };
        let next = passages.get(index + 1);
        let empty = next.is_none_or(|next| matches!(next.kind, Kind::Heading(below) if below <= level));
        if empty && !filled(passage.at, next.map_or(usize::MAX, |next| next.at)) {
            found.push(Found::new("nothing stands below the heading").at(passage.at, &passage.text));
        }
    }
    found
}
