//! `hedging`: a text that does not say it.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "hedging",
    severity: Severity::Warning,
    pattern: "more than so many of 1,000 words are may, might, could, perhaps, arguably, probably, somewhat",
    threshold: Some(20),
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    const HEDGES: [&str; 9] = ["might", "perhaps", "arguably", "probably", "possibly", "somewhat", "maybe", "seemingly", "potentially"];
    let count = seen.text.count();
    let words = seen.text.body().flat_map(|passage| &passage.words);
    let hedges = words.filter(|word| HEDGES.contains(&word.lower.as_str())).count();
    let many = count >= 60 && hedges * 1_000 > count * usize::try_from(seen.threshold).unwrap_or_default();
    many.then(|| Found::new(format!("{hedges} of {count} words hedge; say what is known"))).into_iter().collect()
}
