//! Claims: who works on which run. One batch at a time, in the whole of a database, so that
//! limits hold exactly; what to take of the runs that are due is [`pick`].

pub mod offered;
pub mod pick;
mod rates;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use self::pick::{ClaimChoice, Load};
use super::leases::RunSignals;
use super::locks::Lock;
use super::poisoned::Poison;
use super::runs::{self, Run, micros};
use super::stage_runs::{self, StageRun};
use super::{Dialect, ReadLimit, Store, StoreError, Transaction, batch, gates, poisoned};
use crate::value::form;
use crate::value::{Query, Statement};

/// Statuses of runs that can be taken when they are due.
const CLAIMABLE: &str = "status IN ('queued', 'waiting', 'blocked')";
/// Runs that are looked at together once a key of theirs is spent.
const PAGE: usize = 256;

/// A run that was just taken, with its checkpoints so far.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "open_runs")]
pub struct ClaimedRun {
    pub run: Run,
    pub fence: i64,
    pub told: RunSignals,
    #[serde(skip)]
    pub rows: Vec<StageRun>,
    /// Stages whose gates were asked and are not decided.
    #[serde(skip)]
    pub asked: BTreeSet<String>,
    /// The database's clock at the time of the claim.
    #[serde(with = "form::micros")]
    pub now: Timestamp,
}

/// A run that is due.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "open_runs")]
pub struct Candidate {
    pub id: String,
    pub pipeline: String,
    pub priority: i64,
    pub wake_at: i64,
    #[serde(rename = "limit_key")]
    pub key: Option<String>,
    pub at_once: Option<i64>,
    pub rate: Option<i64>,
    pub rate_window: Option<i64>,
}

/// Who claims, and how.
#[derive(Debug, Clone)]
pub struct Claimant {
    /// The worker's name, for people.
    pub worker: String,
    /// How long a lease lasts without a heartbeat.
    pub lease: Duration,
    /// How many workers a run has lost that is a suspect; see [`take_suspect`].
    pub suspect: u32,
}

/// Take up to `slots` runs that are due, suspects left out.
pub async fn take(
    store: &Store,
    claimant: &Claimant,
    slots: usize,
) -> Result<Vec<ClaimedRun>, StoreError> {
    let most = i64::from(claimant.suspect) - 1;
    take_between(store, claimant, slots, [0, most]).await
}

/// Take a run that lost so many workers that the next loss blocks it. The worker that takes it
/// carries out nothing beside it, so that no other run is blocked for what this one does.
pub async fn take_suspect(
    store: &Store,
    claimant: &Claimant,
) -> Result<Option<ClaimedRun>, StoreError> {
    let least = i64::from(claimant.suspect);
    let mut taken = take_between(store, claimant, 1, [least, i64::MAX]).await?;
    Ok(taken.pop())
}

async fn take_between(
    store: &Store,
    claimant: &Claimant,
    slots: usize,
    recoveries: [i64; 2],
) -> Result<Vec<ClaimedRun>, StoreError> {
    let claimant = claimant.clone();
    store
        .write(move |transaction| {
            Box::pin(async move {
                let now = begin(transaction).await?;
                let ids = choose(transaction, now, slots, recoveries).await?;
                lease(transaction, &claimant, now, ids).await
            })
        })
        .await
}

/// Take the run named if it is due, suspect or not, whatever its limits.
pub async fn take_one(
    store: &Store,
    claimant: &Claimant,
    run: &str,
) -> Result<Option<ClaimedRun>, StoreError> {
    let (claimant, run) = (claimant.clone(), run.to_owned());
    let taken = store.write(move |transaction| {
        Box::pin(async move {
            let now = begin(transaction).await?;
            let sql = format!(
                "SELECT id FROM open_runs WHERE id = $1 AND (({CLAIMABLE} AND wake_at <= $2) \
                 OR (status = 'running' AND lease_until <= $2))"
            );
            let due = Query::new(sql).bind(run).bind(now);
            let ids = transaction.read(due).await?;
            lease(transaction, &claimant, now, ids).await
        })
    });
    Ok(taken.await?.pop())
}

/// Wait for other claims to commit; gives the database's clock.
async fn begin(transaction: &mut Transaction<'_>) -> Result<i64, StoreError> {
    Lock::Claims.acquire(transaction).await?;
    transaction.clock().await
}

/// The ids of the runs to take, of those that lost so many workers (least and most).
async fn choose(
    transaction: &mut Transaction<'_>,
    now: i64,
    slots: usize,
    recoveries: [i64; 2],
) -> Result<Vec<String>, StoreError> {
    let lines = due_lines(transaction).await?;
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted = ClaimChoice::new(loads(transaction, now).await?, slots);
    // A key that has nothing left is left out, so that it hides no run behind it.
    let mut spent: BTreeSet<String> = wanted.full_keys();
    for line in &lines {
        let mut page = slots;
        loop {
            let query = due(transaction.dialect(), line, now, recoveries, page, &spent)?;
            let mut found = candidates(transaction, query).await?;
            let blocked = found.poison.len();
            poisoned::block(transaction, found.poison).await?;
            let starts = rates::started(transaction, &found.candidates, now).await?;
            let later = rates::put_off(transaction, &starts, now).await?;
            found.candidates.retain(|one| !starts.is_spent(one));
            let exhausted = wanted.offer(found.candidates, &starts);
            if blocked == 0 && later == 0 && exhausted.is_subset(&spent) {
                break;
            }
            spent.extend(exhausted);
            // Where there is one whose key is spent there may be many.
            page = if later > 0 { page.max(PAGE) } else { slots };
        }
    }
    Ok(wanted.pick())
}

/// Runs of a pipeline that are claimed in the order of their times.
#[derive(Deserialize)]
struct PipelineQueue {
    pipeline: String,
    priority: i64,
}

/// Pipelines that have claimable runs, with their priorities: one step down the index for each.
async fn due_lines(transaction: &mut Transaction<'_>) -> Result<Vec<PipelineQueue>, StoreError> {
    let sql = format!(
        "WITH RECURSIVE pipelines (name) AS ( \
            SELECT MIN(pipeline) FROM open_runs WHERE {CLAIMABLE} \
            UNION ALL \
            SELECT (SELECT MIN(pipeline) FROM open_runs \
                WHERE {CLAIMABLE} AND pipeline > pipelines.name) \
            FROM pipelines WHERE pipelines.name IS NOT NULL), \
        lines (pipeline, priority) AS ( \
            SELECT name, (SELECT MAX(priority) FROM open_runs \
                WHERE {CLAIMABLE} AND pipeline = pipelines.name) \
            FROM pipelines WHERE name IS NOT NULL \
            UNION ALL \
            SELECT lines.pipeline, (SELECT MAX(priority) FROM open_runs \
                WHERE {CLAIMABLE} AND pipeline = lines.pipeline AND priority < lines.priority) \
            FROM lines WHERE lines.priority IS NOT NULL) \
        SELECT pipeline, priority FROM lines WHERE priority IS NOT NULL"
    );
    transaction
        .readable("a line of runs", Query::new(sql))
        .await
}

/// What is under way, by pipeline and key. A lease that ran out counts no more.
async fn loads(transaction: &mut Transaction<'_>, now: i64) -> Result<Vec<Load>, StoreError> {
    let sql = "SELECT pipeline, limit_key, MIN(at_once) AS at_once, COUNT(*) AS runs \
        FROM open_runs WHERE status = 'running' AND lease_until > $1 \
        GROUP BY pipeline, limit_key";
    let query = Query::new(sql).bind(now);
    transaction.readable("a limit", query).await
}

/// What a claim looks at in a run. Only a start counts for a rate: a run that has started goes on.
const CANDIDATE: &str = "id, pipeline, priority, limit_key, at_once, \
    CASE WHEN started_at IS NULL THEN rate END AS rate, rate_window, wake_at";

/// The first runs of a line that are due, keys without a place left out.
fn due(
    dialect: Dialect,
    line: &PipelineQueue,
    now: i64,
    [least, most]: [i64; 2],
    page: usize,
    spent: &BTreeSet<String>,
) -> Result<Statement, StoreError> {
    let spent_keys = batch::ids(dialect);
    let sql = format!(
        "SELECT {CANDIDATE} \
        FROM open_runs WHERE {CLAIMABLE} AND pipeline = $2 AND priority = $3 AND wake_at <= $4 \
            AND recoveries BETWEEN $5 AND $6 \
            AND (limit_key IS NULL OR limit_key NOT IN ({spent_keys})) \
        ORDER BY wake_at, id LIMIT $7"
    );
    Ok(Statement::new(sql)
        .bind(batch::rows(&spent.iter().collect::<Vec<_>>())?)
        .bind(&line.pipeline)
        .bind(line.priority)
        .bind(now)
        .bind(least)
        .bind(most)
        .bind(i64::try_from(page).unwrap_or(i64::MAX)))
}

/// Runs that are due, and those whose rows cannot be read.
struct DueRuns {
    candidates: Vec<Candidate>,
    poison: Vec<Poison>,
}

async fn candidates(
    transaction: &mut Transaction<'_>,
    query: Statement,
) -> Result<DueRuns, StoreError> {
    let rows = transaction.query(query).await?;
    let mut found = DueRuns {
        candidates: Vec::new(),
        poison: Vec::new(),
    };
    for row in rows.iter() {
        match row.read() {
            Ok(candidate) => found.candidates.push(candidate),
            Err(error) => found.poison.push(Poison::of(row, "id", &error.into())),
        }
    }
    Ok(found)
}

/// Take the lease of each run; its fence grows. One that cannot be read is blocked.
async fn lease(
    transaction: &mut Transaction<'_>,
    claimant: &Claimant,
    now: i64,
    ids: Vec<String>,
) -> Result<Vec<ClaimedRun>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = transaction.dialect();
    let among = batch::among(dialect, batch::ids(dialect));
    let columns = runs::open_columns();
    let sql = format!(
        "UPDATE open_runs SET status = 'running', fence = fence + 1, lease_until = $2, \
            lease = $5, worker = $3, started_at = COALESCE(started_at, $4) \
        WHERE id {among} \
        RETURNING {columns}, fence, stop_request, stop_detail, signals, CAST($4 AS BIGINT) AS now"
    );
    let order = batch::rows(&ids)?;
    let take = Statement::new(sql)
        .bind(order)
        .bind(now.saturating_add(micros(claimant.lease)))
        .bind(&claimant.worker)
        .bind(now)
        .bind(micros(claimant.lease));
    let taken = transaction.query(take).await?;
    let (mut claims, mut poison) = (Vec::with_capacity(ids.len()), Vec::new());
    for row in taken.iter() {
        match row.read() {
            Ok(claim) => claims.push(claim),
            Err(error) => poison.push(Poison::of(row, "id", &error.into())),
        }
    }
    poison.extend(with_rows(transaction, &mut claims).await?);
    claims.retain(|claim| !poison.iter().any(|poison| poison.is(&claim.run.id)));
    poisoned::block(transaction, poison).await?;
    claims.sort_by_key(|claim| ids.iter().position(|id| *id == claim.run.id));
    Ok(claims)
}

/// Read the checkpoints of those that may have some: a first claim has none. Gives the runs of
/// which one cannot be read.
async fn with_rows(
    transaction: &mut Transaction<'_>,
    claims: &mut [ClaimedRun],
) -> Result<Vec<Poison>, StoreError> {
    let mut poison = Vec::new();
    let resumed: Vec<&str> = claims
        .iter()
        .filter(|claim| claim.fence > 1)
        .map(|claim| claim.run.id.as_str())
        .collect();
    if resumed.is_empty() {
        return Ok(poison);
    }
    let (dialect, ids) = (transaction.dialect(), batch::rows(&resumed)?);
    // Each of them may have as many as a run may.
    let limit = ReadLimit::HOST.times(resumed.len());
    let rows = transaction
        .query_within(stage_runs::of_runs(dialect, ids.clone()), limit)
        .await?;
    let mut reader = stage_runs::StageRunReader::default();
    for row in rows.iter() {
        match reader.read(row) {
            Ok(row) => of_run(claims, &row.run.clone(), |claim| claim.rows.push(row)),
            Err(error) => poison.push(Poison::of(row, "run", &error)),
        }
    }
    let asked = transaction
        .query(gates::asked_of_runs(dialect, ids))
        .await?;
    for row in asked.iter() {
        match row.read::<(&str, String)>() {
            Ok((run, stage)) => of_run(claims, run, |claim| {
                claim.asked.insert(stage);
            }),
            Err(error) => poison.push(Poison::of(row, "run", &error.into())),
        }
    }
    Ok(poison)
}

fn of_run(claims: &mut [ClaimedRun], run: &str, change: impl FnOnce(&mut ClaimedRun)) {
    if let Some(claim) = claims.iter_mut().find(|claim| claim.run.id == run) {
        change(claim);
    }
}

impl From<ClaimedRun> for super::leases::Lease {
    fn from(claim: ClaimedRun) -> Self {
        Self {
            run: claim.run.id,
            fence: claim.fence,
        }
    }
}
