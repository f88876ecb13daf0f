//! What follows from the end of a run that started by itself: the next one in line starts, and
//! a policy gets its next time. It commits with the end.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::wait;
use crate::policy;
use crate::store::runs::RunOrigin;
use crate::store::{Dialect, NEVER, StoreError, Transaction, batch, policy_runs};
use crate::value::Statement;
use crate::value::form::text;

/// What a run is of, and what started it.
#[derive(Deserialize)]
#[serde(rename = "open_runs")]
pub(in crate::store) struct EndedOrigin {
    #[serde(rename = "id")]
    pub(in crate::store) run: String,
    pipeline: String,
    #[serde(with = "text")]
    origin: RunOrigin,
}

impl EndedOrigin {
    /// Whether it is a run of a schedule or of a policy.
    pub(in crate::store) fn is_by_itself(&self) -> bool {
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

/// Such runs ended, each with its status.
pub(in crate::store) async fn ended(
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

/// Nobody fires them meanwhile: a run that is put in line now would not be seen.
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
