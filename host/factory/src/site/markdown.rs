//! Markdown to HTML that is safe to show: raw HTML is text, and what comrak makes is cleaned
//! again by ammonia, which drops every script, style, SVG and `MathML`.

use std::collections::HashSet;

use ammonia::UrlRelative;
use callboard_core::foreign;
use callboard_core::shown::cut;
use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options};
use url::Url;

use super::SiteError;

/// The most characters of a title that a refusal quotes.
const TITLE: usize = 100;

/// The body of a post. The page shows the title above it, so a first heading that repeats the
/// title is left out, and the rest stay below it. With a `base`, relative links become absolute.
pub(super) fn to_html(
    markdown: &str,
    title: &str,
    base: Option<&Url>,
) -> Result<String, SiteError> {
    let html = foreign::read("Markdown", || html(markdown, title, base));
    html.map_err(|broken| SiteError::Post {
        title: cut(title, TITLE),
        cause: broken.to_string(),
    })
}

fn html(markdown: &str, title: &str, base: Option<&Url>) -> String {
    let options = options();
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, markdown, &options);
    drop_title(root, title);
    demote_headings(root);
    let mut html = String::new();
    // Writing to a string cannot fail.
    comrak::format_html(root, &options, &mut html).ok();
    clean(&html, base)
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
