//! `placeholder_citation`: a source that was never named.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "placeholder_citation",
    severity: Severity::Error,
    pattern: "[citation needed], [internal source 1], a link to `url` or `link`, a bare (source) or (citation)",
    threshold: None,
    find,
};

const TARGETS: [&str; 8] = ["url", "link", "source", "citation", "#source", "insert-url-here", "your-link-here", "example-url"];
const BARE: [&str; 9] = [
    "(source)", "(citation)", "(reference)", "(link)", "(url)", "(source needed)", "(citation needed)", "(add a source)", "(insert a source)",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let prose = &seen.text.prose;
    let bracketed = crate::rules::bracketed(prose).into_iter();
    let needed = bracketed.filter(|it| {
        let inner = it.inner.to_lowercase();
        let internal = ["internal snippet", "internal source"].iter().any(|mark| inner.starts_with(mark));
        internal || inner == "citation needed" || inner == "source needed"
    });
    let message = "there is no source; link to it, or take it out";
    let mut found: Vec<Found> = needed.map(|it| Found::new(message).at(it.at, it.whole)).collect();
    for link in seen.text.links.iter().filter(|link| !link.image) {
        let url = link.url.to_lowercase().replace(['_', ' ', '%'], "-").replace("-20", "-");
        if TARGETS.contains(&url.as_str()) || url.starts_with("internal") {
            found.push(Found::new(message).at(link.at, &format!("[{}]({})", link.text, link.url)));
        }
    }
    let lower = prose.to_ascii_lowercase();
    for bare in BARE {
        for (at, _) in lower.match_indices(bare) {
            let linked = lower[..at].ends_with(']');
            if !linked {
                found.push(Found::new(message).at(at, &prose[at..at + bare.len()]));
            }
        }
    }
    found
}
