//! `equal_sections`: sections that are cut to one length, as nobody writes them.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};
use crate::text::Kind;

pub(crate) const RULE: Rule = Rule {
    name: "equal_sections",
    severity: Severity::Warning,
    pattern: "four or more sections of 40 words or more, none of which is so many hundredths longer or shorter than their mean",
    threshold: Some(8),
    find,
};

/// The fewest sections that are held against each other, and the fewest words of one.
const SECTIONS: usize = 4;
const WORDS: usize = 40;

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let mut sections: Vec<usize> = Vec::new();
    for passage in &seen.text.passages {
        match passage.kind {
            Kind::Heading(level) if level <= 2 => sections.push(0),
            _ => {
                if let Some(last) = sections.last_mut() {
                    *last += passage.words.len();
                }
            }
        }
    }
    let all: usize = sections.iter().sum();
    let count = sections.len();
    let most = usize::try_from(seen.threshold).unwrap_or_default();
    let alike = |words: &usize| *words >= WORDS && words.abs_diff(all / count) * count * 100 <= all * most;
    let equal = count >= SECTIONS && sections.iter().all(alike);
    let told = || format!("all {count} sections have about {} words; let each be as long as what it says", all / count);
    equal.then(|| Found::new(told())).into_iter().collect()
}
