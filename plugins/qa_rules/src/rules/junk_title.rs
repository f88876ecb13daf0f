//! `junk_title`: what is no title.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "junk_title",
    severity: Severity::Error,
    pattern: "no title; a title of more than 100 characters, with a bad last character, a label such as SEO keywords:, a mark of Markdown or a think block",
    threshold: Some(100),
    find,
};

const LABELS: [&str; 9] = [
    "title:", "seo keywords:", "keywords:", "heading:", "intent-based:", "seo title:", "here is", "here's", "sure,",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let title = seen.text.title.trim();
    let lower = title.to_lowercase();
    let most = usize::try_from(seen.threshold).unwrap_or_default();
    let length = title.chars().count();
    let problem = if title.is_empty() {
        "there is no title".to_owned()
    } else if length > most {
        format!("the title has {length} characters, and {most} are the most")
    } else if title.ends_with([',', ';', ':', '-', '–', '&', '(', '[', '{']) {
        "the title ends in the middle".to_owned()
    } else if let Some(label) = LABELS.iter().find(|label| lower.starts_with(**label)) {
        format!("the title begins with “{label}”")
    } else if title.starts_with(['#', '*', '-', '>', '`']) || lower.contains("<think") {
        "the title has marks that are no part of it".to_owned()
    } else {
        return Vec::new();
    };
    vec![Found::new(problem).about(title)]
}
