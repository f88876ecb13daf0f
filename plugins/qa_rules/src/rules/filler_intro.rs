//! `filler_intro`: a beginning that only says that it begins.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "filler_intro",
    severity: Severity::Warning,
    pattern: "in this post, article or guide; in today’s fast-paced; let’s dive in: in the first 500 characters of the text",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let written = ["in this post|article|guide|tutorial|piece", "in today's fast-paced|digital|modern|world", "let's dive|explore|delve in|into"];
    let first = seen.text.body().next().map_or(0, |passage| passage.at);
    let found = phrases(seen.text, &written).into_iter();
    let early = found.filter(|(passage, words)| passage.words[words.start].at < first + 500);
    early.map(|(passage, words)| Found::words(passage, &words, "it only says that it begins; begin with what it is about")).collect()
}
