//! A run in flight that goes on on another revision.

use serde::Serialize;

use super::table::{self, RunState, Signal};
use super::{RunVersion, SteerRefusal, SteerResult, undo};
use crate::store::runs::Run;
use crate::store::stage_runs::UndoneVisit;
use crate::store::{Store, StoreError, Transaction, batch, gates, storable, tenants};
use crate::value::Statement;

/// A run as it is to go on.
#[derive(Debug, Clone)]
pub struct MigratePlan {
    /// With the revision, input, priority and limits that it gets.
    pub run: Run,
    /// The run as it stood when this was found out.
    pub seen: RunVersion,
    /// Stages whose checkpoints do not count any more.
    pub superseded: Vec<String>,
    /// Gates that need no answer any more.
    pub withdrawn: Vec<String>,
    pub detail: String,
}

/// What its row takes of it; what stands before the run is newer.
#[derive(Serialize)]
struct MigratedRow<'m> {
    seen: RunVersion,
    detail: &'m str,
    input: String,
    run: &'m Run,
}

/// Move the run to its new revision. What is paused stays so.
pub async fn migrate(store: &Store, migrate: MigratePlan) -> Result<SteerResult, StoreError> {
    store
        .write(move |transaction| Box::pin(migrate_in(transaction, migrate)))
        .await
}

async fn migrate_in(
    transaction: &mut Transaction<'_>,
    migrate: MigratePlan,
) -> Result<SteerResult, StoreError> {
    let dialect = transaction.dialect();
    let run = &migrate.run;
    let locked = table::lock(transaction, &run.id).await?;
    let state = locked
        .as_ref()
        .map_or(RunState::Ended, |locked| locked.state);
    let answer = table::answer(Signal::Migrate, state);
    if answer.is_err() {
        return Ok(answer);
    }
    let input = storable::patch(&run.input)?;
    let now = batch::now(dialect);
    let sql = format!(
        "UPDATE open_runs SET revision = :revision, input = :input, settings = NULL, \
            priority = :priority, limit_key = :limit_key, at_once = :at_once, rate = :rate, \
            rate_window = :rate_window, detail = :detail, \
            fence = fence + 1, signals = signals + 1, lease_until = 0, \
            wake_at = CASE WHEN status = 'paused' THEN wake_at ELSE {now} END, \
            status = CASE WHEN status = 'paused' THEN status ELSE 'queued' END \
        WHERE id = :id AND fence = :fence AND signals = :signals"
    );
    let moved = MigratedRow {
        seen: migrate.seen,
        detail: &migrate.detail,
        input,
        run,
    };
    let moved = Statement::named(&sql, &moved);
    if transaction.execute(moved).await? != 1 {
        return Ok(Err(SteerRefusal::Changed));
    }
    withdraw(transaction, &run.id, &migrate.withdrawn).await?;
    undo(
        transaction,
        &run.id,
        &migrate.superseded,
        UndoneVisit::Migrated,
    )
    .await?;
    Ok(answer)
}

/// Gates that need no answer any more. If the run has no other one open, what it is about is not asked
/// about any more.
async fn withdraw(
    transaction: &mut Transaction<'_>,
    run: &str,
    stages: &[String],
) -> Result<(), StoreError> {
    let open = gates::open_in(transaction, run).await?;
    for stage in stages {
        gates::withdraw(transaction, run, stage).await?;
    }
    let is_withdrawn = |gate: &&gates::Gate| stages.contains(&gate.stage);
    match open.iter().find(is_withdrawn) {
        Some(gate) if open.iter().all(|gate| is_withdrawn(&gate)) => {
            tenants::gate_withdrawn(transaction, gate).await
        }
        _ => Ok(()),
    }
}
