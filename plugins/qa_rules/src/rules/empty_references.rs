//! `empty_references`: a list of sources that names none.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};
use crate::text::Kind;

pub(crate) const RULE: Rule = Rule {
    name: "empty_references",
    severity: Severity::Warning,
    pattern: "a heading sources, references, citations, bibliography or further reading, and below it no link and no item of three words",
    threshold: None,
    find,
};

const HEADINGS: [&str; 5] = ["sources", "references", "citations", "bibliography", "further reading"];
/// The fewest words that name a source without a link: an author and a title.
const WORDS: usize = 3;

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let passages = &seen.text.passages;
    let mut found = Vec::new();
    for (index, heading) in passages.iter().enumerate() {
        let name = heading.text.trim().trim_end_matches(':').to_lowercase();
        if !matches!(heading.kind, Kind::Heading(_)) || !HEADINGS.contains(&name.as_str()) {
            continue;
        }
        let rest = &passages[index + 1..];
        let below = rest.iter().position(|it| matches!(it.kind, Kind::Heading(_))).unwrap_or(rest.len());
        let end = rest.get(below).map_or(usize::MAX, |next| next.at);
        let linked = seen.text.links.iter().any(|link| heading.at < link.at && link.at < end);
        let named = rest[..below].iter().any(|it| it.kind == Kind::Item && it.words.len() >= WORDS);
        // One with nothing at all below it is an empty section.
        if below > 0 && !linked && !named {
            found.push(Found::new("no source stands below the heading").at(heading.at, &heading.text));
        }
    }
    found
}
