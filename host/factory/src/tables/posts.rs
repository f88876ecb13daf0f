//! `posts`: what is published, and what was.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use callboard_core::handler::SETTLED_BY;
use callboard_core::store::unreadable::ListEntry;
use callboard_core::store::{Store, StoreError};
use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, columns, select};

use crate::draft::Image;

/// The most tags that a post has: each has a page of its own.
const TAGS: usize = 50;

/// One post. A removed post keeps its row, so that its address can say "gone".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "posts")]
#[schemars(rename = "Post")]
pub struct Post {
    /// Its id.
    pub id: String,
    /// The end of its address, `/posts/SLUG`.
    pub slug: String,
    /// What it is about, once: `dev_diary:<identity>:<day>`.
    pub subject: String,
    /// The id of its task.
    pub task: String,
    /// Its title.
    pub title: String,
    /// The title that search engines show; its own, if empty.
    pub seo_title: String,
    /// What lists and feeds show of the text.
    pub excerpt: String,
    /// The text.
    pub markdown: String,
    /// What readers find it by.
    #[serde(with = "commas")]
    #[schemars(with = "Vec<String>")]
    pub tags: Vec<String>,
    /// The built-in composer, or the model.
    pub written_by: String,
    /// The day it covers, `YYYY-MM-DD`.
    pub covers: String,
    /// The picture that stands for it.
    #[serde(with = "super::picture")]
    #[schemars(with = "Option<Image>")]
    pub featured: Option<Image>,
    /// Whether it was taken off the site.
    #[serde(rename(deserialize = "status"), deserialize_with = "is_removed")]
    #[schemars(rename = "removed")]
    pub removed: bool,
    /// When it was published.
    #[serde(with = "micros")]
    #[schemars(with = "Timestamp")]
    pub published_at: Timestamp,
    /// When it last changed.
    #[serde(with = "micros")]
    #[schemars(with = "Timestamp")]
    pub updated_at: Timestamp,
    /// Who edited what was written; empty, if it is as it was written.
    pub edited_by: String,
    /// Who said yes to it; empty, if its pipeline has no gate.
    pub approved_by: String,
    /// When.
    #[serde(with = "micros")]
    #[schemars(with = "Option<Timestamp>")]
    pub approved_at: Option<Timestamp>,
}

impl Post {
    /// The title that search engines show.
    pub fn found_by(&self) -> &str {
        if self.seo_title.is_empty() {
            &self.title
        } else {
            &self.seo_title
        }
    }

    /// How it was made, in words.
    pub fn made(&self) -> String {
        let mut made = format!("written by {}", self.written_by);
        if !self.edited_by.is_empty() {
            made = format!("{made}, edited by {}", self.edited_by);
        }
        match self.approved_at {
            Some(at) => {
                let (who, day) = (&self.approved_by, at.strftime("%Y-%m-%d"));
                // No person did.
                let how = if who.starts_with(SETTLED_BY) {
                    ""
                } else {
                    "approved by "
                };
                format!("{made}, {how}{who} on {day}")
            }
            None => format!("{made}, approved by nobody"),
        }
    }
}

/// Insert a post. A subject or slug that is there already breaks a constraint.
pub fn insert(post: &Post) -> Statement {
    let sql = "INSERT INTO posts (id, slug, subject, task, title, seo_title, excerpt, markdown, tags, \
            written_by, covers, featured, status, published_at, updated_at, edited_by, \
            approved_by, approved_at) \
        VALUES (:id, :slug, :subject, :task, :title, :seo_title, :excerpt, :markdown, :tags, :written_by, \
            :covers, :featured, CASE WHEN :removed THEN 'removed' ELSE 'published' END, \
            :published_at, :updated_at, :edited_by, :approved_by, :approved_at)";
    Statement::named(sql, post)
}

/// Published posts, newest first. One that cannot be read is told to the log, and stops no page
/// but its own.
pub async fn newest(store: &Store, limit: u32, offset: u32) -> Result<Vec<Post>, StoreError> {
    let query =
        select("WHERE status = 'published' ORDER BY published_at DESC, id DESC LIMIT $1 OFFSET $2");
    store
        .readable("a post", query.bind(limit).bind(offset))
        .await
}

/// Published posts, newest first, without their texts: as much as a list of addresses needs.
pub async fn addresses(store: &Store, limit: u32) -> Result<Vec<Post>, StoreError> {
    let columns = columns::<Post>().replace("excerpt, markdown", "'' AS excerpt, '' AS markdown");
    let sql = format!(
        "SELECT {columns} FROM posts WHERE status = 'published' \
        ORDER BY published_at DESC, id DESC LIMIT $1"
    );
    store.readable("a post", Query::new(sql).bind(limit)).await
}

/// Those of [`newest`] with those that cannot be read.
pub async fn list(store: &Store, limit: u32) -> Result<Vec<ListEntry<Post>>, StoreError> {
    let query = select("WHERE status = 'published' ORDER BY published_at DESC, id DESC LIMIT $1");
    store.entries("slug", query.bind(limit)).await
}

/// Published posts that have a tag, newest first. A tag holds no comma.
pub async fn tagged(store: &Store, tag: &str, limit: u32) -> Result<Vec<Post>, StoreError> {
    if tag.is_empty() || tag.contains(',') {
        return Ok(Vec::new());
    }
    let query = select(
        "WHERE status = 'published' \
            AND replace(',' || tags || ',', $1, '') <> ',' || tags || ',' \
        ORDER BY published_at DESC, id DESC LIMIT $2",
    );
    let query = query.bind(format!(",{tag},")).bind(limit);
    store.readable("a post", query).await
}

/// How many posts are published.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM posts WHERE status = 'published'";
    store.read_one(Query::new(sql)).await
}

/// The post of a slug, published or removed.
pub async fn by_slug(store: &Store, slug: &str) -> Result<Option<Post>, StoreError> {
    store.read_first(select("WHERE slug = $1").bind(slug)).await
}

/// The post about a subject, published or removed.
pub fn about(subject: &str) -> Query<Post> {
    select("WHERE subject = $1").bind(subject)
}

/// The post of a slug, published or removed, for a handler.
pub fn named(slug: &str) -> Query<Post> {
    select("WHERE slug = $1").bind(slug)
}

/// Give a published post what is shown of it where it is found: the title that search engines
/// show, the excerpt and the tags of `post`.
pub fn refresh(post: &Post, now: Timestamp) -> Statement {
    let changed = Post {
        updated_at: now,
        ..post.clone()
    };
    let sql = "UPDATE posts SET seo_title = :seo_title, excerpt = :excerpt, tags = :tags, \
            updated_at = :updated_at WHERE id = :id AND status = 'published'";
    Statement::named(sql, &changed)
}

/// The titles of published posts, the newest first.
pub fn titles(limit: u32) -> Query<String> {
    let sql = "SELECT title FROM posts WHERE status = 'published' \
        ORDER BY published_at DESC, id DESC LIMIT $1";
    Query::new(sql).bind(limit)
}

/// The slugs and titles of published posts, the newest first.
pub fn titled(limit: u32) -> Query<(String, String)> {
    let sql = "SELECT slug, title FROM posts WHERE status = 'published' \
        ORDER BY published_at DESC, id DESC LIMIT $1";
    Query::new(sql).bind(limit)
}

/// The post of a task, published or removed.
pub fn of_task(task: &str) -> Query<Post> {
    select("WHERE task = $1").bind(task)
}

/// Give a post another text, and another picture that stands for it.
pub fn illustrate(post: &Post, now: Timestamp) -> Statement {
    let changed = Post {
        updated_at: now,
        ..post.clone()
    };
    let sql = "UPDATE posts SET markdown = :markdown, featured = :featured, \
            updated_at = :updated_at WHERE id = :id";
    Statement::named(sql, &changed)
}

/// The slugs that begin so.
pub fn slugs(beginning: &str) -> Query<String> {
    let sql = "SELECT slug FROM posts WHERE substr(slug, 1, CAST($2 AS INTEGER)) = $1";
    let length = i64::try_from(beginning.len()).unwrap_or(i64::MAX);
    Query::new(sql).bind(beginning).bind(length)
}

/// Take a published post off the site; gives one row if there was one.
pub fn remove(slug: &str, now: Timestamp) -> Statement {
    let sql = "UPDATE posts SET status = 'removed', updated_at = $2 \
        WHERE slug = $1 AND status = 'published'";
    Statement::new(sql).bind(slug).bind(now)
}

fn is_removed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(<&str>::deserialize(deserializer)? == "removed")
}

/// Tags: parted by commas in a row, and a list in a document.
mod commas {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::TAGS;

    pub(super) fn serialize<S: Serializer>(
        tags: &[String],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            tags.serialize(serializer)
        } else {
            serializer.serialize_str(&tags.join(","))
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<String>, D::Error> {
        let tags = <&str>::deserialize(deserializer)?.split(',');
        let tags = tags.filter(|tag| !tag.is_empty()).take(TAGS);
        Ok(tags.map(str::to_owned).collect())
    }
}
