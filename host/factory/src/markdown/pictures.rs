//! Pictures in a text: where they stand, and how one is put there without writing the rest anew.
//! The tree says where; the text itself is changed at that place alone.

use std::ops::Range;

use comrak::nodes::{Node, NodeValue, Sourcepos};

use super::{Unshowable, parsed};

/// Where kept pictures are, below the site's address.
pub const KEPT: &str = "/media/";

/// A heading, and the first paragraph below it, as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadedSection {
    pub heading: String,
    pub text: String,
}

/// A picture of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedPicture {
    pub src: String,
    pub alt: String,
    /// Where it stands in the text, in bytes.
    place: Range<usize>,
    /// Whether it is a paragraph of its own.
    alone: bool,
}

/// A picture to put below a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureBelow<'p> {
    pub heading: &'p str,
    pub src: &'p str,
    pub alt: &'p str,
}

/// The headings of a text that are in nothing else, in order.
pub fn sections(markdown: &str) -> Result<Vec<HeadedSection>, Unshowable> {
    parsed(markdown, |root| {
        let mut sections: Vec<HeadedSection> = Vec::new();
        for node in root.children() {
            match (&node.data().value, sections.last_mut()) {
                (NodeValue::Heading(_), _) => sections.push(HeadedSection {
                    heading: line(&node.collect_text()),
                    text: String::new(),
                }),
                (NodeValue::Paragraph, Some(section)) if section.text.is_empty() => {
                    section.text = line(&node.collect_text());
                }
                _ => {}
            }
        }
        sections
    })
}

/// The pictures of a text, in order.
pub fn shown(markdown: &str) -> Result<Vec<PlacedPicture>, Unshowable> {
    parsed(markdown, |root| {
        let lines = &LineStarts::of(markdown);
        let nodes = root.descendants();
        nodes
            .filter_map(|node| picture(node, markdown, lines))
            .collect()
    })
}

/// The text with pictures below their headings and without those that were placed there before;
/// and the headings that are not there. Placing the same again changes nothing.
pub fn place(
    markdown: &str,
    pictures: &[PictureBelow<'_>],
) -> Result<(String, Vec<String>), Unshowable> {
    let mut text = without(markdown)?;
    let mut lost = Vec::new();
    // From the end, so that what comes first of two below one heading stands first.
    for picture in pictures.iter().rev() {
        match below(&text, picture.heading)? {
            Some(at) => {
                let gap = if text[..at].ends_with('\n') {
                    "\n"
                } else {
                    "\n\n"
                };
                let rest = text[at..].trim_start_matches('\n');
                let end = if rest.is_empty() { "\n" } else { "\n\n" };
                let picture = written(picture.src, picture.alt);
                text = format!("{}{gap}{picture}{end}{rest}", &text[..at]);
            }
            None => lost.push(picture.heading.to_owned()),
        }
    }
    Ok((text, lost))
}

/// The text with another picture in the place of the one of a number, counted from 1; `None` if
/// it has not so many.
pub fn replace(
    markdown: &str,
    number: u32,
    src: &str,
    alt: &str,
) -> Result<Option<String>, Unshowable> {
    let shown = shown(markdown)?;
    let index = usize::try_from(number).unwrap_or(usize::MAX).checked_sub(1);
    let Some(found) = index.and_then(|index| shown.get(index)) else {
        return Ok(None);
    };
    let Range { start, end } = found.place.clone();
    let picture = written(src, alt);
    Ok(Some(format!(
        "{}{picture}{}",
        &markdown[..start],
        &markdown[end..]
    )))
}

/// The text with other words for the kept pictures that `alt` has some for.
pub fn captioned(
    markdown: &str,
    alt: impl Fn(&str) -> Option<String>,
) -> Result<String, Unshowable> {
    let mut text = markdown.to_owned();
    for found in shown(markdown)?.into_iter().rev() {
        if let Some(alt) = alt(&found.src) {
            text.replace_range(found.place, &written(&found.src, &alt));
        }
    }
    Ok(text)
}

/// The text with other addresses of the kept pictures, by their names.
pub fn moved(markdown: &str, to: impl Fn(&str) -> String) -> Result<String, Unshowable> {
    readdressed(markdown, |src, _| src.strip_prefix(KEPT).map(&to))
}

/// The text with other addresses of those pictures for which there is one, by address and alt text.
pub fn readdressed(
    markdown: &str,
    mut to: impl FnMut(&str, &str) -> Option<String>,
) -> Result<String, Unshowable> {
    let mut text = markdown.to_owned();
    for found in shown(markdown)?.into_iter().rev() {
        if let Some(src) = to(&found.src, &found.alt) {
            text.replace_range(found.place, &written(&src, &found.alt));
        }
    }
    Ok(text)
}

/// The text without the kept pictures that are paragraphs of their own.
pub fn without(markdown: &str) -> Result<String, Unshowable> {
    let mut text = markdown.to_owned();
    let kept = shown(markdown)?.into_iter();
    for found in kept.filter(|it| it.alone && it.src.starts_with(KEPT)).rev() {
        let before = text[..found.place.start].trim_end_matches('\n').len();
        let rest = text[found.place.end..].trim_start_matches('\n');
        let gap = match (before, rest) {
            (0, _) => "",
            (_, "") => "\n",
            _ => "\n\n",
        };
        text = format!("{}{gap}{rest}", &text[..before]);
    }
    Ok(text)
}

/// Where the text below a heading begins.
fn below(markdown: &str, heading: &str) -> Result<Option<usize>, Unshowable> {
    let wanted = line(heading);
    parsed(markdown, |root| {
        let lines = &LineStarts::of(markdown);
        let mut headings = root.children().filter(|node| {
            matches!(node.data().value, NodeValue::Heading(_))
                && line(&node.collect_text()) == wanted
        });
        let last = headings.next()?.data().sourcepos.end.line;
        Some(lines.end(last))
    })
}

fn picture(node: Node<'_>, markdown: &str, lines: &LineStarts) -> Option<PlacedPicture> {
    let NodeValue::Image(link) = &node.data().value else {
        return None;
    };
    let parent = node.parent()?;
    let only = node.previous_sibling().is_none() && node.next_sibling().is_none();
    let alone = only
        && matches!(parent.data().value, NodeValue::Paragraph)
        && parent
            .parent()
            .is_some_and(|above| above.parent().is_none());
    // The place of a paragraph is its lines, which is the picture when it is all there is.
    let place = lines.place(if only { parent } else { node }.data().sourcepos);
    let written = markdown.get(place.clone())?;
    let begins = written.len() - written.trim_start().len();
    let place = place.start + begins..place.start + written.trim_end().len();
    markdown
        .get(place.clone())?
        .starts_with("![")
        .then(|| PlacedPicture {
            src: link.url.clone(),
            alt: node.collect_text(),
            place,
            alone,
        })
}

/// Where the lines of a text begin, and its end.
pub(super) struct LineStarts(Vec<usize>);

impl LineStarts {
    pub(super) fn of(text: &str) -> Self {
        let lengths = text.split_inclusive('\n').scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        });
        Self(std::iter::once(0).chain(lengths).collect())
    }

    /// Where the line after one, counted from 1, begins.
    fn end(&self, line: usize) -> usize {
        let last = self.0.last().copied().unwrap_or_default();
        self.0.get(line).copied().unwrap_or(last)
    }

    /// Lines and columns as bytes.
    pub(super) fn place(&self, at: Sourcepos) -> Range<usize> {
        let start = |line: usize| line.checked_sub(1).map_or(0, |line| self.end(line));
        let first = start(at.start.line) + at.start.column.saturating_sub(1);
        first..(start(at.end.line) + at.end.column).max(first)
    }
}

/// A picture as Markdown that nothing in it breaks out of.
fn written(src: &str, alt: &str) -> String {
    let mut words = String::new();
    for mark in line(alt).chars() {
        if mark.is_ascii_punctuation() && !",.;:'\"?()-/%".contains(mark) {
            words.push('\\');
        }
        words.push(mark);
    }
    format!("![{words}]({src})")
}

/// A text as one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Intro ![x](a.png) and more.\n\n## One *bold*\n\nFirst.\n\n## Two\nSecond.\n\n> ## Not mine\n";

    fn placed<'p>(heading: &'p str, src: &'p str, alt: &'p str) -> PictureBelow<'p> {
        PictureBelow { heading, src, alt }
    }

    #[test]
    fn a_picture_stands_below_its_heading_and_placing_it_again_changes_nothing() {
        let pictures = [
            placed("One bold", "/media/1.png", "A [fox] & *hound*"),
            placed("Two", "/media/2.png", "Two"),
            placed("Three", "/media/3.png", "Three"),
        ];
        let (text, lost) = place(TEXT, &pictures).expect("Markdown");
        let wanted = "## One *bold*\n\n![A \\[fox\\] \\& \\*hound\\*](/media/1.png)\n\nFirst.\n\n## Two\n\n![Two](/media/2.png)\n\nSecond.";
        assert!(text.contains(wanted), "{text}");
        assert_eq!(lost, ["Three"]);
        let again = place(&text, &pictures).expect("Markdown");
        assert_eq!(again, (text.clone(), lost));
        // Others take their place, and none is left of those before.
        let (other, _) = place(&text, &pictures[1..2]).expect("Markdown");
        assert!(
            !other.contains("/media/1.png") && other.contains("/media/2.png"),
            "{other}"
        );
        assert!(
            other.contains("![x](a.png)"),
            "what is not ours stays: {other}"
        );
        let html = crate::markdown::to_html(&text, "", None).expect("HTML");
        assert!(html.contains("alt=\"A [fox] &amp; *hound*\""), "{html}");
    }

    #[test]
    fn one_picture_is_replaced_where_it_stands() {
        let text = "é ![a](x.png) ![b *c*](y.png \"t\") end\n\n- ![d](z.png)\n\n  ![e](w.png)\n";
        let listed = shown(text).expect("Markdown");
        let sources: Vec<_> = listed.iter().map(|it| it.src.as_str()).collect();
        assert_eq!(sources, ["x.png", "y.png", "z.png", "w.png"]);
        for (number, gone) in (1..).zip([
            "![a](x.png)",
            "![b *c*](y.png \"t\")",
            "![d](z.png)",
            "![e](w.png)",
        ]) {
            let made = replace(text, number, "/media/n.png", "n").expect("Markdown");
            assert_eq!(made, Some(text.replace(gone, "![n](/media/n.png)")));
        }
        assert_eq!(replace(text, 5, "x", "y"), Ok(None));
        assert_eq!(replace(text, 0, "x", "y"), Ok(None));
    }

    #[test]
    fn pictures_get_other_words() {
        let text = "![a](/media/1.png)\n\n![b](/media/2.png)\n";
        let words = |src: &str| (src == "/media/2.png").then(|| "a boat".to_owned());
        let made = captioned(text, words).expect("Markdown");
        assert_eq!(made, "![a](/media/1.png)\n\n![a boat](/media/2.png)\n");
    }

    #[test]
    fn headings_are_told_with_what_follows() {
        let told = sections(TEXT).expect("Markdown");
        let told: Vec<_> = told
            .iter()
            .map(|it| (it.heading.as_str(), it.text.as_str()))
            .collect();
        assert_eq!(told, [("One bold", "First."), ("Two", "Second.")]);
    }
}
