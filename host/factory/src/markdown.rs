//! Markdown to HTML that is safe to show: raw HTML is text, and what comrak makes is cleaned
//! again by ammonia, which drops every script, style, SVG and `MathML`.
//!
//! What either takes grows with the square of some texts, so a text is bounded in size, in depth
//! and in what it comes to. One that is more than that can't be shown, which is found where it is
//! saved and where it is published, and again where it is shown.

mod blocks;
mod links;
mod parts;
pub mod pictures;

use std::collections::HashSet;

use ammonia::UrlRelative;
use callboard_core::foreign_reader;
use comrak::arena_tree::NodeEdge;
use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options};
use url::Url;

pub use self::blocks::{Block, Piece, blocks, is_spaceless};
pub use self::links::{Link, links, relinked};
pub use self::parts::{PartKind, TextPart, items, parts};

/// The most bytes of a text: 20,000 words. The tables of drafts and posts hold no more either.
const TEXT: usize = 128 << 10;
/// How deep its parts may be in one another.
const DEPTH: usize = 100;
/// The most bytes of HTML that it may come to.
const HTML: usize = 2 << 20;

/// Why a text can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unshowable {
    #[error("it has more than {} KiB; divide it", TEXT >> 10)]
    Long,
    #[error(
        "its lists, quotes and emphases are more than {DEPTH} deep in one another; write it flat"
    )]
    Deep,
    #[error("it comes to more than {} MiB of HTML; divide it", HTML >> 20)]
    Large,
    #[error(transparent)]
    Broken(#[from] foreign_reader::ReaderPanic),
}

/// Where what a text names is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places<'p> {
    /// What relative links begin at, if they are to be absolute.
    pub base: Option<&'p Url>,
    /// What stands before the names of kept pictures, if that is not `/media/`.
    pub media: Option<&'p str>,
}

/// The body of a post. The page shows the title above it, so a first heading that repeats the
/// title is left out, and the rest stay below it. With a `base`, relative links become absolute.
pub fn to_html(markdown: &str, title: &str, base: Option<&Url>) -> Result<String, Unshowable> {
    let places = Places { base, media: None };
    to_html_at(markdown, title, places)
}

/// The same with kept pictures where they are.
pub fn to_html_at(markdown: &str, title: &str, places: Places<'_>) -> Result<String, Unshowable> {
    parsed(markdown, |root| html(root, title, places))?
}

/// What is made of a text's tree, whose size and depth are bounded before anything looks into it: not
/// all that does is without recursion.
fn parsed<T>(markdown: &str, read: impl FnOnce(Node<'_>) -> T) -> Result<T, Unshowable> {
    foreign_reader::read("Markdown", || {
        if markdown.len() > TEXT {
            return Err(Unshowable::Long);
        }
        let arena = Arena::new();
        let root = comrak::parse_document(&arena, markdown, &options());
        if depth(root) > DEPTH {
            return Err(Unshowable::Deep);
        }
        Ok(read(root))
    })?
}

fn html(root: Node<'_>, title: &str, places: Places<'_>) -> Result<String, Unshowable> {
    drop_title(root, title);
    demote_headings(root);
    if let Some(media) = places.media {
        move_pictures(root, media);
    }
    let mut html = String::new();
    // Writing to a string cannot fail.
    comrak::format_html(root, &options(), &mut html).ok();
    if html.len() > HTML {
        return Err(Unshowable::Large);
    }
    Ok(clean(&html, places.base))
}

/// How many parts are in one another at most.
fn depth(root: Node<'_>) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for edge in root.traverse() {
        match edge {
            NodeEdge::Start(_) => depth += 1,
            NodeEdge::End(_) => depth -= 1,
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.render.escape = true;
    options
}

fn heading_level(node: Node<'_>) -> Option<u8> {
    match node.data().value {
        NodeValue::Heading(heading) => Some(heading.level),
        _ => None,
    }
}

fn drop_title(root: Node<'_>, title: &str) {
    let Some(first) = root.first_child() else {
        return;
    };
    if heading_level(first) == Some(1) && first.collect_text().trim() == title.trim() {
        first.detach();
    }
}

/// The title is the only first-level heading of the page.
fn demote_headings(root: Node<'_>) {
    if !root
        .descendants()
        .any(|node| heading_level(node) == Some(1))
    {
        return;
    }
    for node in root.descendants() {
        if let NodeValue::Heading(heading) = &mut node.data_mut().value {
            heading.level = (heading.level + 1).min(6);
        }
    }
}

/// Kept pictures are where a site has them.
fn move_pictures(root: Node<'_>, media: &str) {
    for node in root.descendants() {
        if let NodeValue::Image(link) = &mut node.data_mut().value
            && let Some(name) = link.url.strip_prefix(pictures::KEPT)
        {
            link.url = format!("{media}{name}");
        }
    }
}

fn clean(html: &str, base: Option<&Url>) -> String {
    let relative = match base {
        Some(base) => UrlRelative::RewriteWithBase(base.clone()),
        None => UrlRelative::PassThrough,
    };
    ammonia::Builder::default()
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(relative)
        .set_tag_attribute_value("img", "loading", "lazy")
        .link_rel(Some("noopener noreferrer"))
        .clean(html)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(markdown: &str) -> String {
        to_html(markdown, "Title", None).expect("Markdown")
    }

    #[test]
    fn nothing_executable_survives() {
        let hostile = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n\
            [a](javascript:alert(1)) [b](data:text/html,x) ![c](vbscript:x)\n\n\
            <svg><animate onbegin=alert(1)></svg> <math><mi>x</mi></math> <style>*{}</style>";
        let html = html(hostile);
        for tag in ["<script", "<svg", "<math", "<style", "<img src=\"x\""] {
            assert!(!html.contains(tag), "{tag}: {html}");
        }
        for scheme in ["javascript:", "data:", "vbscript:"] {
            assert!(!html.contains(&format!("\"{scheme}")), "{scheme}: {html}");
        }
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }

    /// What is short to write and long to show, by the readers' own tests and by ours.
    #[test]
    fn what_takes_the_square_of_its_size_is_refused() {
        let times = |text: &str| text.repeat(TEXT / text.len());
        let halves = |open: &str, close: &str| {
            let count = TEXT / (open.len() + close.len());
            format!("{}{}", open.repeat(count), close.repeat(count))
        };
        for (text, why) in [
            (times(">"), Unshowable::Deep),
            (format!("{}x", &times("- ")[2..]), Unshowable::Deep),
            (halves("*a ", " a*"), Unshowable::Deep),
            (halves("**a ", " a**"), Unshowable::Deep),
            (
                format!("# {}", &halves("*a ", " a*")[8..]),
                Unshowable::Deep,
            ),
            (halves("![", "](a)"), Unshowable::Deep),
            (times("&") + "&", Unshowable::Long),
        ] {
            let shown = to_html(&text, "Title", None);
            assert_eq!(shown, Err(why), "{}", &text[..20]);
        }
        // What is bounded is shown, however odd.
        for text in [
            times("&"),
            times("\""),
            times("[a]"),
            times("*a_ "),
            times("> x\n>> y\n"),
        ] {
            let shown = to_html(&text, "Title", None);
            assert!(shown.is_ok(), "{}: {shown:?}", &text[..20]);
        }
    }

    #[test]
    fn tables_work_and_bare_addresses_stay_text() {
        let html = html("| a | b |\n|--:|---|\n| 1 | 2 |\n\nsee https://example.com");
        assert!(html.contains("<td align=\"right\">1</td>"), "{html}");
        assert!(!html.contains("<a "), "{html}");
    }

    #[test]
    fn the_title_is_said_once_and_is_the_only_first_heading() {
        assert_eq!(html("# Title\n\n## Part").trim(), "<h2>Part</h2>");
        let other = html("# Other\n\n## Part");
        assert!(
            other.contains("<h2>Other</h2>") && other.contains("<h3>Part</h3>"),
            "{other}"
        );
    }

    #[test]
    fn feeds_get_absolute_links() {
        let base = Url::parse("https://example.com/posts/a").expect("an address");
        let html = to_html("[x](/archive) ![y](pic.png)", "", Some(&base)).expect("Markdown");
        assert!(html.contains("https://example.com/archive"), "{html}");
        assert!(html.contains("https://example.com/posts/pic.png"), "{html}");
    }
}
