//! `repeated_opener`: sentences that begin alike.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};
use crate::text::Kind;

pub(crate) const RULE: Rule = Rule {
    name: "repeated_opener",
    severity: Severity::Warning,
    pattern: "so many sentences in a row that begin with the same word, which is no article",
    threshold: Some(3),
    find,
};

const ARTICLES: [&str; 3] = ["the", "a", "an"];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let most = usize::try_from(seen.threshold).unwrap_or(3);
    let mut found = Vec::new();
    for passage in seen.text.body().filter(|passage| passage.kind == Kind::Paragraph) {
        let sentences = passage.sentences();
        let openers: Vec<&str> = sentences.iter().map(|words| passage.words[words.start].lower.as_str()).collect();
        if let Some(at) = openers.windows(most.max(2)).position(|row| !ARTICLES.contains(&row[0]) && row.iter().all(|it| *it == row[0])) {
            found.push(Found::words(passage, &sentences[at], format!("{most} sentences in a row begin with “{}”", openers[at])));
        }
    }
    found
}
