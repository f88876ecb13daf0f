//! `posts`: what is published, and what was.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use callboard_core::store::unreadable::{ListEntry, entries, readable};
use callboard_core::store::{Store, StoreError, microseconds, timestamp};
use callboard_core::value::{Row, Rows, Statement};

/// The most tags that a post has: each has a page of its own.
const TAGS: usize = 50;

/// One post. A removed post keeps its row, so that its address can say "gone".
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
    /// What lists and feeds show of the text.
    pub excerpt: String,
    /// The text.
    pub markdown: String,
    /// What readers find it by.
    pub tags: Vec<String>,
    /// The built-in composer, or the model.
    pub written_by: String,
    /// The day it covers, `YYYY-MM-DD`.
    pub covers: String,
    /// Whether it was taken off the site.
    pub removed: bool,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Insert a post. A subject or slug that is there already breaks a constraint.
pub fn insert(post: &Post) -> Statement {
    let sql = "INSERT INTO posts (id, slug, subject, task, title, excerpt, markdown, tags, \
        written_by, covers, status, published_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    Statement::new(sql)
        .bind(&post.id)
        .bind(&post.slug)
        .bind(&post.subject)
        .bind(&post.task)
        .bind(&post.title)
        .bind(&post.excerpt)
        .bind(&post.markdown)
        .bind(post.tags.join(","))
        .bind(&post.written_by)
        .bind(&post.covers)
        .bind(if post.removed { "removed" } else { "published" })
        .bind(microseconds(post.published_at))
        .bind(microseconds(post.updated_at))
}

/// Published posts, newest first. One that cannot be read is told to the log, and stops no page
/// but its own.
pub async fn newest(store: &Store, limit: u32, offset: u32) -> Result<Vec<Post>, StoreError> {
    let sql = "SELECT * FROM posts WHERE status = 'published' \
        ORDER BY published_at DESC, id DESC LIMIT $1 OFFSET $2";
    let rows = store
        .query(Statement::new(sql).bind(limit).bind(offset))
        .await?;
    Ok(readable(&rows, "a post", read))
}

/// Published posts, newest first, without their texts: as much as a list of addresses needs.
pub async fn addresses(store: &Store, limit: u32) -> Result<Vec<Post>, StoreError> {
    let sql = "SELECT id, slug, subject, task, title, '' AS excerpt, '' AS markdown, tags, \
        written_by, covers, status, published_at, updated_at \
        FROM posts WHERE status = 'published' ORDER BY published_at DESC, id DESC LIMIT $1";
    let rows = store.query(Statement::new(sql).bind(limit)).await?;
    Ok(readable(&rows, "a post", read))
}

/// Those of [`newest`] with those that cannot be read.
pub async fn list(store: &Store, limit: u32) -> Result<Vec<ListEntry<Post>>, StoreError> {
    let sql = "SELECT * FROM posts WHERE status = 'published' \
        ORDER BY published_at DESC, id DESC LIMIT $1";
    let rows = store.query(Statement::new(sql).bind(limit)).await?;
    Ok(entries(&rows, "slug", read))
}

/// Published posts that have a tag, newest first. A tag holds no comma.
pub async fn tagged(store: &Store, tag: &str, limit: u32) -> Result<Vec<Post>, StoreError> {
    if tag.is_empty() || tag.contains(',') {
        return Ok(Vec::new());
    }
    let sql = "SELECT * FROM posts WHERE status = 'published' \
        AND replace(',' || tags || ',', $1, '') <> ',' || tags || ',' \
        ORDER BY published_at DESC, id DESC LIMIT $2";
    let statement = Statement::new(sql).bind(format!(",{tag},")).bind(limit);
    Ok(readable(&store.query(statement).await?, "a post", read))
}

/// How many posts are published.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS posts FROM posts WHERE status = 'published'";
    let rows = store.query(Statement::new(sql)).await?;
    let count = rows.first().map(|row| row.integer("posts")).transpose()?;
    Ok(count.unwrap_or_default().unsigned_abs())
}

/// The post of a slug, published or removed.
pub async fn by_slug(store: &Store, slug: &str) -> Result<Option<Post>, StoreError> {
    one(&store
        .query(Statement::new("SELECT * FROM posts WHERE slug = $1").bind(slug))
        .await?)
}

/// The post about a subject, published or removed.
pub async fn by_subject(store: &Store, subject: &str) -> Result<Option<Post>, StoreError> {
    one(&store.query(find_subject(subject)).await?)
}

/// Selects the post about a subject.
pub fn find_subject(subject: &str) -> Statement {
    Statement::new("SELECT * FROM posts WHERE subject = $1").bind(subject)
}

/// Take a published post off the site; gives one row if there was one.
pub fn remove(slug: &str, now: Timestamp) -> Statement {
    let sql = "UPDATE posts SET status = 'removed', updated_at = $2 \
        WHERE slug = $1 AND status = 'published'";
    Statement::new(sql).bind(slug).bind(microseconds(now))
}

fn one(rows: &Rows) -> Result<Option<Post>, StoreError> {
    rows.first().map(read).transpose()
}

pub(super) fn read(row: Row<'_>) -> Result<Post, StoreError> {
    let tags = row.text("tags")?;
    Ok(Post {
        id: row.text("id")?,
        slug: row.text("slug")?,
        subject: row.text("subject")?,
        task: row.text("task")?,
        title: row.text("title")?,
        excerpt: row.text("excerpt")?,
        markdown: row.text("markdown")?,
        tags: tags
            .split(',')
            .filter(|tag| !tag.is_empty())
            .take(TAGS)
            .map(str::to_owned)
            .collect(),
        written_by: row.text("written_by")?,
        covers: row.text("covers")?,
        removed: row.text("status")? == "removed",
        published_at: timestamp(row.integer("published_at")?),
        updated_at: timestamp(row.integer("updated_at")?),
    })
}
