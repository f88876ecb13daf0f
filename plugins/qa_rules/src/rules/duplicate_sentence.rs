//! `duplicate_sentence`: a sentence that is there twice.

use std::collections::HashSet;

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "duplicate_sentence",
    severity: Severity::Warning,
    pattern: "two sentences of more than 30 characters that are alike",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let mut known = HashSet::new();
    let mut found = Vec::new();
    for passage in seen.text.body() {
        for words in passage.sentences() {
            let text = passage.span(&words);
            if text.chars().count() > 30 && !known.insert(text.to_lowercase()) {
                found.push(Found::words(passage, &words, "the sentence is there twice"));
            }
        }
    }
    found
}
