//! The readable text of a page, by `dom_smoothie`. It is work for a thread that may be blocked.

use callboard_core::blocking::ComputeBudget;
use callboard_core::foreign_reader;
use dom_smoothie::{Config, Readability, TextMode};

use super::{ReadPage, host, markup, spaced};

/// The most bytes of a page that are read.
pub const MOST: u64 = 4 << 20;
/// The most elements of a page.
const ELEMENTS: usize = 50_000;
/// The fewest characters of a text that is one.
const LEAST: usize = 200;

/// The text of a page, or why it has none. `media` is what it says it is.
pub fn read(
    bytes: &[u8],
    url: &str,
    media: &str,
    clock: &mut ComputeBudget,
) -> Result<ReadPage, String> {
    let media = media.to_lowercase();
    let kind = media.split(';').next().unwrap_or_default().trim();
    let text = decoded(bytes, &media)?;
    let found = match kind {
        "" | "text/html" | "application/xhtml+xml" => article(&text, url, clock)?,
        "text/plain" | "text/markdown" => plain(&text, url),
        other => return Err(format!("it is {other}, which is not read")),
    };
    let length = found.text.chars().count();
    if length < LEAST {
        return Err(format!(
            "it has no text: {length} characters that can be read"
        ));
    }
    Ok(found)
}

/// UTF-8, which all but a few pages are: the encoding of a page that says another is not guessed.
fn decoded(bytes: &[u8], media: &str) -> Result<String, String> {
    let charset = media
        .split_once("charset=")
        .map(|(_, name)| name.trim_matches(['"', ' ']));
    match charset {
        Some(name)
            if !["utf-8", "utf8", "us-ascii"].contains(&name)
                && std::str::from_utf8(bytes).is_err() =>
        {
            Err(format!("its encoding is {name}, and UTF-8 is read"))
        }
        _ => Ok(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn article(html: &str, url: &str, clock: &mut ComputeBudget) -> Result<ReadPage, String> {
    let html = markup::plain(html, clock)?;
    let config = Config {
        max_elements_to_parse: ELEMENTS,
        text_mode: TextMode::Formatted,
        ..Config::default()
    };
    let parsed = foreign_reader::read("a page", || {
        Readability::new(html.as_str(), Some(url), Some(config)).and_then(|mut page| page.parse())
    });
    let article = parsed
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("it has no text that can be read: {error}"))?;
    Ok(ReadPage {
        url: url.to_owned(),
        title: spaced(&article.title),
        site: article
            .site_name
            .map_or_else(|| host(url), |site| spaced(&site)),
        published: article.published_time.as_deref().map(spaced),
        text: paragraphs(&article.text_content),
    })
}

fn plain(text: &str, url: &str) -> ReadPage {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let title = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches('#')
        .trim();
    ReadPage {
        url: url.to_owned(),
        title: title.chars().take(120).collect(),
        site: host(url),
        published: None,
        text: text.trim().to_owned(),
    }
}

/// Paragraphs parted by one empty line, and spaces once.
fn paragraphs(text: &str) -> String {
    let lines = text.lines().map(spaced).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n\n")
}

/// The text in a piece of HTML, such as a feed carries, or why it is not read: one that is made to harm.
pub fn text_of_html(html: &str, clock: &mut ComputeBudget) -> Result<String, String> {
    if !html.contains(['<', '&']) {
        return Ok(html.trim().to_owned());
    }
    let plain = markup::plain(html, clock)?;
    let spaced_out = plain
        .replace("</p>", " </p>")
        .replace("<br", " <br")
        .replace("</li>", " </li>");
    let read = foreign_reader::read("HTML", || {
        let page = Readability::new(spaced_out, None, None);
        page.map(|page| spaced(&page.doc.text()))
    });
    let read = read.map_err(|broken| broken.to_string())?;
    read.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> ComputeBudget {
        ComputeBudget::until(std::time::Instant::now() + std::time::Duration::from_secs(60))
    }

    const TEXT: &str = "A lighthouse keeper writes down the weather every evening, and the notes of forty years say when the storms come.";

    #[test]
    fn a_page_is_its_text_and_not_what_is_around_it() {
        let html = format!(
            "<html><head><title>The keeper</title><meta property='og:site_name' content='Coast'></head><body>\
            <nav><a href='/'>Home</a><a href='/x'>More</a></nav><article><h1>The keeper</h1><p>{TEXT}</p><p>{TEXT}</p><p>{TEXT}</p></article>\
            <script>alert('x')</script><footer>Subscribe now</footer></body></html>"
        );
        let found = read(
            html.as_bytes(),
            "https://www.a.example/k",
            "text/html; charset=utf-8",
            &mut clock(),
        )
        .expect("a text");
        assert_eq!(
            (found.title.as_str(), found.site.as_str()),
            ("The keeper", "Coast")
        );
        assert!(
            found.text.contains("forty years") && !found.text.contains("alert"),
            "{}",
            found.text
        );
        assert!(!found.text.contains("Subscribe"), "{}", found.text);
    }

    #[test]
    fn a_page_without_a_text_is_no_source() {
        for (html, media, why) in [
            (
                "<html><body><div id='app'></div></body></html>",
                "text/html",
                "no text",
            ),
            (
                "<html><body><p>Enable JavaScript</p></body></html>",
                "text/html",
                "no text",
            ),
            ("%PDF-1.7", "application/pdf", "application/pdf"),
            ("", "text/plain", "no text"),
        ] {
            let refused =
                read(html.as_bytes(), "https://a.example/", media, &mut clock()).expect_err(html);
            assert!(refused.contains(why), "{refused}");
        }
        assert!(
            read(
                b"caf\xe9",
                "https://a.example/",
                "text/html; charset=iso-8859-1",
                &mut clock(),
            )
            .is_err()
        );
        assert_eq!(
            text_of_html("<p>a &amp; <b>b</b></p><p>c</p>", &mut clock()).as_deref(),
            Ok("a & b c")
        );
    }
}
