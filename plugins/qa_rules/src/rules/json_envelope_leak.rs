//! `json_envelope_leak`: the rest of an answer in JSON.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "json_envelope_leak",
    severity: Severity::Error,
    pattern: "a last or first line that is } or ] with or without a quotation mark, or { alone, outside of code",
    threshold: None,
    find,
};

const ENDS: [&str; 8] = ["}", "]", "\"}", "\"]", "\\\"}", "```}", "}}", "\"}]"];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let written = || seen.text.lines().filter(|(_, line)| !line.trim().is_empty());
    let last = written().last().filter(|(_, line)| ENDS.contains(&line.trim()));
    let first = written().next().filter(|(_, line)| matches!(line.trim(), "{" | "[") || line.trim().starts_with("{\""));
    first.into_iter().chain(last).map(|(at, line)| Found::new("it is the rest of an answer in JSON; take it out").at(at, line)).collect()
}
