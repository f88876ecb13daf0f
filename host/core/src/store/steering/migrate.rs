//! A run in flight that goes on on another revision.

use super::table::{self, Signal, State};
use super::{RunVersion, SteerRefusal, SteerResult, undo};
use crate::store::runs::{Run, micros};
use crate::store::stage_runs::Undone;
use crate::store::{Store, StoreError, Transaction, batch, gates, storable};
use crate::value::Statement;

/// A run as it is to go on.
#[derive(Debug, Clone)]
pub struct Migrate {
    /// With the revision, input, priority and limits that it gets.
    pub run: Run,
    /// The run as it stood when this was found out.
    pub seen: RunVersion,
    /// Stages whose checkpoints do not count any more.
    pub superseded: Vec<String>,
    /// Gates that nobody has to answer any more.
    pub withdrawn: Vec<String>,
    pub detail: String,
}

/// Move the run to its new revision. What is paused stays so.
pub async fn migrate(store: &Store, migrate: Migrate) -> Result<SteerResult, StoreError> {
    store
        .write(move |transaction| Box::pin(migrate_in(transaction, migrate)))
        .await
}

async fn migrate_in(
    transaction: &mut Transaction<'_>,
    migrate: Migrate,
) -> Result<SteerResult, StoreError> {
    let dialect = transaction.dialect();
    let run = &migrate.run;
    let locked = table::lock(transaction, &run.id).await?;
    let state = locked.as_ref().map_or(State::Ended, |locked| locked.state);
    let answer = table::answer(Signal::Migrate, state);
    if answer.is_err() {
        return Ok(answer);
    }
    let input = storable::patch(&run.input)?;
    let now = batch::now(dialect);
    let sql = format!(
        "UPDATE open_runs SET revision = $4, input = $5, settings = NULL, priority = $6, \
            limit_key = $7, at_once = $8, rate = $9, rate_window = $10, detail = $11, \
            fence = fence + 1, signals = signals + 1, lease_until = 0, \
            wake_at = CASE WHEN status = 'paused' THEN wake_at ELSE {now} END, \
            status = CASE WHEN status = 'paused' THEN status ELSE 'queued' END \
        WHERE id = $1 AND fence = $2 AND signals = $3"
    );
    let moved = Statement::new(sql)
        .bind(&run.id)
        .bind(migrate.seen.fence)
        .bind(migrate.seen.signals)
        .bind(run.revision)
        .bind(input)
        .bind(run.priority)
        .bind(run.limits.key.clone())
        .bind(run.limits.at_once.map(i64::from))
        .bind(run.limits.rate.map(i64::from))
        .bind(run.limits.rate_window.map(micros))
        .bind(&migrate.detail);
    if transaction.execute(moved).await? != 1 {
        return Ok(Err(SteerRefusal::Changed));
    }
    for gate in &migrate.withdrawn {
        let withdraw = gates::withdraw(&run.id, gate, dialect);
        transaction.execute(withdraw).await?;
    }
    undo(transaction, &run.id, &migrate.superseded, Undone::Migrated).await?;
    Ok(answer)
}
