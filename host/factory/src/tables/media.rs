//! `media`: the pictures that were made, each with how.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use callboard_core::value::form::{micros, text};
use callboard_core::value::{Query, Statement, select};

use crate::images::WhichPicture;
use crate::markdown::pictures::KEPT;

/// A picture that was made and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "media")]
pub struct MediaRow {
    pub id: String,
    /// The run that made it.
    pub run: String,
    /// The task that it was made for, if the run has one.
    pub task: Option<String>,
    /// The post that shows it.
    pub post: Option<String>,
    #[serde(with = "text")]
    pub which: WhichPicture,
    /// SHA-256 of its file.
    pub digest: String,
    /// Its name in the store.
    pub path: String,
    pub width: i64,
    pub height: i64,
    pub bytes: i64,
    pub mime: String,
    pub alt: String,
    /// What the text said for which it was planned.
    pub basis: String,
    pub prompt: String,
    /// A digest of all that was asked for.
    pub asked: String,
    /// The model that said what it shows; empty if none did.
    pub seen_by: String,
    /// The protocol of the server that made it.
    pub provider: String,
    pub model: String,
    pub seed: i64,
    #[serde(with = "micros")]
    pub made_at: Timestamp,
}

impl MediaRow {
    /// Where readers find it.
    pub fn src(&self) -> String {
        format!("{KEPT}{}", self.path)
    }
}

/// Keep how a picture was made. Again, it changes nothing.
pub fn insert(row: &MediaRow) -> Statement {
    Statement::insert(row).then("ON CONFLICT (id) DO NOTHING")
}

/// The names of all that were kept.
pub fn paths() -> Query<String> {
    Query::new("SELECT DISTINCT path FROM media ORDER BY path")
}

/// The picture of an id.
pub fn by_id(id: &str) -> Query<MediaRow> {
    select("WHERE id = $1").bind(id)
}

/// How the picture of a name was made, the newest first.
pub fn of_path(path: &str) -> Query<MediaRow> {
    select("WHERE path = $1 ORDER BY made_at DESC, id").bind(path)
}

/// How the picture of a name was made that stands at a place of a task's text; the newest first. One file
/// may be more than one picture: what was made for that place comes before what was for another one, and
/// what was for that task before what was for others.
pub fn shown(path: &str, task: &str, which: WhichPicture) -> Query<MediaRow> {
    let made = select(
        "WHERE path = $1 ORDER BY CASE WHEN task = $2 AND which = $3 THEN 0 WHEN task = $2 THEN 1 ELSE 2 END, \
            made_at DESC, id",
    );
    made.bind(path).bind(task).bind(which.to_string())
}

/// The pictures that a run made, the newest first.
pub fn of_run(run: &str) -> Query<MediaRow> {
    select("WHERE run = $1 ORDER BY made_at DESC, id").bind(run)
}

/// The names of the pictures that a run made.
pub fn names_of_run(run: &str) -> Query<String> {
    Query::new("SELECT path FROM media WHERE run = $1").bind(run)
}

/// Keep no more how the picture of a name was made.
pub fn forget(path: &str) -> Statement {
    Statement::new("DELETE FROM media WHERE path = $1").bind(path)
}

/// Say what a picture shows, by the model that saw it.
pub fn caption(id: &str, alt: &str, by: &str) -> Statement {
    Statement::new("UPDATE media SET alt = $2, seen_by = $3 WHERE id = $1")
        .bind(id)
        .bind(alt)
        .bind(by)
}

/// Say where a picture is now, and what is said of it.
pub fn moved(id: &str, which: WhichPicture, alt: &str) -> Statement {
    Statement::new("UPDATE media SET which = $2, alt = $3 WHERE id = $1")
        .bind(id)
        .bind(which.to_string())
        .bind(alt)
}

/// The pictures of a task, and of the run that made it, are those of its post from now on.
pub fn published(task: &str, run: &str, post: &str) -> Statement {
    let sql = "UPDATE media SET task = $1, post = $3 \
        WHERE (task = $1 OR run = $2) AND post IS NULL";
    Statement::new(sql).bind(task).bind(run).bind(post)
}
