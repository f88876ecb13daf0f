//! `raw_markup`: marks that readers see.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "raw_markup",
    severity: Severity::Warning,
    pattern: "HTML tags and escapes such as &nbsp; or \\n in the text",
    threshold: None,
    find,
};

const MARKS: [&str; 10] = ["<div", "<span", "<br", "<p>", "</p>", "<img", "&nbsp;", "&amp;", "&lt;", "\\n"];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let prose = &seen.text.prose;
    let marks = MARKS.iter().flat_map(|mark| prose.match_indices(mark));
    marks.map(|(at, mark)| Found::new("readers see it as it stands; write it in Markdown").at(at, mark)).collect()
}
