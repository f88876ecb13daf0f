//! Feeds: RSS, Atom and JSON Feed, read by `feed-rs`.

use callboard_core::foreign;
use feed_rs::model::Entry;
use feed_rs::parser;

use super::page::text_of_html;
use super::spaced;

/// What a feed says of one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
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
pub struct Read {
    pub title: String,
    /// The first items, in the feed's order.
    pub items: Vec<Item>,
}

/// The first `most` items of a feed that was read at `base`.
pub fn read(bytes: &[u8], base: &str, most: usize) -> Result<Read, String> {
    let parser = parser::Builder::new().base_uri(Some(base)).build();
    let parsed =
        foreign::read("a feed", || parser.parse(bytes)).map_err(|error| error.to_string())?;
    let feed = parsed.map_err(|error| format!("it is no feed: {error}"))?;
    Ok(Read {
        title: feed
            .title
            .map(|title| spaced(&title.content))
            .unwrap_or_default(),
        items: feed.entries.into_iter().take(most).map(item).collect(),
    })
}

fn item(entry: Entry) -> Item {
    let links = entry.links.iter();
    let own = links
        .clone()
        .find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
    let url = own
        .or_else(|| links.clone().next())
        .map(|link| link.href.clone());
    let content = entry.content.and_then(|content| content.body);
    let text = content.or_else(|| entry.summary.map(|summary| summary.content));
    Item {
        url: url.unwrap_or_default(),
        title: entry
            .title
            .map(|title| spaced(&text_of_html(&title.content)))
            .unwrap_or_default(),
        published: entry.published.or(entry.updated).map(|at| at.to_rfc3339()),
        text: text.map(|text| text_of_html(&text)).unwrap_or_default(),
        id: entry.id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let read = read(feed.as_bytes(), "https://a.example/feed", 9).expect(feed);
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
                read(broken.as_bytes(), "https://a.example/", 9).is_err(),
                "{broken}"
            );
        }
    }
}
