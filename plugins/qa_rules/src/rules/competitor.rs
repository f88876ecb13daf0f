//! `competitor`: somebody whom the publisher does not name.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "competitor",
    severity: Severity::Warning,
    pattern: "one of `competitors`, as whole words",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let names: Vec<String> = seen.lists.competitors.iter().map(|name| name.to_lowercase()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = phrases(seen.text, &names).into_iter();
    found.map(|(passage, words)| Found::words(passage, &words, "it is on the list of who is not named; leave it out")).collect()
}
