//! `unlinked_citation`: a work that is cited and linked nowhere.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "unlinked_citation",
    severity: Severity::Warning,
    pattern: "introduced in a title, according to a name, et al., arXiv: or doi: in a sentence without a link, outside of headings",
    threshold: None,
    find,
};

const CITED: [&str; 5] = [
    "introduced|proposed|presented|described in Aa Aa",
    "according to Aa _?",
    "in the paper|book|study|article|essay Aa",
    "et al",
    "arxiv|doi #",
];
const MONTHS: [&str; 12] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (passage, words) in phrases(seen.text, &CITED) {
        let dated = passage.words[words.clone()].iter().any(|word| MONTHS.contains(&word.lower.as_str()));
        if !dated && !passage.is_sourced(words.start) {
            found.push(Found::words(passage, &words, "the work is linked nowhere; link to it"));
        }
    }
    for passage in seen.text.body() {
        for mark in ["arXiv:", "doi:"] {
            for (at, _) in passage.text.match_indices(mark) {
                let word = passage.words.iter().position(|word| word.range.end > at);
                if word.is_some_and(|word| !passage.is_sourced(word)) {
                    let end = passage.text[at..].find(char::is_whitespace).map_or(passage.text.len(), |length| at + length);
                    found.push(Found::new("the work is linked nowhere; link to it").at(passage.place(at), &passage.text[at..end]));
                }
            }
        }
    }
    found
}
