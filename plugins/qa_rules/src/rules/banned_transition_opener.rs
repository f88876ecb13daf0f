//! `banned_transition_opener`: sentences that begin with a transition.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "banned_transition_opener",
    severity: Severity::Warning,
    pattern: "more than so many sentences that begin with Furthermore, Moreover, Additionally, Notably, In conclusion, It is important to note that, As mentioned earlier",
    threshold: Some(2),
    find,
};

const OPENERS: [&str; 6] = [
    "furthermore|moreover|additionally|notably|ultimately|importantly",
    "in conclusion|summary",
    "it is important to note",
    "it's important|worth to|noting note|that",
    "it is worth noting",
    "as mentioned|discussed earlier|above",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = phrases(seen.text, &OPENERS).into_iter();
    let openers: Vec<_> = found.filter(|(passage, words)| passage.begins_sentence(words.start)).collect();
    let most = usize::try_from(seen.threshold).unwrap_or_default();
    let many = openers.first().filter(|_| openers.len() > most);
    let count = openers.len();
    many.map(|(passage, words)| Found::words(passage, words, format!("{count} sentences begin with a transition, and {most} may"))).into_iter().collect()
}
