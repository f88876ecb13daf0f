//! `citation_artifact`: a mark of a source in a list that is not there.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "citation_artifact",
    severity: Severity::Warning,
    pattern: "[12] that is no link and not behind a word as in code; (Smith, 2023); (Smith et al., 2024)",
    threshold: None,
    find,
};

const MONTHS: &str = "January February March April May June July August September October November December";

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let prose = &seen.text.prose;
    let message = "it points to a list that is not there; link to the source";
    let mut found = Vec::new();
    for it in crate::rules::bracketed(prose) {
        let digits = (1..=3).contains(&it.inner.len()) && it.inner.bytes().all(|byte| byte.is_ascii_digit());
        let indexed = prose[..it.at].ends_with(|c: char| c.is_alphanumeric() || c == ')' || c == ']' || c == '!');
        let linked = prose[it.at + it.whole.len()..].starts_with(['(', '[', ':']);
        if digits && !indexed && !linked {
            found.push(Found::new(message).at(it.at, it.whole));
        }
    }
    for (at, _) in prose.match_indices('(') {
        let Some(length) = prose[at..].find(')').filter(|length| *length < 60) else { continue };
        let inner = &prose[at + 1..at + length];
        let Some((name, year)) = inner.rsplit_once(", ") else { continue };
        let dated = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let first = name.split(' ').next().unwrap_or_default();
        let named = first.starts_with(char::is_uppercase) && !MONTHS.contains(first) && (name == first || name.ends_with("et al.") || name.contains(" & ") || name.contains(" and "));
        if dated && named && !prose[..at].ends_with(']') {
            found.push(Found::new(message).at(at, &prose[at..=at + length]));
        }
    }
    found
}
