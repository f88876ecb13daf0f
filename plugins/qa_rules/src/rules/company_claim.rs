//! `company_claim`: what the publisher says of itself and has not.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "company_claim",
    severity: Severity::Error,
    pattern: "we, our or our own name with years of experience, a team of ten or more, clients, millions served, revenue, profit, valuation or funding",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let own: Vec<String> = seen.lists.own_names.iter().map(|it| it.to_lowercase()).collect();
    let we = ["we"].into_iter().chain(own.iter().map(String::as_str)).collect::<Vec<_>>().join("|");
    let written = [
        format!("{we} have|has|spent been|spent? _? _? # years|decades"),
        format!("{we} have|has|spent been|spent? _? _? over|almost|nearly? a|# decade|decades|years"),
        "our team|staff of over|about? #".to_owned(),
        "our clients|customers include Aa".to_owned(),
        format!("{we} have|has? processed|served # million|billion"),
        "our annual|yearly? revenue|profit|profits|valuation|funding".to_owned(),
    ];
    let written: Vec<&str> = written.iter().map(String::as_str).collect();
    let found = phrases(seen.text, &written).into_iter();
    let large = found.filter(|(passage, words)| {
        let last = &passage.words[words.end - 1].lower;
        let team = passage.words[words.start + 1].lower.starts_with("team") || passage.words[words.start + 1].lower.starts_with("staff");
        !team || last.trim_matches(|c: char| !c.is_ascii_digit()).len() > 1
    });
    large.map(|(passage, words)| Found::words(passage, &words, "the publisher says this of itself, and nothing bears it out; leave it out")).collect()
}
