//! `photo_credit`: whose photo it is, as text.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "photo_credit",
    severity: Severity::Warning,
    pattern: "a line that begins with Photo by or Image credit",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let credits = seen.text.lines().filter(|(_, line)| {
        let line = line.trim().trim_matches(['*', '_', '(', '[']).to_lowercase();
        ["photo by ", "photo credit", "image credit", "image source:", "image by "].iter().any(|mark| line.starts_with(mark))
    });
    credits.map(|(at, line)| Found::new("it is about a picture, not of the text; put it in the picture's own text").at(at, line)).collect()
}
