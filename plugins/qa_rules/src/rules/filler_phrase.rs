//! `filler_phrase`: words that say nothing.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "filler_phrase",
    severity: Severity::Warning,
    pattern: "many companies have found; the landscape is constantly evolving; in today’s fast-paced world; the possibilities are endless; the future of it is here; unlock the potential of",
    threshold: None,
    find,
};

const FILLERS: [&str; 9] = [
    "many organizations|organisations|companies|teams|businesses have found|discovered|realized|realised",
    "the _? landscape|world of? _? is constantly|rapidly|ever evolving|changing",
    "in today's _? fast-paced|rapidly|digital|modern|ever-changing|ever-evolving|competitive",
    "the journey|possibilities is|are rewarding|endless",
    "the future of _ _? is here|local|bright|now",
    "the future of _ _? is within reach",
    "unlock|unlocking the full|true? potential|power of",
    "take your _ to the next level",
    "a game changer|game-changer",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = phrases(seen.text, &FILLERS).into_iter();
    found.map(|(passage, words)| Found::words(passage, &words, "it says nothing; say what is meant, or leave it out")).collect()
}
