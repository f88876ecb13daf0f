//! `drafts`: the texts of a task, numbered from 1. What is shown, approved and published is one of
//! these rows, as it stands here.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, select};

use crate::draft;

/// Keys of a draft that are columns; its claims stay with its run.
const COLUMNS: [&str; 4] = ["title", "excerpt", "markdown", "written_by"];
const CLAIMS: &str = "claims";

/// One text of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "drafts")]
pub struct DraftVersion {
    pub id: String,
    pub task: String,
    pub number: i64,
    /// The number of the draft that it was made from, if it was made from one.
    pub parent: Option<i64>,
    pub origin: DraftOrigin,
    /// Who edited it, or whose edit is merged into it; empty, if it is the pipeline's own.
    pub editor: String,
    /// The run that its task was made by.
    pub run: String,
    pub title: String,
    pub excerpt: String,
    pub markdown: String,
    pub written_by: String,
    /// What a draft has besides these, as JSON.
    pub details: String,
    /// What the rails said and what a person should know, as JSON.
    pub report: String,
    /// Marked places where a person and the pipeline say different things.
    pub conflicts: i64,
    #[serde(with = "micros")]
    pub created_at: Timestamp,
}

/// Whose text a draft is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DraftOrigin {
    Pipeline,
    /// A person edited the one before.
    Person,
    /// A person's edit, and what the pipeline wrote after it.
    Merge,
}

impl DraftVersion {
    /// The whole of it, as a pipeline has it; without its claims.
    pub fn text(&self) -> Result<draft::Draft, serde_json::Error> {
        let mut keys: Map<String, Json> = serde_json::from_str(&self.details)?;
        let texts = [&self.title, &self.excerpt, &self.markdown, &self.written_by];
        for (key, text) in COLUMNS.into_iter().zip(texts) {
            keys.insert(key.to_owned(), Json::from(text.as_str()));
        }
        serde_json::from_value(Json::Object(keys))
    }
}

/// Everybody who had a hand in a draft, with one more.
pub fn editors(before: &str, by: &str) -> String {
    if before.is_empty() {
        return by.to_owned();
    }
    if by.is_empty() || before.split(", ").any(|known| known == by) {
        return before.to_owned();
    }
    format!("{before}, {by}")
}

/// What a draft has besides the columns of its row, as JSON.
pub fn details(draft: &draft::Draft) -> String {
    let mut keys = serde_json::to_value(draft).unwrap_or_default();
    if let Some(keys) = keys.as_object_mut() {
        keys.retain(|key, _| !COLUMNS.contains(&key.as_str()) && key != CLAIMS);
    }
    keys.to_string()
}

/// A draft of a task by its number.
pub fn numbered(task: &str, number: i64) -> Query<DraftVersion> {
    let query = select("WHERE task = $1 AND number = $2");
    query.bind(task).bind(number)
}

/// How many unsettled places a draft has.
pub fn conflicts(task: &str, number: i64) -> Query<i64> {
    let sql = "SELECT conflicts FROM drafts WHERE task = $1 AND number = $2";
    Query::new(sql).bind(task).bind(number)
}

/// All drafts of a task, oldest first.
pub fn of_task(task: &str) -> Query<DraftVersion> {
    select("WHERE task = $1 ORDER BY number").bind(task)
}

/// Of the drafts behind an id, by their ids, what may show a picture.
pub fn showing(after: &str) -> Query<(String, String)> {
    Query::new("SELECT id, markdown || ' ' || details AS text FROM drafts WHERE id > $1 ORDER BY id LIMIT 100")
        .bind(after)
}

/// Insert a draft. A number that is taken breaks a constraint.
pub fn insert(draft: &DraftVersion) -> Statement {
    Statement::insert(draft)
}
