//! Markdown as what it is made of: paragraphs, items of lists and headings, each as one line of
//! text with its code apart. It is read by the parser that shows posts.

use comrak::nodes::{ListType, Node, NodeValue};

use super::{Unshowable, parsed};

/// The most bytes that are read; messages of commits are cut to less.
const TEXT: usize = 16 << 10;
/// Stands for `_`, which is a part of names here and never an emphasis.
const LOW_LINE: char = '\u{e05f}';

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// What stands in a code span.
    Code(String),
}

/// A part of a text that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Heading(Vec<Piece>),
    Paragraph(Vec<Piece>),
    /// An item of a list that is in no other list, with what belongs to it.
    Item {
        /// The character that marks it; a digit if it is numbered.
        mark: char,
        paragraphs: Vec<Vec<Piece>>,
    },
}

/// The paragraphs, items and headings of a text. Code, quotes, tables, pictures and HTML are left
/// out, and of a link its text stays.
pub fn blocks(text: &str) -> Result<Vec<Block>, Unshowable> {
    if text.len() > TEXT {
        return Err(Unshowable::Long);
    }
    let text = text.replace('_', &LOW_LINE.to_string());
    parsed(&text, |root| root.children().flat_map(block).collect())
}

fn block(node: Node<'_>) -> Vec<Block> {
    match &node.data().value {
        NodeValue::Heading(_) => vec![Block::Heading(pieces(node))],
        NodeValue::Paragraph => vec![Block::Paragraph(pieces(node))],
        NodeValue::List(list) => {
            let mark = match list.list_type {
                ListType::Bullet => char::from(list.bullet_char),
                ListType::Ordered => '1',
            };
            let items = node.children().map(|item| Block::Item {
                mark,
                paragraphs: paragraphs(item),
            });
            items.collect()
        }
        _ => Vec::new(),
    }
}

fn paragraphs(item: Node<'_>) -> Vec<Vec<Piece>> {
    let children = item.children();
    let told = children.filter(|child| matches!(child.data().value, NodeValue::Paragraph));
    told.map(pieces).collect()
}

/// The pieces of a line, neighbours joined.
fn pieces(node: Node<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for child in node.children() {
        inline(child, &mut pieces);
    }
    if let Some(Piece::Text(text)) = pieces.first_mut() {
        *text = unchecked(text.trim_start()).to_owned();
    }
    if let Some(Piece::Text(text)) = pieces.last_mut() {
        text.truncate(text.trim_end().len());
    }
    pieces
}

/// Without the box of a task.
fn unchecked(text: &str) -> &str {
    let boxes = ["[ ] ", "[x] ", "[X] "];
    let rest = boxes.iter().find_map(|mark| text.strip_prefix(mark));
    rest.unwrap_or(text)
}

fn inline(node: Node<'_>, pieces: &mut Vec<Piece>) {
    let around = |mark: &str, pieces: &mut Vec<Piece>| {
        push(pieces, mark);
        node.children().for_each(|child| inline(child, pieces));
        push(pieces, mark);
    };
    match &node.data().value {
        NodeValue::Text(text) => push(pieces, text),
        NodeValue::HtmlInline(text) => push(pieces, text),
        NodeValue::Code(code) => pieces.push(Piece::Code(plain(&code.literal))),
        NodeValue::SoftBreak | NodeValue::LineBreak => end_line(pieces, node),
        // Marks of emphasis are as often signs of something else: `count(*)`, `a*b*c`.
        NodeValue::Emph => around("*", pieces),
        NodeValue::Strong => around("**", pieces),
        NodeValue::Strikethrough => around("~~", pieces),
        NodeValue::Image(_) => {}
        // `list[0](x)` leads nowhere: it is code.
        NodeValue::Link(link) if !link.url.contains(['/', '.', '#', ':']) => {
            push(pieces, "[");
            node.children().for_each(|child| inline(child, pieces));
            push(pieces, &format!("]({})", link.url));
        }
        _ => node.children().for_each(|child| inline(child, pieces)),
    }
}

/// Lines of a paragraph are joined by a space, where the script has spaces.
fn end_line(pieces: &mut Vec<Piece>, node: Node<'_>) {
    let before = match pieces.last() {
        Some(Piece::Text(text)) => text.chars().next_back(),
        _ => None,
    };
    let after = node
        .next_sibling()
        .and_then(|next| match &next.data().value {
            NodeValue::Text(text) => text.chars().next(),
            _ => None,
        });
    if !(before.is_some_and(is_spaceless) && after.is_some_and(is_spaceless)) {
        push(pieces, " ");
    }
}

/// Whether a character belongs to a script that puts no spaces between words.
pub fn is_spaceless(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff65}'
        | '\u{20000}'..='\u{3ffff}')
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    let text = plain(text);
    match pieces.last_mut() {
        Some(Piece::Text(before)) => before.push_str(&text),
        _ => pieces.push(Piece::Text(text)),
    }
}

fn plain(text: &str) -> String {
    text.replace(LOW_LINE, "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn paragraphs_are_joined_and_code_is_untouched() {
        let read = blocks(
            "Call `map[key](arg)`\nin __init__.py once\n\n    code()\n\n# Why\n\n* a\n\n  b\n* [x] c\n\n<div>\n</div>\n\n> said",
        );
        let code = Piece::Code("map[key](arg)".to_owned());
        assert_eq!(
            read,
            Ok(vec![
                Block::Paragraph(vec![text("Call "), code, text(" in __init__.py once")]),
                Block::Heading(vec![text("Why")]),
                Block::Item {
                    mark: '*',
                    paragraphs: vec![vec![text("a")], vec![text("b")]]
                },
                Block::Item {
                    mark: '*',
                    paragraphs: vec![vec![text("c")]]
                },
            ])
        );
    }

    #[test]
    fn signs_stay_signs_and_scripts_without_spaces_have_none() {
        let read =
            blocks("SELECT *, count(*) [see](javascript:x) ![p](q) a[0](x) <b>\n错误。\n现在");
        let line = text("SELECT *, count(*) see  a[0](x) <b> 错误。现在");
        assert_eq!(read, Ok(vec![Block::Paragraph(vec![line])]));
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        assert_eq!(blocks(&">".repeat(1_000)), Err(Unshowable::Deep));
    }
}
