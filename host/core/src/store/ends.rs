//! The end of runs: they move into the history, tenants write what they write then, and what the end
//! does to other runs is decided here. Of a run that started by itself, the next one in line
//! starts, or its policy gets its next time. All of it is one commit, that of the last checkpoint.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::runs::{RunOrigin, RunStatus, SHARED, micros};
use super::tenants::{self, EndedRun};
use super::{Dialect, NEVER, StoreError, Transaction, batch, gates, policy_runs};
use crate::policy;
use crate::value::form::text;
use crate::value::{Query, Statement};

/// What did not end well is tried again after this, if its pause is longer; so is what was
/// found under way.
pub(super) const AGAIN: Duration = Duration::from_secs(600);

/// How a run ended.
#[derive(Serialize)]
pub(super) struct RunEnding<'c> {
    pub(super) run: &'c str,
    pub(super) status: RunStatus,
    pub(super) detail: String,
}

impl RunEnding<'_> {
    /// The same for tenants.
    fn told<'r>(&'r self, removed: &'r [(i64, EndedOrigin)]) -> EndedRun<'r> {
        let of = removed.iter().find(|(_, open)| open.run == self.run);
        // Who asked for another end had none of it.
        let of = of.filter(|_| self.status == RunStatus::Cancelled);
        EndedRun {
            run: self.run,
            status: self.status,
            detail: &self.detail,
            who: of.map_or("", |(_, open)| open.stop_by.as_deref().unwrap_or_default()),
        }
    }
}

const ENDED: [(&str, &str); 3] = [("run", "text"), ("status", "text"), ("detail", "text")];

/// Move the runs that ended out of those that are open, with all that follows from it.
pub(super) async fn end(
    transaction: &mut Transaction<'_>,
    ended: &[RunEnding<'_>],
) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    let dialect = transaction.dialect();
    let rows = batch::rows(ended)?;
    if let Some(copy) = copy(dialect) {
        let copy = Statement::new(copy).bind(rows.clone());
        transaction.execute(copy).await?;
    }
    let remove = Query::new(remove(dialect)).bind(rows.clone());
    let removed: Vec<(i64, EndedOrigin)> = transaction.read(remove).await?;
    if removed.iter().any(|(questions, _)| *questions > 0) {
        let withdraw = Statement::new(withdraw(dialect)).bind(rows);
        transaction.execute(withdraw).await?;
        gates::settled(transaction).await?;
    }
    let told = ended.iter().map(|ending| ending.told(&removed));
    let told: Vec<_> = told.collect();
    tenants::runs_ended(transaction, &told).await?;
    let mut ends = Vec::new();
    for (_, started) in removed {
        if started.is_by_itself() {
            let status = ended.iter().find(|ended| ended.run == started.run);
            ends.extend(status.map(|ended| (started, ended.status.as_str())));
        }
    }
    follow(transaction, &ends).await
}

/// The runs as the history has them, out of `from`, which has their columns.
fn copy_from(dialect: Dialect, from: &str) -> String {
    let (table, now) = (batch::table(dialect, &ENDED), batch::now(dialect));
    let shared: Vec<_> = SHARED
        .split(", ")
        .map(|name| format!("{from}.{}", name.trim()))
        .collect();
    format!(
        "INSERT INTO history ({SHARED}, status, detail, finished_at) \
        SELECT {}, batch.status, batch.detail, {now} \
        FROM {table} JOIN {from} ON {from}.id = batch.run",
        shared.join(", ")
    )
}

/// Copies the runs that end, where [`remove`] does not.
fn copy(dialect: Dialect) -> Option<String> {
    match dialect {
        Dialect::Sqlite => Some(copy_from(dialect, "open_runs")),
        Dialect::Postgres => None,
    }
}

/// Gives the runs that are open no more, each with the number of its open questions.
fn remove(dialect: Dialect) -> String {
    let questions =
        "(SELECT COUNT(*) FROM gates WHERE run = open_runs.id AND decision IS NULL) AS questions";
    let remove = format!(
        "DELETE FROM open_runs WHERE id {} RETURNING {questions}, stop_by, {SHARED}",
        batch::named(dialect, "run")
    );
    match dialect {
        Dialect::Sqlite => remove,
        Dialect::Postgres => format!(
            "WITH removed AS ({remove}), copied AS ({}) \
            SELECT questions, stop_by, id, pipeline, origin FROM removed",
            copy_from(dialect, "removed")
        ),
    }
}

/// The open questions of a run that ended need no answer.
fn withdraw(dialect: Dialect) -> String {
    let (named, now) = (batch::named(dialect, "run"), batch::now(dialect));
    format!(
        "UPDATE gates SET decision = 'withdrawn', decided_at = {now} \
        WHERE decision IS NULL AND run {named}"
    )
}

/// What a run is of, what started it, and who ended it.
#[derive(Deserialize)]
#[serde(rename = "open_runs")]
struct EndedOrigin {
    #[serde(rename = "id")]
    run: String,
    pipeline: String,
    #[serde(with = "text")]
    origin: RunOrigin,
    /// Who asked last that it stops.
    stop_by: Option<String>,
}

impl EndedOrigin {
    /// Whether it is a run of a schedule or of a policy.
    fn is_by_itself(&self) -> bool {
        self.schedule().is_some() || self.policy().is_some()
    }

    fn schedule(&self) -> Option<&str> {
        match &self.origin {
            RunOrigin::Schedule(name) => Some(name),
            RunOrigin::Cli | RunOrigin::Policy(_) | RunOrigin::Fork(_) => None,
        }
    }

    fn policy(&self) -> Option<&str> {
        policy::of_pipeline(&self.pipeline)
    }
}

/// What follows for others, of runs with their statuses.
async fn follow(
    transaction: &mut Transaction<'_>,
    runs: &[(EndedOrigin, &str)],
) -> Result<(), StoreError> {
    if runs.is_empty() {
        return Ok(());
    }
    lock(transaction, runs).await?;
    for (run, status) in runs {
        if let Some(policy) = run.policy() {
            let note = policy_runs::upsert(policy, &run.run, status, transaction.dialect());
            transaction.execute(note).await?;
            plan_pause(transaction, &run.pipeline, status).await?;
        }
    }
    let schedules: BTreeSet<_> = runs.iter().filter_map(|(run, _)| run.schedule()).collect();
    for schedule in schedules {
        release(transaction, schedule).await?;
    }
    Ok(())
}

/// No worker fires them meanwhile: a run that is put in line now would not be seen.
async fn lock(
    transaction: &mut Transaction<'_>,
    runs: &[(EndedOrigin, &str)],
) -> Result<(), StoreError> {
    if transaction.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let schedules = runs.iter().filter_map(|(run, _)| run.schedule());
    let policies = runs.iter().map(|(run, _)| run.pipeline.as_str());
    let names: BTreeSet<_> = schedules.chain(policies).collect();
    let sql = format!(
        "SELECT name FROM schedules WHERE name IN ({}) ORDER BY name FOR UPDATE",
        batch::ids(transaction.dialect())
    );
    let names = batch::rows(&names.into_iter().collect::<Vec<_>>())?;
    transaction.query(Statement::new(sql).bind(names)).await?;
    Ok(())
}

/// The next time of a policy whose run has just ended.
async fn plan_pause(
    transaction: &mut Transaction<'_>,
    pipeline: &str,
    status: &str,
) -> Result<(), StoreError> {
    let (now, wait) = (batch::now(transaction.dialect()), wait("CAST($2 AS TEXT)"));
    let sql = format!(
        "UPDATE schedules SET next_at = {now} + {wait} WHERE pipeline = $1 AND pause IS NOT NULL"
    );
    let next = Statement::new(sql).bind(pipeline).bind(status);
    transaction.execute(next).await?;
    Ok(())
}

/// How long after a status the next run is due, as an expression.
pub(super) fn wait(status: &str) -> String {
    let again = micros(AGAIN);
    format!(
        "CASE WHEN {status} IN ('done', 'nothing-to-do') OR schedules.pause < {again} \
        THEN schedules.pause ELSE {again} END"
    )
}

/// Let the first run in line start, if there is none before it.
pub(super) async fn release(
    transaction: &mut Transaction<'_>,
    schedule: &str,
) -> Result<(), StoreError> {
    let (now, skip) = (
        batch::now(transaction.dialect()),
        match transaction.dialect() {
            Dialect::Sqlite => "",
            Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
        },
    );
    let in_line = format!("status = 'queued' AND wake_at >= {NEVER}");
    let of = "origin = $1 AND origin LIKE 'schedule %'";
    let sql = format!(
        "UPDATE open_runs SET wake_at = {now}, detail = '' WHERE id IN ( \
            SELECT id FROM open_runs WHERE {of} AND {in_line} \
                AND NOT EXISTS (SELECT 1 FROM open_runs WHERE {of} AND NOT ({in_line})) \
            ORDER BY created_at, id LIMIT 1 {skip})"
    );
    let release = Statement::new(sql).bind(RunOrigin::Schedule(schedule.to_owned()).to_string());
    transaction.execute(release).await?;
    Ok(())
}
