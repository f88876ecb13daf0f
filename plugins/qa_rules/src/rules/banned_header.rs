//! `banned_header`: a heading that says nothing.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "banned_header",
    severity: Severity::Warning,
    pattern: "a heading that is introduction, conclusion, summary, background, overview, final thoughts, wrap-up or the end",
    threshold: None,
    find,
};

const BANNED: [&str; 11] = [
    "introduction", "conclusion", "summary", "background", "overview", "final thoughts", "wrap-up", "wrapping up", "the end", "in conclusion", "closing thoughts",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let banned = seen.text.headings().filter(|(_, passage)| {
        let text = passage.text.trim().trim_end_matches([':', '.']).to_lowercase();
        BANNED.contains(&text.as_str())
    });
    banned.map(|(_, passage)| Found::new("the heading says nothing of what stands below it").at(passage.at, &passage.text)).collect()
}
