//! `hallucinated_link`: a text of ours that is named and linked nowhere.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "hallucinated_link",
    severity: Severity::Error,
    pattern: "our or my guide, article or post on something; as we discussed in a previous post; read our guide; unless it is linked",
    threshold: None,
    find,
};

const NAMED: [&str; 4] = [
    "our|my _? _? guide|article|post|tutorial|series on|about|to",
    "as we|i discussed|covered|mentioned|explained|showed in our|a|my|the previous|earlier|last? post|article|guide|tutorial",
    "check out|see|read our|my _? guide|article|post|tutorial|series",
    "check|see|read out? our|my|the _? guide|article|post|tutorial|series on|about",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = phrases(seen.text, &NAMED).into_iter();
    let unlinked = found.filter(|(passage, words)| !passage.is_sourced(words.start));
    unlinked.map(|(passage, words)| Found::words(passage, &words, "it is linked nowhere, so it may not be there; link to it, or leave it out")).collect()
}
