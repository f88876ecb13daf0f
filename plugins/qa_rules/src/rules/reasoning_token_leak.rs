//! `reasoning_token_leak`: what a model says to itself.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "reasoning_token_leak",
    severity: Severity::Error,
    pattern: "<|…|>, <think>, </think>, <thinking>, <reasoning> outside of code",
    threshold: None,
    find,
};

const TOKENS: [&str; 8] = ["<think>", "</think>", "<thinking>", "</thinking>", "<reasoning>", "</reasoning>", "<|im_start", "<|im_end"];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let lower = seen.text.prose.to_ascii_lowercase();
    let mut places: Vec<(usize, usize)> = TOKENS.iter().flat_map(|token| lower.match_indices(token).map(|(at, it)| (at, at + it.len()))).collect();
    for (at, _) in lower.match_indices("<|") {
        if let Some(length) = lower[at..].find("|>").filter(|length| *length < 40) {
            places.push((at, at + length + 2));
        }
    }
    places.sort_unstable();
    places.dedup_by_key(|(at, _)| *at);
    places.into_iter().map(|(at, end)| Found::new("a model said it to itself; take it out").at(at, &seen.text.prose[at..end])).collect()
}
