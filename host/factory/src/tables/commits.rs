//! `commits`: the history of repositories, as a source of memory.

use callboard_core::store::{Store, StoreError, timestamp};
use callboard_core::value::{Row, Statement};

/// Rows that one statement inserts or looks up.
pub const BATCH: usize = 200;

/// One commit.
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

/// Keep commits, in one statement. Repeating it changes nothing.
pub fn insert(commits: &[Commit]) -> Statement {
    let rows: Vec<String> = (0..commits.len())
        .map(|row| parameters(row * 6 + 1, 6))
        .collect();
    let sql = format!(
        "INSERT INTO commits (id, repository, author, subject, body, committed_at) VALUES {} \
         ON CONFLICT (id) DO UPDATE SET repository = excluded.repository, \
         author = excluded.author, subject = excluded.subject, body = excluded.body, \
         committed_at = excluded.committed_at",
        rows.join(", ")
    );
    commits
        .iter()
        .fold(Statement::new(sql), |statement, commit| {
            statement
                .bind(&commit.id)
                .bind(&commit.repository)
                .bind(&commit.author)
                .bind(&commit.subject)
                .bind(&commit.body)
                .bind(commit.committed_at.as_microsecond())
        })
}

/// Selects which of some ids are kept, as `id`.
pub fn find_known(ids: &[String]) -> Statement {
    let sql = format!(
        "SELECT id FROM commits WHERE id IN {}",
        parameters(1, ids.len())
    );
    ids.iter().fold(Statement::new(sql), Statement::bind)
}

/// Selects the newest commits.
pub fn find_newest(limit: u32) -> Statement {
    Statement::new("SELECT * FROM commits ORDER BY committed_at DESC, id LIMIT $1").bind(limit)
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

/// `($1, $2, …)` from a first number.
pub(super) fn parameters(first: usize, number: usize) -> String {
    let parameters: Vec<String> = (first..first + number)
        .map(|place| format!("${place}"))
        .collect();
    format!("({})", parameters.join(", "))
}
