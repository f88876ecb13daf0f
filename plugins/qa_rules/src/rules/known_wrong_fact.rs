//! `known_wrong_fact`: what is often said and is wrong.

use crate::review::Severity;
use crate::phrase::Phrase;
use crate::rule::{Found, Rule, Seen, places};

pub(crate) const RULE: Rule = Rule {
    name: "known_wrong_fact",
    severity: Severity::Error,
    pattern: "each of `facts`, as it would be said",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for fact in &seen.lists.facts {
        for (passage, words) in places(seen.text, &[Phrase::literal(&fact.says)]) {
            let message = format!("it is wrong: {}", fact.correct);
            found.push(Found::words(passage, &words, message).severe(fact.severity));
        }
    }
    found
}
