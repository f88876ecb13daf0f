//! `items`: what taps found elsewhere, such as items of feeds and documents of a folder, each once.

use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, parameters, select};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Rows that one statement inserts or looks up.
pub const BATCH: usize = 100;

/// Something that was found. `id` follows from where it was found and what it is called there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "items")]
pub struct Item {
    pub id: String,
    /// The address of the feed, or the folder.
    pub origin: String,
    /// What it is called there: the id of the feed's item, the path in the folder.
    pub name: String,
    /// Where it can be read; empty if nowhere but here.
    pub url: String,
    pub title: String,
    /// When it says it was published; empty if it does not say.
    pub published: String,
    pub text: String,
    /// What changes with title and text.
    pub digest: String,
    /// When it was found as it is.
    #[serde(with = "micros")]
    pub found_at: Timestamp,
}

/// Insert items, in one statement. What is kept already is replaced.
pub fn upsert(items: &[Item]) -> Statement {
    Statement::insert_all(items).then(
        "ON CONFLICT (id) DO UPDATE SET url = excluded.url, title = excluded.title, \
            published = excluded.published, text = excluded.text, digest = excluded.digest, \
            found_at = excluded.found_at",
    )
}

/// Items that are called so, the newest first: one by its id or where it can be read, several by where they were found.
pub fn called(name: &str, most: usize) -> Query<Item> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    select("WHERE id = $1 OR url = $1 OR origin = $1 ORDER BY found_at DESC, published DESC, id LIMIT $2")
        .bind(name)
        .bind(most)
}

/// The ids and digests of those of some ids that are kept.
pub fn known(ids: &[&str]) -> Query<(String, String)> {
    let parameters = parameters(1, ids.len());
    let sql = format!("SELECT id, digest FROM items WHERE id IN {parameters}");
    let query = Query::new(sql);
    ids.iter().fold(query, |query, id| query.bind(*id))
}
