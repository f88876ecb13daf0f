//! `keyword_stuffing`: a word that is said for machines.

use std::collections::BTreeMap;

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "keyword_stuffing",
    severity: Severity::Warning,
    pattern: "one word of four letters or more, and none that any text has, is more than so many of 100 words of 120 or more",
    threshold: Some(5),
    find,
};

/// The fewest words of a text in which a share says something, and the fewest letters of a word.
const WORDS: usize = 120;
const LETTERS: usize = 4;
const COMMON: [&str; 36] = [
    "about", "after", "also", "because", "been", "before", "between", "could", "does", "each", "every", "from", "have", "into", "more", "most", "only", "other",
    "over", "same", "should", "some", "such", "than", "that", "their", "them", "then", "there", "they", "this", "what", "when", "which", "with", "would",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let count = seen.text.count();
    let most = usize::try_from(seen.threshold).unwrap_or_default();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for word in seen.text.body().flat_map(|passage| &passage.words) {
        let said = word.lower.as_str();
        let own = said.chars().count() >= LETTERS && said.chars().all(char::is_alphabetic);
        if own && !COMMON.contains(&said) {
            *times.entry(said).or_default() += 1;
        }
    }
    let often = times.into_iter().max_by_key(|(_, times)| *times);
    let often = often.filter(|(_, times)| count >= WORDS && times * 100 > count * most);
    let told = |(word, times): (&str, usize)| Found::new(format!("{times} of {count} words are `{word}`; say it once and go on")).about(word);
    often.map(told).into_iter().collect()
}
