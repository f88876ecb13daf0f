//! `fake_quote`: words in somebody’s mouth.

use crate::phrase::Phrase;
use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "fake_quote",
    severity: Severity::Error,
    pattern: "10 to 200 characters in quotation marks and who said them; said, a name and a title; unless it is linked",
    threshold: None,
    find,
};

const SAYS: &str = "said|says|explained|explains|noted|notes|added|adds|argued|argues|recalled|recalls|told|tells|put|puts";

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let after = Phrase::new(&format!("{SAYS} Aa"));
    let before = Phrase::new(&format!("Aa Aa? {SAYS}"));
    let mut found = Vec::new();
    for passage in seen.text.body() {
        for (from, to) in quoted(&passage.text) {
            let next = passage.words.iter().position(|word| word.range.start >= to);
            let Some(next) = next else { continue };
            let gap = &passage.text[to..passage.words[next].range.start];
            let close = gap.chars().all(|c| c.is_whitespace() || c == ',' || c == '–' || c == '—');
            let said = [&after, &before].into_iter().find_map(|phrase| phrase.at(passage, next));
            if let Some(end) = said.filter(|_| close) && !passage.is_sourced(next) {
                let excerpt = &passage.text[from..passage.words[end - 1].range.end];
                found.push(Found::new("nobody is known to have said this; link to where it was said, or leave it out").at(passage.place(from), excerpt));
            }
        }
    }
    let titled = phrases(seen.text, &["said|says Aa Aa , the|our? ceo|cto|cfo|vp|director|head|founder|lead|manager"]).into_iter();
    let titled = titled.filter(|(passage, words)| !passage.is_sourced(words.start));
    found.extend(titled.map(|(passage, words)| Found::words(passage, &words, "nobody is known to have said this; link to where it was said, or leave it out")));
    found
}

/// What stands in quotation marks, 10 to 200 characters of it.
fn quoted(text: &str) -> Vec<(usize, usize)> {
    let mut open = None;
    let mut quoted = Vec::new();
    for (at, c) in text.char_indices() {
        match (c, open) {
            ('“', _) | ('"', None) => open = Some(at),
            ('”' | '"', Some(from)) => {
                let length = text[from..at].chars().count();
                if (11..=201).contains(&length) {
                    quoted.push((from, at + c.len_utf8()));
                }
                open = None;
            }
            _ => {}
        }
    }
    quoted
}
