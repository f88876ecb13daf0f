//! What machines read: RSS, JSON Feed and the sitemap. Every link in them is absolute.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use callboard_core::html;
use callboard_core::shown::markup;
use jiff::Timestamp;
use rss::extension::{Extension, ExtensionMap};
use serde::Serialize;
use url::Url;

use super::{Site, SiteError, view};
use crate::markdown::Places;
use crate::tables::posts::Post;

pub(super) fn rss(site: &Site, posts: &[Post]) -> Result<String, SiteError> {
    let links = site.absolute();
    let newest = posts.iter().map(|post| post.updated_at).max();
    let items = posts.iter().map(|post| item(site, post));
    let items = items.filter_map(showable);
    let channel = rss::Channel {
        title: markup(&site.info.name),
        link: links.home(),
        description: markup(&html::escaped(&site.info.description)),
        language: Some("en".to_owned()),
        last_build_date: newest.map(rfc2822),
        generator: Some("Callboard".to_owned()),
        items: items.collect::<Result<_, _>>()?,
        extensions: self_link(&links.file("feed.xml")),
        namespaces: BTreeMap::from([("atom".to_owned(), "http://www.w3.org/2005/Atom".to_owned())]),
        ..rss::Channel::default()
    };
    let bytes = channel
        .write_to(Vec::new())
        .map_err(|error| feed("RSS feed", error))?;
    String::from_utf8(bytes).map_err(|error| feed("RSS feed", error))
}

fn item(site: &Site, post: &Post) -> Result<rss::Item, SiteError> {
    let link = site.absolute().post(&post.slug);
    let category = |tag: &String| rss::Category {
        name: markup(tag),
        domain: None,
    };
    Ok(rss::Item {
        title: Some(markup(&post.title)),
        // Readers take the description for HTML.
        description: Some(markup(&html::escaped(&post.excerpt))),
        categories: post.tags.iter().map(category).collect(),
        guid: Some(rss::Guid {
            value: link.clone(),
            permalink: true,
        }),
        pub_date: Some(rfc2822(post.published_at)),
        content: Some(body(site, post, &link)?),
        enclosure: post.featured.as_ref().map(|image| rss::Enclosure {
            url: site.absolute().picture(&image.src),
            length: image.bytes.to_string(),
            mime_type: image.mime.clone(),
        }),
        link: Some(link),
        ..rss::Item::default()
    })
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
struct JsonFeed {
    version: &'static str,
    title: String,
    home_page_url: String,
    feed_url: String,
    description: String,
    language: &'static str,
    items: Vec<JsonItem>,
}

#[derive(Serialize)]
struct JsonItem {
    id: String,
    url: String,
    title: String,
    content_html: String,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    date_published: String,
    date_modified: String,
    authors: [JsonAuthor; 1],
    tags: Vec<String>,
    /// How it was made: an extension, as the format has them.
    #[serde(rename = "_made")]
    made: JsonMade,
}

#[derive(Serialize)]
struct JsonMade {
    written_by: String,
    edited_by: Option<String>,
    approved_by: Option<String>,
    approved_at: Option<String>,
}

#[derive(Serialize)]
struct JsonAuthor {
    name: String,
}

pub(super) fn json_feed(site: &Site, posts: &[Post]) -> Result<String, SiteError> {
    let links = site.absolute();
    let items = posts.iter().map(|post| json_item(site, post));
    let items = items.filter_map(showable);
    let document = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: markup(&site.info.name),
        home_page_url: links.home(),
        feed_url: links.file("feed.json"),
        description: markup(&site.info.description),
        language: "en",
        items: items.collect::<Result<_, _>>()?,
    };
    serde_json::to_string_pretty(&document).map_err(|error| feed("JSON feed", error))
}

fn json_item(site: &Site, post: &Post) -> Result<JsonItem, SiteError> {
    let link = site.absolute().post(&post.slug);
    Ok(JsonItem {
        id: link.clone(),
        content_html: body(site, post, &link)?,
        url: link,
        title: markup(&post.title),
        summary: markup(&post.excerpt),
        image: post
            .featured
            .as_ref()
            .map(|image| site.absolute().picture(&image.src)),
        date_published: post.published_at.to_string(),
        date_modified: post.updated_at.to_string(),
        authors: [JsonAuthor {
            name: markup(&view::writer(&post.written_by)),
        }],
        tags: post.tags.iter().map(|tag| markup(tag)).collect(),
        made: JsonMade {
            written_by: markup(&post.written_by),
            edited_by: (!post.edited_by.is_empty()).then(|| markup(&post.edited_by)),
            approved_by: post.approved_at.map(|_| markup(&post.approved_by)),
            approved_at: post.approved_at.map(|at| at.to_string()),
        },
    })
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
        let (address, changed) = (html::escaped(&address), changed.unwrap_or_default());
        // Writing to a string cannot fail.
        writeln!(xml, "<url><loc>{address}</loc>{changed}</url>").ok();
    }
    xml + "</urlset>\n"
}

/// The body of a post whose relative links are resolved against its own address.
fn body(site: &Site, post: &Post, address: &str) -> Result<String, SiteError> {
    let base = Url::parse(address).ok();
    let media = site.absolute().media();
    let places = Places {
        base: base.as_ref(),
        media: Some(&media),
    };
    let html = site.bodies.of(post, places)?;
    Ok(markup(&html))
}

/// What a feed has of a post: nothing, if the post can't be shown.
fn showable<T>(item: Result<T, SiteError>) -> Option<Result<T, SiteError>> {
    match item {
        Err(error @ SiteError::Post { .. }) => {
            tracing::error!(%error, "a feed goes without it");
            None
        }
        item => Some(item),
    }
}

fn rfc2822(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn feed(name: &'static str, cause: impl std::fmt::Display) -> SiteError {
    let cause = cause.to_string();
    SiteError::Feed { name, cause }
}
