//! `drafts`: the texts of a task, numbered from 1.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use callboard_core::store::{Store, StoreError};
use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, select};

/// One text of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "drafts")]
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
    #[serde(with = "micros")]
    pub created_at: Timestamp,
}

/// The newest draft of a task.
pub async fn latest(store: &Store, task: &str) -> Result<Option<Draft>, StoreError> {
    let query = select("WHERE task = $1 ORDER BY number DESC LIMIT 1");
    store.read_first(query.bind(task)).await
}

/// The draft of an id.
pub async fn by_id(store: &Store, id: &str) -> Result<Option<Draft>, StoreError> {
    store.read_first(select("WHERE id = $1").bind(id)).await
}

/// All drafts of a task, oldest first.
pub async fn of_task(store: &Store, task: &str) -> Result<Vec<Draft>, StoreError> {
    let query = select("WHERE task = $1 ORDER BY number");
    store.read(query.bind(task)).await
}

/// The number of the newest draft of a task, if there is one.
pub fn newest_number(task: &str) -> Query<i64> {
    let sql = "SELECT number FROM drafts WHERE task = $1 ORDER BY number DESC LIMIT 1";
    Query::new(sql).bind(task)
}

/// Insert a draft. A number that is taken breaks a constraint.
pub fn insert(draft: &Draft) -> Statement {
    Statement::insert(draft)
}
