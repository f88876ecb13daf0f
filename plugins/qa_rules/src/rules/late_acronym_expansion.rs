//! `late_acronym_expansion`: an acronym that is explained when it has long been used.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};
use crate::text::Passage;

pub(crate) const RULE: Rule = Rule {
    name: "late_acronym_expansion",
    severity: Severity::Warning,
    pattern: "Full Name (FN) behind two uses of FN or more; small words such as of give it no letter",
    threshold: Some(2),
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let mut used: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for passage in seen.text.body() {
        for (index, word) in passage.words.iter().enumerate() {
            let text = passage.word(index);
            let acronym = (2..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase());
            if !acronym {
                continue;
            }
            let explained = passage.gap(index).ends_with('(') && passage.gap(index + 1).starts_with(')') && spells(passage, index, text);
            let before = used.iter().filter(|it| **it == text).count();
            if explained && before >= usize::try_from(seen.threshold).unwrap_or(2) {
                found.push(Found::new(format!("{text} is explained after it was used {before} times; explain it where it first stands")).at(word.at, text));
            }
            used.push(text);
        }
    }
    found
}

/// Words between those of a name that give it no letter.
const BETWEEN: [&str; 6] = ["of", "the", "and", "for", "in", "on"];

/// Whether the words before it begin with its letters; small words between them need not.
fn spells(passage: &Passage, index: usize, acronym: &str) -> bool {
    let mut before = (0..index).rev().map(|at| passage.word(at));
    acronym.chars().rev().all(|letter| {
        let begins = |word: &str| word.chars().next().is_some_and(|first| first.to_ascii_uppercase() == letter);
        let word = before.by_ref().find(|word| begins(word) || !BETWEEN.contains(&word.to_lowercase().as_str()));
        word.is_some_and(begins)
    })
}
