//! Feeds: RSS, Atom and JSON Feed, read by `feed-rs`.

use callboard_core::blocking::ComputeBudget;
use callboard_core::foreign_reader;
use callboard_core::value::tree;
use feed_rs::model::Entry;
use feed_rs::parser;
use memchr::memmem;
use url::Url;

use super::page::text_of_html;
use super::spaced;

/// The most items and elements of a feed, and bytes of memory that one of JSON may take.
const ITEMS: usize = 10_000;
const ELEMENTS: usize = 400_000;
const TREE: u64 = 64 << 20;
/// How an item begins, whatever its name is prefixed with.
const OPENINGS: [&[u8]; 4] = [b"<item", b":item", b"<entry", b":entry"];

/// What a feed says of one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedItem {
    /// What the feed knows it by.
    pub id: String,
    pub url: String,
    pub title: String,
    /// RFC 3339, if the feed says when.
    pub published: Option<String>,
    /// Its text without HTML, as far as the feed has it.
    pub text: String,
}

/// A feed as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedFeed {
    /// Where it was read.
    pub url: String,
    pub title: String,
    /// The first items, in the feed's order.
    pub items: Vec<FeedItem>,
    /// Of how many of them a title or a text is refused, and why one is; none, if all were read.
    pub refused: Option<String>,
}

/// The first `most` items of a feed that was read at `base`.
pub fn read(
    bytes: &[u8],
    base: &str,
    most: usize,
    clock: &mut ComputeBudget,
) -> Result<ParsedFeed, String> {
    bounded(bytes)?;
    let parser = parser::Builder::new().base_uri(Some(base)).build();
    let parsed = foreign_reader::read("a feed", || parser.parse(bytes))
        .map_err(|error| error.to_string())?;
    let feed = parsed.map_err(|error| format!("it is no feed: {error}"))?;
    let entries = feed.entries.into_iter().take(most);
    let (items, refused): (Vec<FeedItem>, Vec<Option<String>>) =
        entries.map(|entry| item(entry, clock)).unzip();
    let refused: Vec<String> = refused.into_iter().flatten().collect();
    Ok(ParsedFeed {
        refused: refused.first().map(|why| {
            let (count, all) = (refused.len(), items.len());
            format!("of {count} of its {all} items the HTML is refused: {why}")
        }),
        items,
        url: base.to_owned(),
        title: feed
            .title
            .map(|title| spaced(&title.content))
            .unwrap_or_default(),
    })
}

/// Whether what its reader keeps of a feed is bounded: it keeps all items, and the lists of each.
fn bounded(bytes: &[u8]) -> Result<(), String> {
    let opens = memchr::memchr_iter(b'<', bytes).count();
    let items = OPENINGS
        .iter()
        .map(|it| memmem::find_iter(bytes, it).count());
    let is_document = bytes.trim_ascii_start().first() != Some(&b'<');
    if opens > ELEMENTS || items.sum::<usize>() > ITEMS || is_document && tree(bytes) > TREE {
        return Err(format!(
            "it has more than any feed that is read: {ITEMS} items, {ELEMENTS} elements"
        ));
    }
    Ok(())
}

/// Whether a feed can say what stands at an address: it is at the same site, that is at the same host and
/// port, with `www.` or without.
pub fn speaks_for(feed: &str, item: &str) -> bool {
    let site = |address: &str| {
        let url = Url::parse(address).ok()?;
        let web = matches!(url.scheme(), "http" | "https");
        let host = url.host_str()?.trim_start_matches("www.").to_owned();
        web.then_some((host, url.port()))
    };
    site(feed).is_some_and(|own| Some(own) == site(item))
}

/// What a feed says of one thing, and why a part of it is refused, if one is.
fn item(entry: Entry, clock: &mut ComputeBudget) -> (FeedItem, Option<String>) {
    let links = entry.links.iter();
    let own = links
        .clone()
        .find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
    let url = own
        .or_else(|| links.clone().next())
        .map(|link| link.href.clone());
    let content = entry.content.and_then(|content| content.body);
    let text = content.or_else(|| entry.summary.map(|summary| summary.content));
    let mut refused = None;
    let mut plain = |html: Option<String>| {
        let read = html.map(|html| text_of_html(&html, clock)).transpose();
        read.unwrap_or_else(|why| {
            refused = Some(why);
            None
        })
    };
    let (title, text) = (plain(entry.title.map(|title| title.content)), plain(text));
    let item = FeedItem {
        url: url.unwrap_or_default(),
        title: title.map(|title| spaced(&title)).unwrap_or_default(),
        published: entry.published.or(entry.updated).map(|at| at.to_rfc3339()),
        text: text.unwrap_or_default(),
        id: entry.id,
    };
    (item, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> ComputeBudget {
        ComputeBudget::until(std::time::Instant::now() + std::time::Duration::from_secs(60))
    }

    #[test]
    fn a_feed_speaks_for_its_own_site_alone() {
        let feed = "https://www.a.example/feed.xml";
        for (item, own) in [
            ("https://a.example/1", true),
            ("http://a.example/1", true),
            ("https://www.bbc.co.uk/news", false),
            ("https://a.example:22/x", false),
            ("https://a.example.evil.example/", false),
            ("javascript:alert(1)//a.example", false),
            ("file:///etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(speaks_for(feed, item), own, "{item}");
        }
        assert!(!speaks_for(
            "http://127.0.0.1:9931/f",
            "http://127.0.0.1:22/x"
        ));
    }

    #[test]
    fn html_that_is_refused_is_told_and_is_no_empty_text() {
        let item = |text: &str| {
            format!("<item><title>One</title><description>{text}</description></item>")
        };
        let harm = "&lt;div&gt;".repeat(45_000);
        let items = [item("Some text"), item(&harm), item(&harm)].concat();
        let rss = format!("<rss version='2.0'><channel><title>A</title>{items}</channel></rss>");
        let read = read(rss.as_bytes(), "https://a.example/feed", 9, &mut clock()).expect("a feed");
        assert_eq!(read.items.len(), 3);
        let told = read.refused.expect("it is told");
        assert!(
            told.starts_with("of 2 of its 3 items the HTML is refused: "),
            "{told}"
        );
    }

    #[test]
    fn three_forms_of_feeds_are_read_and_an_error_is_not_empty() {
        let rss = "<rss version='2.0'><channel><title>A</title><item><title>One &amp; two</title>\
            <link>https://a.example/1</link><pubDate>Mon, 05 Jan 2026 09:00:00 GMT</pubDate>\
            <description>&lt;p&gt;Some &lt;b&gt;text&lt;/b&gt;&lt;/p&gt;</description></item></channel></rss>";
        let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><title>A</title><id>a</id><updated>2026-01-05T09:00:00Z</updated>\
            <entry><title>One &amp; two</title><id>1</id><updated>2026-01-05T09:00:00Z</updated>\
            <link href='https://a.example/1'/><summary>Some text</summary></entry></feed>";
        let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"A","items":[{"id":"1",
            "url":"https://a.example/1","title":"One & two","content_text":"Some text","date_published":"2026-01-05T09:00:00Z"}]}"#;
        for feed in [rss, atom, json] {
            let read =
                read(feed.as_bytes(), "https://a.example/feed", 9, &mut clock()).expect(feed);
            assert_eq!(read.title, "A");
            let item = &read.items[0];
            assert_eq!(
                (item.title.as_str(), item.url.as_str()),
                ("One & two", "https://a.example/1")
            );
            assert_eq!(item.text.trim(), "Some text", "{feed}");
            assert_eq!(item.published.as_deref(), Some("2026-01-05T09:00:00+00:00"));
        }
        for broken in ["", "<html></html>", "{}", "no feed"] {
            assert!(
                read(broken.as_bytes(), "https://a.example/", 9, &mut clock()).is_err(),
                "{broken}"
            );
        }
    }
}
