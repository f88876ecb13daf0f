//! `commits`: the history of repositories, as a source of memory.

use super::{Store, StoreError, timestamp};
use crate::value::{Row, Statement};

#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The full id.
    pub id: String,
    pub repository: String,
    pub author: String,
    pub subject: String,
    pub body: String,
    pub committed_at: jiff::Timestamp,
}

/// Keep a commit; one that is there already stays.
pub fn insert(commit: &Commit) -> Statement {
    let sql = "INSERT INTO commits (id, repository, author, subject, body, committed_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING";
    Statement::new(sql)
        .bind(&commit.id)
        .bind(&commit.repository)
        .bind(&commit.author)
        .bind(&commit.subject)
        .bind(&commit.body)
        .bind(commit.committed_at.as_microsecond())
}

/// Selects commits that have no embedding of `model` yet, oldest first.
pub fn find_unembedded(model: &str, limit: u32) -> Statement {
    let sql = "SELECT * FROM commits WHERE NOT EXISTS (SELECT 1 FROM embeddings \
        WHERE embeddings.source_table = 'commits' AND embeddings.source_id = commits.id \
        AND embeddings.embedding_model = $1) \
        AND NOT EXISTS (SELECT 1 FROM embeddings WHERE embeddings.source_table = 'commits' \
        AND embeddings.is_summary = TRUE AND embeddings.metadata LIKE '%' || commits.id || '%') \
        ORDER BY committed_at, id LIMIT $2";
    Statement::new(sql).bind(model).bind(limit)
}

/// How many commits are kept.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    let rows = store
        .query(Statement::new("SELECT COUNT(*) AS commits FROM commits"))
        .await?;
    let count = rows.first().map(|row| row.integer("commits")).transpose()?;
    Ok(count.unwrap_or_default().unsigned_abs())
}

/// A row of `commits`.
pub fn read(row: Row<'_>) -> Result<Commit, StoreError> {
    Ok(Commit {
        id: row.text("id")?,
        repository: row.text("repository")?,
        author: row.text("author")?,
        subject: row.text("subject")?,
        body: row.text("body")?,
        committed_at: timestamp(row.integer("committed_at")?),
    })
}
