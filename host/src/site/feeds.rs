//! What machines read: RSS, JSON Feed and the sitemap. Every link in them is absolute.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use rss::extension::{Extension, ExtensionMap};
use serde::Serialize;
use url::Url;

use super::escape::html;
use super::{Site, SiteError, markdown, view};
use crate::store::posts::Post;

pub(super) fn rss(site: &Site, posts: &[Post]) -> Result<String, SiteError> {
    let links = site.absolute();
    let newest = posts.iter().map(|post| post.updated_at).max();
    let channel = rss::Channel {
        title: legal(&site.info.name),
        link: links.home(),
        description: legal(&html(&site.info.description)),
        language: Some("en".to_owned()),
        last_build_date: newest.map(rfc2822),
        generator: Some("Callboard".to_owned()),
        items: posts.iter().map(|post| item(site, post)).collect(),
        extensions: self_link(&links.file("feed.xml")),
        namespaces: BTreeMap::from([("atom".to_owned(), "http://www.w3.org/2005/Atom".to_owned())]),
        ..rss::Channel::default()
    };
    let bytes = channel
        .write_to(Vec::new())
        .map_err(|error| feed("RSS feed", error))?;
    String::from_utf8(bytes).map_err(|error| feed("RSS feed", error))
}

fn item(site: &Site, post: &Post) -> rss::Item {
    let link = site.absolute().post(&post.slug);
    let category = |tag: &String| rss::Category {
        name: legal(tag),
        domain: None,
    };
    rss::Item {
        title: Some(legal(&post.title)),
        // Readers take the description for HTML.
        description: Some(legal(&html(&post.excerpt))),
        categories: post.tags.iter().map(category).collect(),
        guid: Some(rss::Guid {
            value: link.clone(),
            permalink: true,
        }),
        pub_date: Some(rfc2822(post.published_at)),
        content: Some(legal(&body(post, &link))),
        link: Some(link),
        ..rss::Item::default()
    }
}

fn self_link(address: &str) -> ExtensionMap {
    let pairs = [
        ("href", address),
        ("rel", "self"),
        ("type", "application/rss+xml"),
    ];
    let attributes = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let link = Extension {
        name: "atom:link".to_owned(),
        attrs: BTreeMap::from(attributes),
        ..Extension::default()
    };
    let links = BTreeMap::from([("link".to_owned(), vec![link])]);
    BTreeMap::from([("atom".to_owned(), links)])
}

#[derive(Serialize)]
struct JsonFeed<'p> {
    version: &'static str,
    title: &'p str,
    home_page_url: String,
    feed_url: String,
    description: &'p str,
    language: &'static str,
    items: Vec<JsonItem<'p>>,
}

#[derive(Serialize)]
struct JsonItem<'p> {
    id: String,
    url: String,
    title: &'p str,
    content_html: String,
    summary: &'p str,
    date_published: String,
    date_modified: String,
    authors: [JsonAuthor; 1],
    tags: &'p [String],
}

#[derive(Serialize)]
struct JsonAuthor {
    name: String,
}

pub(super) fn json_feed(site: &Site, posts: &[Post]) -> Result<String, SiteError> {
    let links = site.absolute();
    let document = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: &site.info.name,
        home_page_url: links.home(),
        feed_url: links.file("feed.json"),
        description: &site.info.description,
        language: "en",
        items: posts.iter().map(|post| json_item(site, post)).collect(),
    };
    serde_json::to_string_pretty(&document).map_err(|error| feed("JSON feed", error))
}

fn json_item<'p>(site: &Site, post: &'p Post) -> JsonItem<'p> {
    let link = site.absolute().post(&post.slug);
    JsonItem {
        id: link.clone(),
        content_html: body(post, &link),
        url: link,
        title: &post.title,
        summary: &post.excerpt,
        date_published: post.published_at.to_string(),
        date_modified: post.updated_at.to_string(),
        authors: [JsonAuthor {
            name: view::writer(&post.written_by),
        }],
        tags: &post.tags,
    }
}

pub(super) fn sitemap(site: &Site, posts: &[Post]) -> String {
    let links = site.absolute();
    let mut xml = concat!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
        "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    )
    .to_owned();
    let newest = posts.iter().map(|post| post.updated_at).max();
    let top = [(links.home(), newest), (links.archive(1), newest)];
    let posts = posts
        .iter()
        .map(|post| (links.post(&post.slug), Some(post.updated_at)));
    for (address, changed) in top.into_iter().chain(posts) {
        let changed = changed.map(|time| format!("<lastmod>{time}</lastmod>"));
        let (address, changed) = (html(&address), changed.unwrap_or_default());
        // Writing to a string cannot fail.
        writeln!(xml, "<url><loc>{address}</loc>{changed}</url>").ok();
    }
    xml + "</urlset>\n"
}

/// The body of a post whose relative links are resolved against its own address.
fn body(post: &Post, address: &str) -> String {
    let base = Url::parse(address).ok();
    markdown::to_html(&post.markdown, &post.title, base.as_ref())
}

fn rfc2822(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Without the characters that XML 1.0 cannot hold, not even escaped.
fn legal(text: &str) -> String {
    let holds = |c: &char| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    text.chars().filter(holds).collect()
}

fn feed(name: &'static str, cause: impl std::fmt::Display) -> SiteError {
    let cause = cause.to_string();
    SiteError::Feed { name, cause }
}
