//! `competitor`: a name of the trade that the publisher does not use.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, naming};

pub(crate) const RULE: Rule = Rule {
    name: "competitor",
    severity: Severity::Warning,
    pattern: "one of `competitors`, as whole words",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = naming(seen.text, &["@"], &seen.lists.competitors).into_iter();
    found.map(|(passage, words)| Found::words(passage, &words, "it is on the list of who is not named; leave it out")).collect()
}
