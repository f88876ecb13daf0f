//! Markdown as its parts, each as it is written: what a stage changes, and what it leaves alone.

use comrak::nodes::{Node, NodeValue};

use super::{Unshowable, parsed};

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    Heading(u8),
    /// A paragraph of words; one of nothing but pictures is [`Other`](Self::Other).
    Paragraph,
    List,
    /// Code, a table, a quote, a picture: nothing that is rewritten.
    Other,
}

/// One part of a text, without the empty lines around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPart {
    pub kind: PartKind,
    /// As it is written; of a heading, without its marks.
    pub text: String,
}

/// The parts of a text, which can be joined by empty lines again.
pub fn parts(text: &str) -> Result<Vec<TextPart>, Unshowable> {
    parsed(text, |root| read(root, text))
}

/// The items of a list, each with all of its lines and what is below it.
pub fn items(list: &str) -> Result<Vec<String>, Unshowable> {
    parsed(list, |root| {
        let lines: Vec<&str> = list.lines().collect();
        let items = root.children().flat_map(comrak::arena_tree::Node::children);
        items.map(|item| part(item, &lines).text).collect()
    })
}

fn read(root: Node<'_>, text: &str) -> Vec<TextPart> {
    let lines: Vec<&str> = text.lines().collect();
    let parts = root.children().map(|node| part(node, &lines));
    parts.filter(|part| !part.text.is_empty()).collect()
}

fn part(node: Node<'_>, lines: &[&str]) -> TextPart {
    let data = node.data();
    let (first, last) = (data.sourcepos.start.line, data.sourcepos.end.line);
    let own = lines.get(first.saturating_sub(1)..last.min(lines.len()));
    let written = own.unwrap_or_default().join("\n");
    let written = written.trim_end().to_owned();
    match &data.value {
        NodeValue::Heading(heading) => {
            let line = written.lines().next().unwrap_or_default();
            let text = line
                .trim()
                .trim_start_matches('#')
                .trim_end_matches('#')
                .trim();
            TextPart {
                kind: PartKind::Heading(heading.level),
                text: text.to_owned(),
            }
        }
        NodeValue::Paragraph => TextPart {
            kind: if pictures(node) {
                PartKind::Other
            } else {
                PartKind::Paragraph
            },
            text: written.trim().to_owned(),
        },
        NodeValue::List(_) => TextPart {
            kind: PartKind::List,
            text: written,
        },
        _ => TextPart {
            kind: PartKind::Other,
            text: written,
        },
    }
}

/// Whether a paragraph is nothing but pictures.
fn pictures(node: Node<'_>) -> bool {
    node.children().all(|child| {
        matches!(
            child.data().value,
            NodeValue::Image(_) | NodeValue::SoftBreak | NodeValue::LineBreak
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_they_are_written() {
        let text = "# One\n\nSome *words*\non two lines.\n\n- a\n- b\n\n![p](q.png)\n\n```\n# no heading\n```\n\nTwo\n---\n\nlast";
        let read = parts(text).expect("parts");
        let kinds: Vec<PartKind> = read.iter().map(|part| part.kind).collect();
        assert_eq!(
            kinds,
            [
                PartKind::Heading(1),
                PartKind::Paragraph,
                PartKind::List,
                PartKind::Other,
                PartKind::Other,
                PartKind::Heading(2),
                PartKind::Paragraph
            ]
        );
        let texts: Vec<&str> = read.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(
            texts[1..4],
            ["Some *words*\non two lines.", "- a\n- b", "![p](q.png)"]
        );
        assert_eq!((texts[4], texts[5]), ("```\n# no heading\n```", "Two"));
    }
}
