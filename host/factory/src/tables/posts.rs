//! `posts`: what is published, what was, and what will be.

pub(crate) mod due;
pub mod transitions;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use callboard_core::handler::SETTLED_BY;
use callboard_core::store::runs::RunStatus;
use callboard_core::store::tenants::EndedRun;
use callboard_core::store::unreadable::ListEntry;
use callboard_core::store::{Dialect, Store, StoreError};
use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, Value, columns, select};

use crate::draft::Image;

pub use self::transitions::{POSTS, PostEvent, PostStatus};
use super::post_slugs::{self, PostSlug};
use super::transitions::{At, EndedStep, Happening, Set, StoredWord};

/// The most tags that a post has: each has a page of its own.
const TAGS: usize = 50;

/// One post. Whatever becomes of it, it keeps its row, so that its address can say "gone".
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
    /// Where it stands.
    pub status: PostStatus,
    /// When it is published, if it is scheduled.
    #[serde(with = "micros")]
    #[schemars(with = "Option<Timestamp>")]
    pub scheduled_at: Option<Timestamp>,
    /// The run that publishes it then, or did so.
    pub run: String,
    /// When it was published; when it was kept, if it never was.
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

    /// Where it stands, as what is said behind "published as …": nothing, if it is published.
    pub fn since(&self) -> &'static str {
        match self.status {
            PostStatus::Published => "",
            PostStatus::Removed => ", and removed since",
            PostStatus::Archived => ", and archived since",
            PostStatus::Unpublished => ", which is unpublished",
            PostStatus::Scheduled => ", which is scheduled",
        }
    }

    /// How it was made, in words.
    pub fn made(&self) -> String {
        let mut made = format!("written by {}", self.written_by);
        if !self.edited_by.is_empty() {
            made = format!("{made}, edited by {}", self.edited_by);
        }
        let who = &self.approved_by;
        if who.is_empty() {
            return format!("{made}, approved by nobody");
        }
        // No person did.
        let how = if who.starts_with(SETTLED_BY) {
            ""
        } else {
            "approved by "
        };
        let day = self
            .approved_at
            .map(|at| at.strftime(" on %Y-%m-%d").to_string());
        format!("{made}, {how}{who}{}", day.unwrap_or_default())
    }
}

/// Begin a post, with its address and what there is to say of it. A subject or an address that is there
/// already breaks a constraint. What is archived or removed is published first, as far as its history is
/// concerned; what is scheduled is so by [`schedule`], which names a run.
pub fn insert(post: &Post, who: &str, detail: &str) -> Vec<Statement> {
    let (begins, then) = match post.status {
        PostStatus::Published => (PostEvent::Publish, None),
        PostStatus::Unpublished | PostStatus::Scheduled => (PostEvent::Keep, None),
        PostStatus::Archived => (PostEvent::Publish, Some(PostEvent::Archive)),
        PostStatus::Removed => (PostEvent::Publish, Some(PostEvent::Remove)),
    };
    let row = Post {
        status: POSTS.to(None, begins).unwrap_or(PostStatus::Unpublished),
        scheduled_at: None,
        run: String::new(),
        ..post.clone()
    };
    let sql = "INSERT INTO posts (id, slug, subject, task, title, seo_title, excerpt, markdown, tags, \
            written_by, covers, featured, status, scheduled_at, run, published_at, updated_at, edited_by, \
            approved_by, approved_at) \
        VALUES (:id, :slug, :subject, :task, :title, :seo_title, :excerpt, :markdown, :tags, :written_by, \
            :covers, :featured, :status, :scheduled_at, :run, :published_at, :updated_at, :edited_by, \
            :approved_by, :approved_at)";
    let address = PostSlug {
        slug: post.slug.clone(),
        post: post.id.clone(),
        since: post.updated_at,
    };
    let happening = |event| Happening {
        event,
        who,
        detail,
        at: At::Moment(post.updated_at),
    };
    let begun = POSTS.note(("id", Value::from(post.id.as_str())), &happening(begins));
    let mut statements = vec![
        Statement::named(sql, &row),
        post_slugs::take(&address),
        begun,
    ];
    statements.extend(
        then.into_iter()
            .flat_map(|event| step(&post.id, &happening(event), &[])),
    );
    statements
}

/// Move a post, if the event is allowed where it is, with columns that change in the same moment.
pub fn step(id: &str, happening: &Happening<'_, PostEvent>, set: Set<'_>) -> [Statement; 2] {
    POSTS.step(("id", Value::from(id)), happening, set)
}

/// Publish the post that a run was to publish, if it still is.
pub fn publish_due(run: &str, now: Timestamp) -> [Statement; 2] {
    let happening = Happening {
        event: PostEvent::Publish,
        who: "",
        detail: "its time has come",
        at: At::Moment(now),
    };
    let set = [("published_at", Value::from(now))];
    POSTS.step(("run", Value::from(run)), &happening, &set)
}

/// Posts whose run ended without publishing them are scheduled no more.
pub(super) fn runs_ended(
    ended: &[EndedRun<'_>],
    dialect: Dialect,
) -> Result<Vec<Statement>, StoreError> {
    let lapsed = ended.iter().filter(|it| it.status != RunStatus::Done);
    let lapsed = lapsed.map(|it| EndedStep::of(it, PostEvent::Lapse));
    POSTS.ended(&lapsed.collect::<Vec<_>>(), dialect)
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

/// Posts of one status, or of all but those that were removed, newest first, with those that cannot be read.
pub async fn list(
    store: &Store,
    status: Option<PostStatus>,
    limit: u32,
) -> Result<Vec<ListEntry<Post>>, StoreError> {
    const NEWEST: &str = "ORDER BY published_at DESC, id DESC LIMIT";
    let query = match status {
        Some(status) => {
            let of = select(&format!("WHERE status = $1 {NEWEST} $2"));
            of.bind(status.word())
        }
        None => select(&format!("WHERE status <> 'removed' {NEWEST} $1")),
    };
    store.entries("slug", query.bind(limit)).await
}

/// Every post, oldest first, with those that cannot be read.
pub async fn every(store: &Store) -> Result<Vec<ListEntry<Post>>, StoreError> {
    store
        .entries("slug", select("ORDER BY published_at, id"))
        .await
}

/// Every post whose address shows it, newest first, with those that cannot be read.
pub async fn shown(store: &Store) -> Result<Vec<ListEntry<Post>>, StoreError> {
    let query =
        select("WHERE status IN ('published', 'archived') ORDER BY published_at DESC, id DESC");
    store.entries("slug", query).await
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

/// The post that has an address, or had it, whatever its status.
pub async fn by_slug(store: &Store, slug: &str) -> Result<Option<Post>, StoreError> {
    store.read_first(named(slug)).await
}

/// The post of an id, whatever its status.
pub fn one(id: &str) -> Query<Post> {
    select("WHERE id = $1").bind(id)
}

/// Of the posts behind an id, by their ids, what may show a picture.
pub fn showing(after: &str) -> Query<(String, String)> {
    Query::new("SELECT id, markdown || ' ' || COALESCE(featured, '') AS text FROM posts WHERE id > $1 ORDER BY id LIMIT 100")
        .bind(after)
}

/// The id of each post, its address, and whether it is shown there.
pub fn places() -> Query<(String, String, bool)> {
    Query::new("SELECT id, slug, status IN ('published', 'archived') AS shown FROM posts")
}

/// The post about a subject, whatever its status.
pub fn about(subject: &str) -> Query<Post> {
    select("WHERE subject = $1").bind(subject)
}

/// The same as [`by_slug`] as a question.
pub fn named(slug: &str) -> Query<Post> {
    let sql = "WHERE slug = $1 OR id IN (SELECT post FROM post_slugs WHERE slug = $1) \
        ORDER BY CASE WHEN slug = $1 THEN 0 ELSE 1 END LIMIT 1";
    select(sql).bind(slug)
}

/// Give a post what is shown of it where it is found, if it changes: the title that search engines show,
/// the excerpt and the tags of `post`.
pub fn refresh(post: &Post, happening: &Happening<'_, PostEvent>) -> [Statement; 2] {
    let set = [
        ("seo_title", Value::from(post.seo_title.as_str())),
        ("excerpt", Value::from(post.excerpt.as_str())),
        ("tags", Value::from(post.tags.join(","))),
    ];
    step(&post.id, happening, &set)
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

/// The tags of a published post, and how many other published posts link to it. `link` is how such a link ends.
pub fn linked(slug: &str, link: &str) -> Query<(String, i64)> {
    let sql = "SELECT tags, (SELECT count(*) FROM posts AS others WHERE others.status = 'published' \
            AND others.slug <> $1 AND replace(others.markdown, $2, '') <> others.markdown) AS links \
        FROM posts WHERE slug = $1 AND status = 'published'";
    Query::new(sql).bind(slug).bind(link)
}

/// The post of a task, whatever its status.
pub fn of_task(task: &str) -> Query<Post> {
    select("WHERE task = $1").bind(task)
}

/// Give a post the text of `post`, and the picture that stands for it.
pub fn illustrate(post: &Post, happening: &Happening<'_, PostEvent>) -> [Statement; 2] {
    let featured = post.featured.as_ref().map(super::picture::text);
    let set = [
        ("markdown", Value::from(post.markdown.as_str())),
        ("featured", featured.map_or(Value::Null, Value::from)),
    ];
    step(&post.id, happening, &set)
}

/// One move of a post.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "post_history")]
pub struct PostMove {
    /// Counted from 1.
    pub step: i64,
    /// Where it was; nowhere, if it began.
    pub from_status: Option<PostStatus>,
    pub to_status: PostStatus,
    pub event: PostEvent,
    /// Its address from then on.
    pub slug: String,
    /// Its title from then on.
    pub title: String,
    /// Who did it; nobody, if it came of itself.
    pub who: String,
    pub detail: String,
    #[serde(with = "micros")]
    pub at: Timestamp,
}

/// All that has happened to a post, oldest first.
pub async fn history(store: &Store, post: &str) -> Result<Vec<PostMove>, StoreError> {
    let query = select("WHERE post = $1 ORDER BY step");
    store.read(query.bind(post)).await
}

/// How much has happened to posts: any change of one counts it up.
pub async fn steps(store: &Store) -> Result<u64, StoreError> {
    store
        .read_one(Query::new("SELECT COUNT(*) FROM post_history"))
        .await
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
