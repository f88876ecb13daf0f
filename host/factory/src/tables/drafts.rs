//! `drafts`: the texts of a task, numbered from 1.

use jiff::Timestamp;
use serde::Serialize;

use callboard_core::store::{Store, StoreError, microseconds, timestamp};
use callboard_core::value::{ColumnError, Row, Rows, Statement};

/// One text of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    pub id: String,
    pub task: String,
    pub number: i64,
    pub title: String,
    pub excerpt: String,
    pub markdown: String,
    pub written_by: String,
    /// What the rails said and what a person should know, as JSON.
    pub report: String,
    pub created_at: Timestamp,
}

/// The newest draft of a task.
pub async fn latest(store: &Store, task: &str) -> Result<Option<Draft>, StoreError> {
    let sql = "SELECT * FROM drafts WHERE task = $1 ORDER BY number DESC LIMIT 1";
    let rows = store.query(Statement::new(sql).bind(task)).await?;
    Ok(rows.first().map(draft).transpose()?)
}

/// The draft of an id.
pub async fn by_id(store: &Store, id: &str) -> Result<Option<Draft>, StoreError> {
    let sql = "SELECT * FROM drafts WHERE id = $1";
    let rows = store.query(Statement::new(sql).bind(id)).await?;
    Ok(rows.first().map(draft).transpose()?)
}

/// All drafts of a task, oldest first.
pub async fn of_task(store: &Store, task: &str) -> Result<Vec<Draft>, StoreError> {
    let sql = "SELECT * FROM drafts WHERE task = $1 ORDER BY number";
    let rows = store.query(Statement::new(sql).bind(task)).await?;
    Ok(rows.iter().map(draft).collect::<Result<_, _>>()?)
}

/// Selects the number of the newest draft of a task as `number`, 0 if there is none.
pub fn find_newest_number(task: &str) -> Statement {
    let sql = "SELECT COALESCE(MAX(number), 0) AS number FROM drafts WHERE task = $1";
    Statement::new(sql).bind(task)
}

/// The number that [`find_newest_number`] found.
pub fn newest_number(rows: &Rows) -> Result<i64, ColumnError> {
    rows.first().map_or(Ok(0), |row| row.integer("number"))
}

/// Insert a draft. A number that is taken breaks a constraint.
pub fn insert(draft: &Draft) -> Statement {
    let sql = "INSERT INTO drafts \
        (id, task, number, title, excerpt, markdown, written_by, report, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    Statement::new(sql)
        .bind(&draft.id)
        .bind(&draft.task)
        .bind(draft.number)
        .bind(&draft.title)
        .bind(&draft.excerpt)
        .bind(&draft.markdown)
        .bind(&draft.written_by)
        .bind(&draft.report)
        .bind(microseconds(draft.created_at))
}

fn draft(row: Row<'_>) -> Result<Draft, ColumnError> {
    Ok(Draft {
        id: row.text("id")?,
        task: row.text("task")?,
        number: row.integer("number")?,
        title: row.text("title")?,
        excerpt: row.text("excerpt")?,
        markdown: row.text("markdown")?,
        written_by: row.text("written_by")?,
        report: row.text("report")?,
        created_at: timestamp(row.integer("created_at")?),
    })
}
