//! `gates`: questions to a person, and what they decided.

use jiff::Timestamp;
use serde::Serialize;

use super::{Store, StoreError, timestamp};
use crate::value::{Row, Statement};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    pub run: String,
    pub stage: String,
    pub visit: u32,
    pub question: String,
    /// The task it is about, if the run has one.
    pub task: Option<String>,
    pub opened_at: Timestamp,
    pub decision: Option<Decision>,
    pub feedback: Option<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Approved,
    Rejected,
}

impl Decision {
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Approved => "approved",
            Decision::Rejected => "rejected",
        }
    }
}

/// Open a gate.
pub fn insert(gate: &Gate) -> Statement {
    let sql = "INSERT INTO gates (run, stage, visit, question, task, opened_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    Statement::new(sql)
        .bind(&gate.run)
        .bind(&gate.stage)
        .bind(gate.visit)
        .bind(&gate.question)
        .bind(gate.task.clone())
        .bind(gate.opened_at.as_microsecond())
}

/// Decide an open gate; touches one row, or none if somebody decided before.
pub fn decide(gate: &Gate, decision: Decision, by: &str, feedback: &str, now: i64) -> Statement {
    let sql = "UPDATE gates SET decision = $4, decided_by = $5, feedback = $6, decided_at = $7 \
        WHERE run = $1 AND stage = $2 AND visit = $3 AND decision IS NULL";
    Statement::new(sql)
        .bind(&gate.run)
        .bind(&gate.stage)
        .bind(gate.visit)
        .bind(decision.as_str())
        .bind(by)
        .bind(feedback)
        .bind(now)
}

/// The open gates, oldest first.
pub async fn open(store: &Store) -> Result<Vec<Gate>, StoreError> {
    let sql = "SELECT * FROM gates WHERE decision IS NULL ORDER BY opened_at, run, stage";
    store
        .query(Statement::new(sql))
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The newest gate of a task.
pub async fn of_task(store: &Store, task: &str) -> Result<Option<Gate>, StoreError> {
    let sql = "SELECT * FROM gates WHERE task = $1 ORDER BY opened_at DESC, visit DESC LIMIT 1";
    store
        .query(Statement::new(sql).bind(task))
        .await?
        .first()
        .map(read)
        .transpose()
}

fn read(row: Row<'_>) -> Result<Gate, StoreError> {
    let decision = match row.optional_text("decision")?.as_deref() {
        Some("approved") => Some(Decision::Approved),
        Some("rejected") => Some(Decision::Rejected),
        _ => None,
    };
    Ok(Gate {
        run: row.text("run")?,
        stage: row.text("stage")?,
        visit: u32::try_from(row.integer("visit")?).unwrap_or_default(),
        question: row.text("question")?,
        task: row.optional_text("task")?,
        opened_at: timestamp(row.integer("opened_at")?),
        decision,
        feedback: row.optional_text("feedback")?,
        decided_by: row.optional_text("decided_by")?,
        decided_at: row.optional_integer("decided_at")?.map(timestamp),
    })
}
