//! `stage_runs`: the checkpoints, one row a visit of a stage.

use jiff::Timestamp;
use serde::Serialize;

use super::{Store, StoreError, timestamp};
use crate::outcome::Outcome;
use crate::value::{Row, Statement};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageRun {
    pub run: String,
    pub stage: String,
    pub visit: u32,
    /// The handler, or `gate`.
    pub handler: String,
    pub attempts: u32,
    pub outcome: Outcome,
    /// What followed: `continue`, `skip`, `end`, `fail`, `hold`, `goto:<stage>`.
    pub follow: String,
    /// Whether a later visit of this stage, or of one it needs, counts instead.
    pub superseded: bool,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
}

/// Keep a checkpoint. Its deferred writes are not kept: they were just carried out.
pub fn insert(row: &StageRun) -> Result<Statement, StoreError> {
    let mut outcome = row.outcome.clone();
    if let Outcome::Done(done) = &mut outcome {
        done.writes.clear();
    }
    let report = serde_json::to_string(&outcome)
        .map_err(|error| StoreError::internal(format!("outcome: {error}")))?;
    let sql = "INSERT INTO stage_runs (run, stage, visit, handler, attempts, outcome, follow, \
        report, superseded, started_at, finished_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    Ok(Statement::new(sql)
        .bind(&row.run)
        .bind(&row.stage)
        .bind(row.visit)
        .bind(&row.handler)
        .bind(row.attempts)
        .bind(row.outcome.name())
        .bind(&row.follow)
        .bind(report)
        .bind(row.superseded)
        .bind(row.started_at.as_microsecond())
        .bind(row.finished_at.as_microsecond()))
}

/// A later visit counts instead of this stage's.
pub fn supersede(run: &str, stage: &str) -> Statement {
    let sql = "UPDATE stage_runs SET superseded = TRUE WHERE run = $1 AND stage = $2";
    Statement::new(sql).bind(run).bind(stage)
}

/// The checkpoints of a run in the order they were made.
pub async fn of_run(store: &Store, run: &str) -> Result<Vec<StageRun>, StoreError> {
    let sql = "SELECT * FROM stage_runs WHERE run = $1 ORDER BY finished_at, stage, visit";
    store
        .query(Statement::new(sql).bind(run))
        .await?
        .iter()
        .map(read)
        .collect()
}

fn read(row: Row<'_>) -> Result<StageRun, StoreError> {
    let outcome = serde_json::from_str(&row.text("report")?)
        .map_err(|error| StoreError::internal(format!("the outcome of a stage: {error}")))?;
    Ok(StageRun {
        run: row.text("run")?,
        stage: row.text("stage")?,
        visit: number(row, "visit")?,
        handler: row.text("handler")?,
        attempts: number(row, "attempts")?,
        outcome,
        follow: row.text("follow")?,
        superseded: row.boolean("superseded")?,
        started_at: timestamp(row.integer("started_at")?),
        finished_at: timestamp(row.integer("finished_at")?),
    })
}

fn number(row: Row<'_>, column: &str) -> Result<u32, StoreError> {
    u32::try_from(row.integer(column)?)
        .map_err(|_| StoreError::internal(format!("column `{column}` is out of range")))
}
