//! `code_block_density`: a text for programmers without code.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "code_block_density",
    severity: Severity::Warning,
    pattern: "only if `technical`: fewer code blocks than one for each 700 words, from 200 words on",
    threshold: Some(200),
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let words = seen.text.count();
    if !seen.lists.technical || words < usize::try_from(seen.threshold).unwrap_or_default() {
        return Vec::new();
    }
    let (there, wanted) = (seen.text.fences.len(), words.div_ceil(700));
    let few = (there < wanted).then(|| Found::new(format!("{words} words have {there} code blocks, and readers expect {wanted}; show how it is done")));
    few.into_iter().collect()
}
