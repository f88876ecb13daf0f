//! `fabricated_experience`: an anecdote that nobody lived.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "fabricated_experience",
    severity: Severity::Error,
    pattern: "on a call with a client, at my company, a client of mine, last week I built, cost us $N",
    threshold: None,
    find,
};

const TOLD: [&str; 8] = [
    "on a call with a|my|our|one client|customer",
    "at my|our previous|last? company|startup|firm|job|employer",
    "a|one client|customer of mine|ours",
    "a|my|our client|colleague|friend|boss told|asked me",
    "last week|month|year|quarter i|we built|shipped|met|spoke|worked|spent|migrated|debugged",
    "cost|costs|saved|saves|saving|costing us|me about|over|nearly? #",
    "in my # years",
    "when i worked|was at|an|a|the Aa",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = phrases(seen.text, &TOLD).into_iter();
    let told = found.filter(|(passage, words)| {
        let text = passage.span(words);
        !text.ends_with(|c: char| c.is_ascii_digit()) || text.contains('$') || text.starts_with("in my")
    });
    told.map(|(passage, words)| Found::words(passage, &words, "nobody lived this; tell it without the anecdote")).collect()
}
