//! `company_claim`: what the publisher says of itself and has not.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, naming};

pub(crate) const RULE: Rule = Rule {
    name: "company_claim",
    severity: Severity::Error,
    pattern: "we, our or our own name with years of experience, a team of ten or more, clients, millions served, revenue, profit, valuation or funding",
    threshold: None,
    find,
};

const CLAIMS: [&str; 6] = [
    "we|@ have|has|spent been|spent? _? _? # years|decades",
    "we|@ have|has|spent been|spent? _? _? over|almost|nearly? a|# decade|decades|years",
    "our team|staff of over|about? #",
    "our clients|customers include Aa",
    "we|@ have|has? processed|served # million|billion",
    "our annual|yearly? revenue|profit|profits|valuation|funding",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = naming(seen.text, &CLAIMS, &seen.lists.own_names).into_iter();
    let large = found.filter(|(passage, words)| {
        let last = &passage.words[words.end - 1].lower;
        let team = passage.words[words.start + 1].lower.starts_with("team") || passage.words[words.start + 1].lower.starts_with("staff");
        !team || last.trim_matches(|c: char| !c.is_ascii_digit()).len() > 1
    });
    large.map(|(passage, words)| Found::words(passage, &words, "the publisher says this of itself, and nothing bears it out; leave it out")).collect()
}
