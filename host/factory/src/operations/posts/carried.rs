//! The form in which posts are carried, and what is wrong with one by itself.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use callboard_core::operations::OperationError;

use super::steps::now;
use crate::diary::id::derived;
use crate::draft::Image;
use crate::markdown;
use crate::site::is_file_name;
use crate::tables::post_slugs::PostSlug;
use crate::tables::posts::{Post, PostStatus};

/// The form of the document.
pub(super) const FORM: u32 = 1;
/// How far ahead the clock of another installation may have been.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// The most problems of a document that are told.
pub(super) const TOLD: usize = 20;
/// How the refusal of an import begins.
pub(super) const NOTHING: &str = "nothing is imported";

/// All posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Posts")]
pub struct CarriedPosts {
    /// The form of this document.
    pub form: u32,
    /// The posts, oldest first.
    pub posts: Vec<CarriedPost>,
}

/// One post, without what is true of one installation alone: its task, its run, its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CarriedPost {
    /// The end of its address, `/posts/SLUG`.
    pub slug: String,
    /// Addresses that it had before, which lead to this one.
    #[serde(default)]
    pub former: Vec<String>,
    /// What it is about, once.
    pub subject: String,
    /// Its title.
    pub title: String,
    /// The title that search engines show; its own, if empty.
    #[serde(default)]
    pub seo_title: String,
    /// What lists and feeds show of the text.
    #[serde(default)]
    pub excerpt: String,
    /// The text.
    pub markdown: String,
    /// What readers find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The built-in composer, or the model, or a person.
    pub written_by: String,
    /// The day it covers, `YYYY-MM-DD`.
    #[serde(default)]
    pub covers: String,
    /// The picture that stands for it.
    #[serde(default)]
    pub featured: Option<Image>,
    /// Where it stands.
    pub status: PostStatus,
    /// When it is published, if it is scheduled.
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// When it was published; when it was kept, if it never was.
    pub published_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who edited what was written.
    #[serde(default)]
    pub edited_by: String,
    /// Who said yes to it.
    #[serde(default)]
    pub approved_by: String,
    /// When.
    #[serde(default)]
    pub approved_at: Option<Timestamp>,
}

/// A picture of a folder, without its bytes, which are read once more when they are kept.
#[derive(Debug, Clone)]
pub(super) struct BroughtPicture {
    /// Its file, below the folder.
    pub(super) path: String,
    pub(super) image: Image,
    pub(super) digest: String,
}

/// Where posts that are brought were read.
#[derive(Debug, Clone, Default)]
pub struct ImportOrigin {
    /// The document, or the folder.
    pub name: String,
    /// The file of each post, if each has one.
    pub(super) files: Vec<String>,
    /// What is said there that no post has.
    pub(super) left_out: Vec<String>,
    /// The pictures of a folder, by the names that they are kept under.
    pub(super) pictures: BTreeMap<String, BroughtPicture>,
}

impl ImportOrigin {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Where a post is written.
    pub(super) fn place(&self, number: usize, post: &CarriedPost) -> String {
        let slug = &post.slug;
        match self.files.get(number) {
            Some(file) => format!("{file}, `{slug}`"),
            None => format!("{}: posts[{number}], `{slug}`", self.name),
        }
    }
}

impl CarriedPost {
    pub(super) fn of(post: Post, former: Vec<PostSlug>) -> Self {
        let mut former: Vec<String> = former.into_iter().map(|it| it.slug).collect();
        former.retain(|slug| *slug != post.slug);
        former.sort();
        Self {
            slug: post.slug,
            former,
            subject: post.subject,
            title: post.title,
            seo_title: post.seo_title,
            excerpt: post.excerpt,
            markdown: post.markdown,
            tags: post.tags,
            written_by: post.written_by,
            covers: post.covers,
            featured: post.featured,
            status: post.status,
            scheduled_at: post.scheduled_at,
            published_at: post.published_at,
            updated_at: post.updated_at,
            edited_by: post.edited_by,
            approved_by: post.approved_by,
            approved_at: post.approved_at,
        }
    }

    /// The row that it becomes.
    pub(super) fn post(&self) -> Post {
        let it = self.clone();
        Post {
            id: derived(&["post", &it.subject]),
            slug: it.slug,
            subject: it.subject,
            task: String::new(),
            title: it.title,
            seo_title: it.seo_title,
            excerpt: it.excerpt,
            markdown: it.markdown,
            tags: it.tags,
            written_by: it.written_by,
            covers: it.covers,
            featured: it.featured,
            status: it.status,
            scheduled_at: None,
            run: String::new(),
            published_at: it.published_at,
            updated_at: it.updated_at,
            edited_by: it.edited_by,
            approved_by: it.approved_by,
            approved_at: it.approved_at,
        }
    }

    pub(super) fn slugs(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.slug).chain(&self.former)
    }

    /// What is wrong with it by itself.
    pub(super) fn problem(&self) -> Option<String> {
        if let Some(slug) = self.slugs().find(|slug| !is_file_name(slug)) {
            return Some(format!("`{slug}` is no address of a post"));
        }
        if self.title.trim().is_empty() || self.subject.is_empty() {
            return Some("it has no title, or no subject".to_owned());
        }
        if let Some(tag) = self
            .tags
            .iter()
            .find(|tag| tag.is_empty() || tag.contains(','))
        {
            return Some(format!("`{tag}` is no tag"));
        }
        if self.status != PostStatus::Scheduled && self.published_at > now() + AHEAD {
            let at = self.published_at;
            return Some(format!("its `published_at`, {at}, is to come"));
        }
        let shown = markdown::to_html(&self.markdown, &self.title, None);
        shown
            .err()
            .map(|cause| format!("its text cannot be shown: {cause}"))
    }
}

/// An error that tells of problems, if there are any.
pub(super) fn told(mut problems: Vec<String>) -> Result<(), OperationError> {
    if problems.is_empty() {
        return Ok(());
    }
    problems.truncate(TOLD);
    let problem = format!("{NOTHING}: {}", problems.join("; "));
    Err(OperationError::usage(problem))
}
