//! `commits`: the history of repositories, as a source of memory.

use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, parameters, select};
use serde::{Deserialize, Serialize};

/// Rows that one statement inserts or looks up.
pub const BATCH: usize = 200;

/// One commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "commits")]
pub struct CommitRow {
    /// The full id.
    pub id: String,
    pub repository: String,
    pub author: String,
    pub subject: String,
    pub body: String,
    #[serde(with = "micros")]
    pub committed_at: jiff::Timestamp,
}

/// Keep commits, in one statement. Repeating it changes nothing.
pub fn insert(commits: &[CommitRow]) -> Statement {
    Statement::insert_all(commits).then(
        "ON CONFLICT (id) DO UPDATE SET repository = excluded.repository, \
            author = excluded.author, subject = excluded.subject, body = excluded.body, \
            committed_at = excluded.committed_at",
    )
}

/// Which of some ids are kept.
pub fn known(ids: &[String]) -> Query<String> {
    let parameters = parameters(1, ids.len());
    let sql = format!("SELECT id FROM commits WHERE id IN {parameters}");
    ids.iter().fold(Query::new(sql), Query::bind)
}

/// The ids of the newest commits.
pub fn newest(limit: u32) -> Query<String> {
    Query::new("SELECT id FROM commits ORDER BY committed_at DESC, id LIMIT $1").bind(limit)
}

/// Some commits, newest first.
pub fn all_of(ids: &[String]) -> Query<CommitRow> {
    let parameters = parameters(1, ids.len());
    let query = select(&format!(
        "WHERE id IN {parameters} ORDER BY committed_at DESC, id"
    ));
    ids.iter().fold(query, Query::bind)
}

/// How many commits are kept.
pub fn count() -> Query<u64> {
    Query::new("SELECT COUNT(*) FROM commits")
}
