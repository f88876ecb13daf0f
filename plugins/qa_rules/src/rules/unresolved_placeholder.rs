//! `unresolved_placeholder`: a link that was never made.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "unresolved_placeholder",
    severity: Severity::Error,
    pattern: "[posts/…] that is no link, [POST_ID: …], {{…}} outside of code",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let prose = &seen.text.prose;
    let bracketed = crate::rules::bracketed(prose).into_iter();
    let places = bracketed.filter(|it| {
        let linked = prose[it.at + it.whole.len()..].starts_with('(');
        let post = it.inner.starts_with("posts/") && !linked;
        post || it.inner.starts_with("POST_ID:") || it.inner.starts_with("TODO")
    });
    let mut found: Vec<Found> = places.map(|it| Found::new("nothing was put in its place; link to the post, or take it out").at(it.at, it.whole)).collect();
    for (at, _) in prose.match_indices("{{") {
        if let Some(length) = prose[at..].find("}}") && !prose[at..at + length].contains('\n') {
            found.push(Found::new("nothing was put in its place").at(at, &prose[at..at + length + 2]));
        }
    }
    found
}
