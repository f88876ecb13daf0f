//! `post_slugs`: every address that posts have or had. A row is for good, so that an address leads to the
//! post that had it whatever it is called now, in one step, and to no other: whether one is free
//! is decided by the key of this table, in the transaction that takes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use callboard_core::store::{Store, StoreError};
use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, select};

/// An address of a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "post_slugs")]
pub struct PostSlug {
    pub slug: String,
    /// The id of the post.
    pub post: String,
    #[serde(with = "micros")]
    pub since: Timestamp,
}

/// Take an address for a post. One that another post has or had breaks a constraint.
pub fn take(slug: &PostSlug) -> Statement {
    Statement::insert(slug)
}

/// Whose an address is or was.
pub fn owner(slug: &str) -> Query<PostSlug> {
    select("WHERE slug = $1").bind(slug)
}

/// All that posts have and had, each with the id of its post.
pub fn all() -> Query<(String, String)> {
    Query::new("SELECT slug, post FROM post_slugs")
}

/// The addresses that begin so.
pub fn beginning(beginning: &str) -> Query<PostSlug> {
    let length = i64::try_from(beginning.len()).unwrap_or(i64::MAX);
    let query = select("WHERE substr(slug, 1, CAST($2 AS INTEGER)) = $1");
    query.bind(beginning).bind(length)
}

/// The addresses that a post has and had, oldest first.
pub fn of_post(post: &str) -> Query<PostSlug> {
    select("WHERE post = $1 ORDER BY since, slug").bind(post)
}

/// Addresses that posts had before, each with the one that the same post has now, of posts that are shown.
pub async fn moved(store: &Store) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT post_slugs.slug AS before, posts.slug AS address FROM post_slugs \
        JOIN posts ON posts.id = post_slugs.post \
        WHERE post_slugs.slug <> posts.slug AND posts.status IN ('published', 'archived') \
        ORDER BY post_slugs.slug";
    store.read(Query::new(sql)).await
}
