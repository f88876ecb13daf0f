//! `leaked_image_prompt`: what a picture was to show, as text.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "leaked_image_prompt",
    severity: Severity::Warning,
    pattern: "a paragraph in italics that begins with A, An, Imagine, Visual, Split or Close, has 40 characters, and describes a picture",
    threshold: None,
    find,
};

const BEGINS: [&str; 6] = ["a", "an", "imagine", "visual", "split", "close"];
const SEEN: [&str; 22] = [
    "illustration", "photo", "photograph", "photorealistic", "render", "rendering", "scene", "showing", "depicting", "depicts", "background", "foreground", "lighting", "isometric", "diagram", "cinematic", "minimalist", "close-up", "split-screen", "palette", "style", "aerial",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let emphasised = seen.text.body().filter(|passage| passage.emphasised && passage.text.chars().count() >= 40);
    let prompts = emphasised.filter(|passage| {
        let first = passage.words.first().map_or("", |word| word.lower.as_str());
        let first = first.split('-').next().unwrap_or_default();
        BEGINS.contains(&first) && passage.words.iter().any(|word| SEEN.contains(&word.lower.as_str()))
    });
    let mut found: Vec<Found> = prompts.map(|passage| Found::new("it says what a picture shows; take it out").at(passage.at, &passage.text)).collect();
    for (at, line) in seen.text.lines() {
        let prompt = line.trim().strip_prefix(": *").and_then(|rest| rest.strip_suffix('*'));
        if let Some(prompt) = prompt.filter(|it| it.len() >= 30 && it.starts_with(char::is_uppercase)) {
            found.push(Found::new("it says what a picture shows; take it out").at(at, prompt));
        }
    }
    found
}
