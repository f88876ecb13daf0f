//! The links and pictures of a text, by the parser that shows it.

use std::ops::Range;

use comrak::nodes::{Node, NodeValue};

use super::pictures::LineStarts;
use super::{Unshowable, parsed};

/// Where a text leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub url: String,
    /// The line, from 1.
    pub line: u32,
}

/// Its links and pictures, in their order.
pub fn links(text: &str) -> Result<Vec<Link>, Unshowable> {
    parsed(text, read)
}

fn read(root: Node<'_>) -> Vec<Link> {
    let links = root.descendants().filter_map(|node| {
        let data = node.data();
        let (NodeValue::Link(link) | NodeValue::Image(link)) = &data.value else {
            return None;
        };
        Some(Link {
            url: link.url.clone(),
            line: u32::try_from(data.sourcepos.start.line).unwrap_or_default(),
        })
    });
    links.collect()
}

/// A text with something else in the place of some of its links and pictures; `instead` is given the address
/// and the words of each, as they are written.
pub fn relinked(
    text: &str,
    mut instead: impl FnMut(&str, &str) -> Option<String>,
) -> Result<String, Unshowable> {
    let found: Vec<(Range<usize>, String)> = parsed(text, |root| {
        let lines = LineStarts::of(text);
        let all = root.descendants().filter_map(|node| {
            let data = node.data();
            let (NodeValue::Link(link) | NodeValue::Image(link)) = &data.value else {
                return None;
            };
            let place = lines.place(data.sourcepos);
            let written = text.get(place.clone())?;
            // What is somewhere else than the parser says stays, and is seen by whoever looks again.
            let begins = written.starts_with(['[', '<']) || written.starts_with("![");
            let new = begins.then(|| instead(&link.url, &words(node, text, &lines)))??;
            Some((place, new))
        });
        all.collect()
    })?;
    let mut new = text.to_owned();
    let mut before = text.len();
    for (place, words) in found.into_iter().rev() {
        // A picture within a link goes with it.
        if place.end <= before {
            before = place.start;
            new.replace_range(place, &words);
        }
    }
    Ok(new)
}

/// The words of a link as they are written.
fn words(node: Node<'_>, text: &str, lines: &LineStarts) -> String {
    let plain = || {
        let words = node.collect_text();
        let escaped = words.chars().flat_map(|c| {
            let mark = c.is_ascii_punctuation() && "\\`*_[]<>|!".contains(c);
            mark.then_some('\\').into_iter().chain([c])
        });
        escaped.collect::<String>()
    };
    let ends = node.first_child().zip(node.last_child());
    let written = ends.and_then(|(first, last)| {
        let place =
            lines.place(first.data().sourcepos).start..lines.place(last.data().sourcepos).end;
        let whole = lines.place(node.data().sourcepos);
        // Only if that is what stands within its brackets.
        let inside = text.get(whole.start..place.start)?.trim_start_matches('!') == "["
            && text.get(place.end..)?.starts_with(']');
        inside.then(|| text.get(place))?.map(str::to_owned)
    });
    written.unwrap_or_else(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_link_can_become_its_words() {
        let text = "é [*one* `x`](https://a.example/ \"t\") and <https://made.up/>, [two][1] [1], ![p][1] \
            and `[code](u)` [three](/x)\n[1]: https://made.up/y\n\n- [four](u)\n\n[1]: https://made.up/z";
        let gone = relinked(text, |url, words| (url != "/x").then(|| words.to_owned()));
        let gone = gone.expect("Markdown");
        let left: Vec<_> = links(&gone)
            .expect("links")
            .into_iter()
            .map(|it| it.url)
            .collect();
        assert_eq!(left, ["/x"], "{gone}");
        assert!(
            gone.starts_with("é *one* `x` and https://made.up/, two 1, p and `[code](u)`"),
            "{gone}"
        );
    }

    #[test]
    fn links_have_their_lines_and_code_has_none() {
        let found = links(
            "a\n\n[x](https://a.example/) and ![p](b.png)\n\n`[y](https://c.example)` <https://d.example>",
        );
        let found = found
            .expect("links")
            .into_iter()
            .map(|it| (it.url, it.line));
        let wanted = [
            ("https://a.example/", 3),
            ("b.png", 3),
            ("https://d.example", 5),
        ];
        let wanted = wanted.map(|(url, line)| (url.to_owned(), line));
        assert_eq!(found.collect::<Vec<_>>(), wanted);
    }
}
