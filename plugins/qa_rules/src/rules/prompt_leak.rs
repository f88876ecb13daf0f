//! `prompt_leak`: what a model was told to do.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "prompt_leak",
    severity: Severity::Error,
    pattern: "one exact order to a model, or so many paraphrases: expand the draft, N words at least, do not add a preamble, preserve all facts, end with a complete sentence",
    threshold: Some(2),
    find,
};

const EXACT: [&str; 8] = [
    "as an ai language model", "return only the", "respond only with", "do not include any preamble", "output only the", "you are a helpful assistant", "here is the revised", "here is the rewritten",
];
const SHAPES: [&str; 8] = [
    "expand the draft|article|post", "at least|between # and|words #? words?", "do not|no pad|padding the|or", "no preamble|explanations|commentary", "preserve all|the facts|links|citations", "genuine substance", "end with a complete sentence", "keep the same tone|structure|format",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let lower = seen.text.prose.to_ascii_lowercase();
    let message = "a model was told so; take it out";
    let mut found: Vec<Found> = EXACT.iter().filter_map(|order| {
        let at = lower.find(order)?;
        Some(Found::new(message).at(at, &seen.text.prose[at..at + order.len()]))
    }).collect();
    let shapes: Vec<_> = SHAPES.iter().filter_map(|shape| phrases(seen.text, &[*shape]).into_iter().next()).collect();
    let many = shapes.len() >= usize::try_from(seen.threshold).unwrap_or(2);
    if let Some((passage, words)) = shapes.first().filter(|_| many && found.is_empty()) {
        found.push(Found::words(passage, words, message));
    }
    found
}
