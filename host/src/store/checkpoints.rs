//! Checkpoints: what came of stages, their deferred writes, and what becomes of their runs, in
//! one transaction under the fence. Many runs' checkpoints can share a transaction; then each
//! statement carries all of them.

mod parts;

pub(super) use self::parts::{SHARED, StageRow, keep};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::parts::{Ended, Moved};
use super::gates::Gate;
use super::leases::{Held, Told, read_told};
use super::runs::RunStatus;
use super::stage_runs::StageRun;
use super::{
    Store, StoreError, Transaction, batch, blobs, effects, gates, granted, schedules, stage_runs,
    storable, tasks,
};
use crate::grants::Grants;
use crate::value::Statement;

/// What the holder of a lease makes of its run.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    pub held: Held,
    /// [`Told::signals`] as the holder knows it: a run that rests is queued again instead if
    /// something outside has changed it meanwhile.
    pub signals: i64,
    /// The visits that ended or were held.
    pub rows: Vec<StageRun>,
    /// Stages whose visits so far, those in `rows` too, do not count any more.
    pub superseded: Vec<String>,
    /// Questions to a person.
    pub gates: Vec<Gate>,
    /// Statements that commit with it, exactly once, and the plugin they run as.
    pub writes: Vec<Statement>,
    pub plugin: Option<(String, Grants)>,
    /// What the run took so far.
    pub spent: Duration,
    /// Digest of the settings it reads.
    pub settings: Option<String>,
    pub then: Then,
    /// For the ledger, if the run was scheduled.
    pub effects: Vec<effects::Effect>,
}

impl Checkpoint {
    /// One in which no stage ended.
    pub fn blank(held: Held, signals: i64, spent: Duration, then: Then) -> Self {
        Self {
            held,
            signals,
            rows: Vec::new(),
            superseded: Vec::new(),
            gates: Vec::new(),
            writes: Vec::new(),
            plugin: None,
            spent,
            settings: None,
            then,
            effects: Vec::new(),
        }
    }
}

/// What becomes of the run.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// Its holder goes on.
    GoOn {
        lease: Duration,
    },
    /// The lease is given back; the run is `queued`, `waiting`, `gated`, `paused` or `blocked`.
    Rest {
        status: RunStatus,
        detail: String,
        wake_at: Timestamp,
    },
    End {
        status: RunStatus,
        detail: String,
    },
}

/// Commit checkpoints of different runs together. Gives for each what its holder has to know;
/// `None` says that its lease is lost and nothing of it was written.
pub async fn commit(
    store: &Store,
    checkpoints: Vec<Arc<Checkpoint>>,
) -> Result<Vec<Option<Told>>, StoreError> {
    store
        .write(move |transaction| Box::pin(commit_in(transaction, checkpoints)))
        .await
}

/// The same inside a transaction.
pub(super) async fn commit_in(
    transaction: &mut Transaction<'_>,
    checkpoints: Vec<Arc<Checkpoint>>,
) -> Result<Vec<Option<Told>>, StoreError> {
    let told = advance(transaction, &checkpoints).await?;
    let held: Vec<&Checkpoint> = checkpoints
        .iter()
        .zip(&told)
        .filter_map(|(checkpoint, told)| told.as_ref().map(|_| &**checkpoint))
        .collect();
    keep_rows(transaction, &held).await?;
    supersede(transaction, &held).await?;
    for gate in held.iter().flat_map(|checkpoint| &checkpoint.gates) {
        if let Some(task) = &gate.task {
            storable::key("task of a gate", task)?;
        }
        transaction.execute(gates::insert(gate)).await?;
        if let Some(task) = &gate.task {
            let awaits = tasks::await_approval(task, transaction.dialect());
            transaction.execute(awaits).await?;
        }
    }
    for checkpoint in &held {
        carry_out(transaction, checkpoint).await?;
    }
    end(transaction, &held).await?;
    Ok(told)
}

/// Move each run on, if its fence still holds.
async fn advance(
    transaction: &mut Transaction<'_>,
    checkpoints: &[Arc<Checkpoint>],
) -> Result<Vec<Option<Told>>, StoreError> {
    let dialect = transaction.dialect();
    let moved: Vec<Moved<'_>> = checkpoints.iter().map(|one| Moved::of(one)).collect();
    let statement = Statement::new(parts::advance(dialect)).bind(batch::rows(&moved)?);
    let rows = transaction.query(statement).await?;
    let mut told = BTreeMap::new();
    for row in rows.iter() {
        told.insert(row.text("id")?, read_told(row)?);
    }
    let of = |checkpoint: &Arc<Checkpoint>| told.remove(&checkpoint.held.run);
    Ok(checkpoints.iter().map(of).collect())
}

async fn keep_rows(
    transaction: &mut Transaction<'_>,
    held: &[&Checkpoint],
) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for checkpoint in held {
        for row in &checkpoint.rows {
            let row = StageRow::of(row, checkpoint.held.fence)?;
            if let Some((digest, content)) = row.large() {
                let insert = blobs::insert(digest, content, transaction.dialect());
                transaction.execute(insert).await?;
            }
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let insert = Statement::new(parts::keep(transaction.dialect())).bind(batch::rows(&rows)?);
    let kept = transaction.execute(insert).await?;
    if usize::try_from(kept) == Ok(rows.len()) {
        return Ok(());
    }
    Err(StoreError::internal(
        "a visit of a stage has a checkpoint already; nothing was written",
    ))
}

async fn supersede(
    transaction: &mut Transaction<'_>,
    held: &[&Checkpoint],
) -> Result<(), StoreError> {
    for checkpoint in held {
        for stage in &checkpoint.superseded {
            let run = &checkpoint.held.run;
            transaction
                .execute(stage_runs::supersede(run, stage))
                .await?;
            let withdrawn = gates::withdraw(run, stage, transaction.dialect());
            transaction.execute(withdrawn).await?;
        }
    }
    Ok(())
}

/// Carry out the deferred writes, as whoever they belong to.
async fn carry_out(
    transaction: &mut Transaction<'_>,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    for statement in checkpoint.writes.iter().cloned() {
        storable::statement(&statement)?;
        match &checkpoint.plugin {
            None => transaction.execute(statement).await?,
            Some((name, grants)) => {
                granted::execute_deferred(transaction, name, grants, statement).await?
            }
        };
    }
    Ok(())
}

/// Move the runs that ended into the history, with their tasks, policies and ledger.
async fn end(transaction: &mut Transaction<'_>, held: &[&Checkpoint]) -> Result<(), StoreError> {
    let ended: Vec<Ended<'_>> = held.iter().filter_map(|held| Ended::of(held)).collect();
    if ended.is_empty() {
        return Ok(());
    }
    let dialect = transaction.dialect();
    let rows = batch::rows(&ended)?;
    if let Some(copy) = parts::copy(dialect) {
        let copy = Statement::new(copy).bind(rows.clone());
        transaction.execute(copy).await?;
    }
    let remove = Statement::new(parts::remove(dialect)).bind(rows.clone());
    let removed = transaction.query(remove).await?;
    let questions = removed.iter().map(|row| row.integer("questions"));
    if questions.sum::<Result<i64, _>>()? > 0 {
        let withdraw = Statement::new(parts::withdraw(dialect)).bind(rows.clone());
        transaction.execute(withdraw).await?;
    }
    if ended.iter().any(|ended| ended.task.is_some()) {
        let halt = Statement::new(parts::halt(dialect)).bind(rows);
        transaction.execute(halt).await?;
    }
    note(transaction, held).await?;
    let mut ends = Vec::new();
    for started in removed.iter().map(schedules::started_by_itself) {
        if let Some(started) = started? {
            let status = ended.iter().find(|ended| ended.run == started.run);
            ends.extend(status.map(|ended| (started, ended.status)));
        }
    }
    schedules::ended(transaction, &ends).await
}

/// What a scheduled run's handlers came to is noted with its end.
async fn note(transaction: &mut Transaction<'_>, held: &[&Checkpoint]) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    for checkpoint in held {
        if !matches!(checkpoint.then, Then::End { .. }) {
            continue;
        }
        for effect in &checkpoint.effects {
            let note = effects::note(effect, &checkpoint.held.run, dialect);
            transaction.execute(note).await?;
        }
    }
    Ok(())
}

/// Whether a checkpoint was committed after all, although its answer was lost: what its holder
/// has to know, or `None` if nothing of it is there.
pub async fn committed(store: &Store, checkpoint: &Checkpoint) -> Result<Option<Told>, StoreError> {
    let held = &checkpoint.held;
    let sql = match checkpoint.rows.first() {
        Some(_) => {
            "SELECT wish, wish_detail, runs.signals FROM runs \
            JOIN stage_runs ON stage_runs.run = runs.id \
            WHERE runs.id = $1 AND stage_runs.fence = $2 AND stage_runs.stage = $3 \
                AND stage_runs.visit = $4 AND stage_runs.step = $5"
        }
        None => {
            "SELECT wish, wish_detail, signals FROM runs \
            WHERE id = $1 AND fence = $2 AND status <> 'running'"
        }
    };
    let mut statement = Statement::new(sql).bind(&held.run).bind(held.fence);
    if let Some(row) = checkpoint.rows.first() {
        statement = statement.bind(&row.stage).bind(row.visit).bind(row.step);
    }
    let rows = store.query(statement).await?;
    rows.first().map(read_told).transpose()
}
