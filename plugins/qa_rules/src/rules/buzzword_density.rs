//! `buzzword_density`: words that models like.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "buzzword_density",
    severity: Severity::Warning,
    pattern: "more than so many different ones of delve, testament, tapestry, multifaceted, at its core, at the heart of, realm, seamless",
    threshold: Some(2),
    find,
};

const BUZZ: [&str; 10] = [
    "delve|delves|delving|delved", "testament to", "tapestry", "multifaceted", "at its core", "at the heart of", "realm of", "seamless|seamlessly", "ever-evolving", "intricate|intricacies",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found: Vec<_> = BUZZ.iter().filter_map(|word| phrases(seen.text, &[*word]).into_iter().next()).collect();
    let most = usize::try_from(seen.threshold).unwrap_or_default();
    let many = found.first().filter(|_| found.len() > most);
    let said: Vec<&str> = found.iter().map(|(passage, words)| passage.span(words)).collect();
    many.map(|(passage, words)| Found::words(passage, words, format!("it has {}, and {most} of them may be", said.join(", ")))).into_iter().collect()
}
