//! What the templates see: posts with their dates in words and their links in full.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::links::SiteLinks;
use crate::draft::{DraftWriter, Image, writers};
use crate::tables::posts::{Post, PostStatus};

/// A post in a list or on its page.
#[derive(Serialize)]
pub(super) struct PostView<'p> {
    title: &'p str,
    excerpt: &'p str,
    href: String,
    /// `22 November 2026`, in UTC.
    published: String,
    /// The same for machines.
    published_at: String,
    updated_at: String,
    /// The day it covers in words, or as it was given.
    covers: String,
    covers_day: &'p str,
    /// `the built-in composer`, or the model by name.
    written_by: String,
    /// Who edited it; empty, if it is as it was written.
    edited_by: &'p str,
    /// Who approved it, and when in words; absent, if its pipeline has no gate.
    approved_by: &'p str,
    approved: Option<String>,
    approved_at: Option<String>,
    minutes: usize,
    tags: Vec<TagView<'p>>,
    /// The picture that stands for it.
    featured: Option<PictureView<'p>>,
}

#[derive(Serialize)]
struct PictureView<'p> {
    src: String,
    alt: &'p str,
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct TagView<'p> {
    name: &'p str,
    href: String,
}

/// Head of a page: its title, description and where it lives.
#[derive(Serialize)]
pub(super) struct PageHead {
    pub(super) title: String,
    pub(super) description: String,
    /// Absent on pages that have no address of their own.
    pub(super) canonical: Option<String>,
    /// Where the picture is that stands for it.
    pub(super) picture: Option<String>,
}

/// Links that every page has.
#[derive(Serialize)]
pub(super) struct Menu {
    home: String,
    archive: String,
    rss: String,
    json: String,
    style: String,
}

impl<'p> PostView<'p> {
    pub(super) fn new(post: &'p Post, links: &SiteLinks) -> Self {
        Self {
            title: &post.title,
            excerpt: &post.excerpt,
            href: links.post(&post.slug),
            published: long(post.published_at),
            published_at: post.published_at.to_string(),
            updated_at: post.updated_at.to_string(),
            covers: covered(&post.covers),
            covers_day: &post.covers,
            written_by: writer(&post.written_by),
            edited_by: &post.edited_by,
            approved_by: &post.approved_by,
            approved: post.approved_at.map(long),
            approved_at: post.approved_at.map(|at| at.to_string()),
            minutes: post
                .markdown
                .split_whitespace()
                .count()
                .div_ceil(220)
                .max(1),
            tags: post.tags.iter().map(|tag| tag_view(tag, links)).collect(),
            featured: post.featured.as_ref().map(|image| PictureView {
                src: links.picture(&image.src),
                alt: &image.alt,
                width: image.width,
                height: image.height,
            }),
        }
    }
}

impl Menu {
    pub(super) fn new(links: &SiteLinks, style_digest: &str) -> Self {
        Self {
            home: links.home(),
            archive: links.archive(1),
            rss: links.file("feed.xml"),
            json: links.file("feed.json"),
            style: format!("{}?v={style_digest}", links.file(super::STYLE)),
        }
    }
}

fn tag_view<'p>(name: &'p str, links: &SiteLinks) -> TagView<'p> {
    TagView {
        name,
        href: links.tag(name),
    }
}

fn long(time: Timestamp) -> String {
    time.strftime("%-d %B %Y").to_string()
}

fn covered(day: &str) -> String {
    match day.parse::<Date>() {
        Ok(date) => date.strftime("%A, %-d %B %Y").to_string(),
        Err(_) => day.to_owned(),
    }
}

/// What wrote a post, as words for readers.
pub(super) fn writer(written_by: &str) -> String {
    let names = writers(written_by).into_iter().map(|writer| match writer {
        DraftWriter::BuiltIn => "the built-in composer".to_owned(),
        DraftWriter::Author(name) => name.to_owned(),
        DraftWriter::Model(name) => format!("the model {name}"),
    });
    names.collect::<Vec<_>>().join(" and ")
}

/// A post to try templates on.
pub(super) fn sample() -> Post {
    let text = |text: &str| text.to_owned();
    Post {
        id: text("sample"),
        slug: text("sample"),
        subject: text("sample"),
        task: text("sample"),
        title: text("Sample"),
        seo_title: String::new(),
        excerpt: text("A post to try templates on."),
        markdown: text("Some *text*."),
        tags: vec![text("sample")],
        written_by: text("built-in composer"),
        covers: text("2026-01-01"),
        featured: Some(Image {
            src: text("/media/sample.png"),
            alt: text("A sample"),
            width: 4,
            height: 3,
            mime: text("image/png"),
            bytes: 12,
        }),
        status: PostStatus::Published,
        scheduled_at: None,
        run: String::new(),
        published_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        edited_by: String::new(),
        approved_by: String::new(),
        approved_at: None,
    }
}

/// Posts to try templates on: one that has all that a post can have, and a bare one.
pub(super) fn samples() -> Vec<Post> {
    let full = Post {
        edited_by: "Sample".to_owned(),
        approved_by: "Sample".to_owned(),
        approved_at: Some(Timestamp::UNIX_EPOCH),
        ..sample()
    };
    let bare = Post {
        excerpt: String::new(),
        markdown: String::new(),
        tags: Vec::new(),
        written_by: "model sample".to_owned(),
        covers: String::new(),
        featured: None,
        ..sample()
    };
    vec![full, bare]
}

/// A head to try templates on.
pub(super) fn head() -> PageHead {
    PageHead {
        title: "Sample".to_owned(),
        description: "A page to try templates on".to_owned(),
        canonical: Some("https://example.org/".to_owned()),
        picture: Some("https://example.org/media/sample.png".to_owned()),
    }
}
