//! Checkpoints: what came of stages, their deferred writes, and what becomes of their runs, in
//! one transaction under the fence. Many runs' checkpoints can share a transaction; then each
//! statement carries all of them.

mod parts;

pub(super) use self::parts::{StageRow, keep};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::parts::RunProgressRow;
use super::ends::{self, RunEnding};
use super::gates::{Gate, GateVerdict};
use super::leases::{Lease, RunSignals};
use super::runs::RunStatus;
use super::stage_runs::StageRun;
use super::tenants::DecidedGate;
use super::{
    Store, StoreError, StoreErrorKind, Transaction, batch, blobs, effects, gates, granted,
    open_tables, stage_runs, storable, tenants,
};
use crate::value::{Query, Statement};

/// What the holder of a lease makes of its run.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    pub held: Lease,
    /// [`RunSignals::signals`] as the holder knows it: nothing is kept if something reached the run
    /// from outside meanwhile.
    pub signals: i64,
    /// The visits that ended or were held.
    pub rows: Vec<StageRun>,
    /// Stages whose visits so far, those in `rows` too, do not count any more.
    pub superseded: Vec<String>,
    /// Questions to a person.
    pub gates: Vec<Gate>,
    /// Questions that were settled as they came up, whose checkpoints are among `rows`.
    pub settled: Vec<(Gate, GateVerdict)>,
    /// Statements that commit with it, exactly once, and the plugin they run as, if one does.
    pub writes: Vec<Statement>,
    pub writer: Option<granted::DeferredWriter>,
    /// The time that the stage has left for the writes of its plugin.
    pub left: Duration,
    /// What the run took so far.
    pub spent: Duration,
    /// Digest of the settings it reads.
    pub settings: Option<String>,
    pub then: Then,
    /// For the ledger, if the run recurs: what came of the stages that ended with it.
    pub effects: Vec<effects::Effect>,
}

impl Checkpoint {
    /// One in which no stage ended.
    pub fn blank(held: Lease, signals: i64, spent: Duration, then: Then) -> Self {
        Self {
            held,
            signals,
            rows: Vec::new(),
            superseded: Vec::new(),
            gates: Vec::new(),
            settled: Vec::new(),
            writes: Vec::new(),
            writer: None,
            left: Duration::ZERO,
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

/// What came of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    Kept(RunSignals),
    /// Nothing of it was kept: something reached the run from outside since its holder last
    /// looked, and what the holder decided may not hold any more.
    Outdated(RunSignals),
    /// Nothing of it was kept: the lease is lost.
    Lost,
}

impl Committed {
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}

/// Commit checkpoints of different runs together. Gives what came of each. One with deferred writes
/// of a plugin should come alone.
pub async fn commit(
    store: &Store,
    checkpoints: Vec<Arc<Checkpoint>>,
) -> Result<Vec<Committed>, StoreError> {
    let mut guests = checkpoints.iter().filter(|one| !one.writes.is_empty());
    let plugin = guests.find_map(|one| Some(one.writer.as_ref()?.plugin.clone()));
    store
        .write_for(plugin.as_deref(), move |transaction| {
            Box::pin(commit_in(transaction, checkpoints))
        })
        .await
}

/// The same inside a transaction.
pub(super) async fn commit_in(
    transaction: &mut Transaction<'_>,
    checkpoints: Vec<Arc<Checkpoint>>,
) -> Result<Vec<Committed>, StoreError> {
    let committed = advance(transaction, &checkpoints).await?;
    let held: Vec<&Checkpoint> = checkpoints
        .iter()
        .zip(&committed)
        .filter(|(_, committed)| committed.is_kept())
        .map(|(checkpoint, _)| &**checkpoint)
        .collect();
    keep_rows(transaction, &held).await?;
    supersede(transaction, &held).await?;
    let settled = || held.iter().flat_map(|checkpoint| &checkpoint.settled);
    let asked = held.iter().flat_map(|checkpoint| &checkpoint.gates);
    for gate in asked.chain(settled().map(|(gate, _)| gate)) {
        if let Some(subject) = &gate.subject {
            storable::key("subject of a gate", subject)?;
        }
        transaction.execute(gates::insert(gate)).await?;
    }
    for checkpoint in &held {
        carry_out(transaction, checkpoint).await?;
    }
    // What a gate is about may be written by the very stage behind which it opens.
    for gate in held.iter().flat_map(|checkpoint| &checkpoint.gates) {
        tenants::gate_opened(transaction, gate).await?;
    }
    for (gate, verdict) in settled() {
        tenants::gate_opened(transaction, gate).await?;
        settle(transaction, gate, verdict).await?;
    }
    note(transaction, &held).await?;
    let ended: Vec<_> = held.iter().filter_map(|held| ending(held)).collect();
    ends::end(transaction, &ended).await?;
    Ok(committed)
}

/// Decide a gate that has just come up. A tenant may refuse it, as it may a person's decision.
async fn settle(
    transaction: &mut Transaction<'_>,
    gate: &Gate,
    verdict: &GateVerdict,
) -> Result<(), StoreError> {
    let now = transaction.clock().await?;
    if transaction
        .execute(gates::decide(gate, verdict, now))
        .await?
        != 1
    {
        let (run, stage) = (&gate.run, &gate.stage);
        let message = format!("gate `{stage}` of run {run} is decided already");
        return Err(StoreError::new(StoreErrorKind::Constraint, message));
    }
    let decided = DecidedGate {
        gate,
        verdict,
        passed: true,
        goes_back: false,
    };
    tenants::gate_decided(transaction, decided).await
}

/// Move each run on, if its fence still holds and its holder knows all that reached it.
async fn advance(
    transaction: &mut Transaction<'_>,
    checkpoints: &[Arc<Checkpoint>],
) -> Result<Vec<Committed>, StoreError> {
    let dialect = transaction.dialect();
    let moved: Vec<RunProgressRow<'_>> = checkpoints
        .iter()
        .map(|one| RunProgressRow::of(one))
        .collect();
    let query = Query::new(parts::advance(dialect)).bind(batch::rows(&moved)?);
    let told: Vec<(String, RunSignals)> = transaction.read(query).await?;
    let mut told: BTreeMap<_, _> = told.into_iter().collect();
    let mut committed = Vec::with_capacity(checkpoints.len());
    for checkpoint in checkpoints {
        committed.push(match told.remove(&checkpoint.held.run) {
            Some(told) => Committed::Kept(told),
            None => refused(transaction, &checkpoint.held).await?,
        });
    }
    Ok(committed)
}

/// Why a checkpoint moved nothing.
async fn refused(transaction: &mut Transaction<'_>, held: &Lease) -> Result<Committed, StoreError> {
    let sql = "SELECT stop_request, stop_detail, signals FROM open_runs \
        WHERE id = $1 AND fence = $2 AND status = 'running'";
    let still_held = Query::new(sql).bind(&held.run).bind(held.fence);
    let told = transaction.read_first(still_held).await?;
    Ok(told.map_or(Committed::Lost, Committed::Outdated))
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
                let insert = blobs::insert(digest, content.into());
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
            gates::withdraw(transaction, run, stage).await?;
        }
    }
    Ok(())
}

/// Carry out the deferred writes, as the plugin or the host that they belong to.
async fn carry_out(
    transaction: &mut Transaction<'_>,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    let writes = checkpoint.writes.clone();
    writes.iter().try_for_each(storable::statement)?;
    let Some(writer) = &checkpoint.writer else {
        for statement in writes {
            open_tables::only(transaction.dialect(), &statement)?;
            let wanted = statement.rows;
            let touched = transaction.execute(statement).await?;
            if wanted.is_some_and(|rows| rows != touched) {
                let text = "what it was to move has moved meanwhile";
                return Err(StoreError::new(StoreErrorKind::Duplicate, text));
            }
        }
        return Ok(());
    };
    if writes.is_empty() {
        return Ok(());
    }
    let stage = checkpoint.rows.first().map_or("", |row| row.stage.as_str());
    let executed = granted::carry_out_deferred(transaction, writer, writes, checkpoint.left).await;
    executed.map(drop).map_err(|refused| match &refused.sql {
        // It is about the session that has the lock, which it names.
        _ if refused.error.is_lock_timeout() => refused.error,
        Some(sql) => granted::about(&writer.plugin, stage, sql, refused.error),
        None => refused.error,
    })
}

/// How the run of a checkpoint ends, if it does.
fn ending(checkpoint: &Checkpoint) -> Option<RunEnding<'_>> {
    let Then::End { status, detail } = &checkpoint.then else {
        return None;
    };
    Some(RunEnding {
        run: &checkpoint.held.run,
        status: *status,
        detail: parts::kept(detail),
    })
}

/// What the handlers of runs that recur came to is noted as their stages end, in one order, so
/// that two batches never wait for each other.
async fn note(transaction: &mut Transaction<'_>, held: &[&Checkpoint]) -> Result<(), StoreError> {
    let of = |checkpoint: &&Checkpoint| -> Vec<_> {
        let effects = checkpoint.effects.iter();
        let run = checkpoint.held.run.clone();
        effects
            .map(move |effect| (effect.clone(), run.clone()))
            .collect()
    };
    let mut noted: Vec<_> = held.iter().flat_map(of).collect();
    noted.sort_by(|(one, _), (other, _)| {
        (&one.pipeline, &one.handler).cmp(&(&other.pipeline, &other.handler))
    });
    for (effect, run) in noted {
        let note = effects::note(&effect, &run, transaction.dialect());
        transaction.execute(note).await?;
    }
    Ok(())
}

/// Whether a checkpoint was committed after all, although its answer was lost: what its holder
/// has to know, or `None` if nothing of it is there.
pub async fn committed(
    store: &Store,
    checkpoint: &Checkpoint,
) -> Result<Option<RunSignals>, StoreError> {
    let held = &checkpoint.held;
    let sql = match checkpoint.rows.first() {
        Some(_) => {
            "SELECT stop_request, stop_detail, runs.signals FROM runs \
            JOIN stage_runs ON stage_runs.run = runs.id \
            WHERE runs.id = $1 AND stage_runs.fence = $2 AND stage_runs.stage = $3 \
                AND stage_runs.visit = $4 AND stage_runs.step = $5"
        }
        None => {
            "SELECT stop_request, stop_detail, signals FROM runs \
            WHERE id = $1 AND fence = $2 AND status <> 'running'"
        }
    };
    let mut query = Query::new(sql).bind(&held.run).bind(held.fence);
    if let Some(row) = checkpoint.rows.first() {
        query = query.bind(&row.stage).bind(row.visit).bind(row.step);
    }
    store.read_first(query).await
}
