//! Claims: who works on which run. One batch at a time, in the whole of a database, so that
//! limits hold exactly; what to take of the runs that are due is [`pick`].

pub mod offered;
pub mod pick;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use self::pick::{Candidate, Load, Wanted};
use super::checkpoints::SHARED;
use super::leases::{Told, read_told};
use super::locks::Lock;
use super::runs::{self, Run, micros};
use super::stage_runs::{self, StageRun};
use super::{Dialect, Store, StoreError, Transaction, batch, gates, timestamp};
use crate::value::{Row, Statement};

/// Statuses of runs that can be taken when they are due.
const CLAIMABLE: &str = "status IN ('queued', 'waiting', 'blocked')";

/// A run that was just taken, with its checkpoints so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub run: Run,
    pub fence: i64,
    pub told: Told,
    pub rows: Vec<StageRun>,
    /// Stages whose gates were asked and are not decided.
    pub asked: BTreeSet<String>,
    /// The database's clock at the time of the claim.
    pub now: Timestamp,
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

/// Take up to `places` runs that are due, suspects left out.
pub async fn take(
    store: &Store,
    claimant: &Claimant,
    places: usize,
) -> Result<Vec<Claim>, StoreError> {
    let most = i64::from(claimant.suspect) - 1;
    take_between(store, claimant, places, [0, most]).await
}

/// Take a run that lost so many workers that the next loss blocks it. Whoever takes it carries
/// out nothing beside it, so that no other run is blocked for what this one does.
pub async fn take_suspect(store: &Store, claimant: &Claimant) -> Result<Option<Claim>, StoreError> {
    let least = i64::from(claimant.suspect);
    let mut taken = take_between(store, claimant, 1, [least, i64::MAX]).await?;
    Ok(taken.pop())
}

async fn take_between(
    store: &Store,
    claimant: &Claimant,
    places: usize,
    recoveries: [i64; 2],
) -> Result<Vec<Claim>, StoreError> {
    let claimant = claimant.clone();
    store
        .write(move |transaction| {
            Box::pin(async move {
                let now = begin(transaction).await?;
                let ids = choose(transaction, now, places, recoveries).await?;
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
) -> Result<Option<Claim>, StoreError> {
    let (claimant, run) = (claimant.clone(), run.to_owned());
    let taken = store.write(move |transaction| {
        Box::pin(async move {
            let now = begin(transaction).await?;
            let sql = format!(
                "SELECT id FROM open_runs WHERE id = $1 AND (({CLAIMABLE} AND wake_at <= $2) \
                 OR (status = 'running' AND lease_until <= $2))"
            );
            let found = transaction
                .query(Statement::new(sql).bind(run).bind(now))
                .await?;
            let ids = found.iter().map(|row| row.text("id"));
            let ids = ids.collect::<Result<_, _>>()?;
            lease(transaction, &claimant, now, ids).await
        })
    });
    Ok(taken.await?.pop())
}

/// Wait for other claims to commit; gives the database's clock.
async fn begin(transaction: &mut Transaction<'_>) -> Result<i64, StoreError> {
    Lock::Claims.alone(transaction).await?;
    transaction.clock().await
}

/// The ids of the runs to take, of those that lost so many workers (least and most).
async fn choose(
    transaction: &mut Transaction<'_>,
    now: i64,
    places: usize,
    recoveries: [i64; 2],
) -> Result<Vec<String>, StoreError> {
    let pipelines = due_pipelines(transaction).await?;
    if pipelines.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted = Wanted::new(loads(transaction, now).await?, places);
    // A key that has nothing left is left out, so that it hides nobody behind it.
    let mut spent: BTreeSet<String> = wanted.full_keys();
    for pipeline in &pipelines {
        loop {
            let query = due(
                transaction.dialect(),
                pipeline,
                now,
                recoveries,
                places,
                &spent,
            )?;
            let candidates = candidates(transaction, query).await?;
            let started = started(transaction, &candidates, now).await?;
            let exhausted = wanted.offer(candidates, &started);
            if exhausted.is_subset(&spent) {
                break;
            }
            spent.extend(exhausted);
        }
    }
    Ok(wanted.pick())
}

/// Pipelines that have claimable runs: one step down the index for each.
async fn due_pipelines(transaction: &mut Transaction<'_>) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "WITH RECURSIVE pipelines (name) AS ( \
            SELECT MIN(pipeline) FROM open_runs WHERE {CLAIMABLE} \
            UNION ALL \
            SELECT (SELECT MIN(pipeline) FROM open_runs \
                WHERE {CLAIMABLE} AND pipeline > pipelines.name) \
            FROM pipelines WHERE pipelines.name IS NOT NULL) \
        SELECT name FROM pipelines WHERE name IS NOT NULL"
    );
    let rows = transaction.query(Statement::new(sql)).await?;
    rows.iter().map(|row| Ok(row.text("name")?)).collect()
}

/// What is under way, by pipeline and key. A lease that ran out counts no more.
async fn loads(transaction: &mut Transaction<'_>, now: i64) -> Result<Vec<Load>, StoreError> {
    let sql = "SELECT pipeline, limit_key, MIN(at_once) AS at_once, COUNT(*) AS runs \
        FROM open_runs WHERE status = 'running' AND lease_until > $1 \
        GROUP BY pipeline, limit_key";
    let rows = transaction.query(Statement::new(sql).bind(now)).await?;
    let loads = rows.iter().map(|row| {
        Ok(Load {
            pipeline: row.text("pipeline")?,
            key: row.optional_text("limit_key")?,
            at_once: row.optional_integer("at_once")?,
            runs: row.integer("runs")?,
        })
    });
    loads.collect()
}

/// The first runs of a pipeline that are due, keys without a place left out.
fn due(
    dialect: Dialect,
    pipeline: &str,
    now: i64,
    [least, most]: [i64; 2],
    places: usize,
    spent: &BTreeSet<String>,
) -> Result<Statement, StoreError> {
    let spent_keys = batch::ids(dialect);
    // Not by the index of what is due: in the other one, the first are the first.
    let sql = format!(
        "SELECT id, pipeline, priority, limit_key, at_once, rate, rate_window, wake_at \
        FROM open_runs WHERE {CLAIMABLE} AND pipeline = $2 AND wake_at + 0 <= $3 \
            AND recoveries BETWEEN $4 AND $5 \
            AND (limit_key IS NULL OR limit_key NOT IN ({spent_keys})) \
        ORDER BY priority DESC, wake_at, id LIMIT $6"
    );
    Ok(Statement::new(sql)
        .bind(batch::rows(&spent.iter().collect::<Vec<_>>())?)
        .bind(pipeline)
        .bind(now)
        .bind(least)
        .bind(most)
        .bind(i64::try_from(places).unwrap_or(i64::MAX)))
}

async fn candidates(
    transaction: &mut Transaction<'_>,
    query: Statement,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = transaction.query(query).await?;
    rows.iter().map(read_candidate).collect()
}

fn read_candidate(row: Row<'_>) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        id: row.text("id")?,
        pipeline: row.text("pipeline")?,
        priority: row.integer("priority")?,
        wake_at: row.integer("wake_at")?,
        key: row.optional_text("limit_key")?,
        at_once: row.optional_integer("at_once")?,
        rate: row.optional_integer("rate")?,
        rate_window: row.optional_integer("rate_window")?,
    })
}

/// How many runs of each rated key started within its window.
async fn started(
    transaction: &mut Transaction<'_>,
    candidates: &[Candidate],
    now: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut counts: Vec<(String, i64)> = Vec::new();
    for candidate in candidates {
        let (Some(key), Some(window)) = (&candidate.key, candidate.rate_window) else {
            continue;
        };
        if counts.iter().any(|(known, _)| known == key) {
            continue;
        }
        let sql = "SELECT (SELECT COUNT(*) FROM open_runs WHERE limit_key = $1 AND started_at > $2) \
            + (SELECT COUNT(*) FROM history WHERE limit_key = $1 AND rate IS NOT NULL \
                AND started_at > $2) AS runs";
        let count = Statement::new(sql).bind(key).bind(now - window);
        let rows = transaction.query(count).await?;
        let runs = rows.first().map(|row| row.integer("runs")).transpose()?;
        counts.push((key.clone(), runs.unwrap_or_default()));
    }
    Ok(counts)
}

/// Take the lease of each run; its fence grows.
async fn lease(
    transaction: &mut Transaction<'_>,
    claimant: &Claimant,
    now: i64,
    ids: Vec<String>,
) -> Result<Vec<Claim>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = transaction.dialect();
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!(
        "UPDATE open_runs SET status = 'running', fence = fence + 1, lease_until = $2, \
            worker = $3, started_at = COALESCE(started_at, $4) \
        WHERE id {among} \
        RETURNING {SHARED}, status, detail, wake_at, wish, wish_detail"
    );
    let order = batch::rows(&ids)?;
    let take = Statement::new(sql)
        .bind(order)
        .bind(now.saturating_add(micros(claimant.lease)))
        .bind(&claimant.worker)
        .bind(now);
    let taken = transaction.query(take).await?;
    let mut claims = Vec::with_capacity(ids.len());
    for row in taken.iter() {
        claims.push(Claim {
            run: runs::read(row)?,
            fence: row.integer("fence")?,
            told: read_told(row)?,
            rows: Vec::new(),
            asked: BTreeSet::new(),
            now: timestamp(now),
        });
    }
    with_rows(transaction, &mut claims).await?;
    claims.sort_by_key(|claim| ids.iter().position(|id| *id == claim.run.id));
    Ok(claims)
}

/// Read the checkpoints of those that may have some: a first claim has none.
async fn with_rows(
    transaction: &mut Transaction<'_>,
    claims: &mut [Claim],
) -> Result<(), StoreError> {
    let resumed: Vec<&str> = claims
        .iter()
        .filter(|claim| claim.fence > 1)
        .map(|claim| claim.run.id.as_str())
        .collect();
    if resumed.is_empty() {
        return Ok(());
    }
    let (dialect, ids) = (transaction.dialect(), batch::rows(&resumed)?);
    let rows = transaction
        .query(stage_runs::of_runs(dialect, ids.clone()))
        .await?;
    for row in rows.iter() {
        let row = stage_runs::read(row)?;
        if let Some(claim) = claims.iter_mut().find(|claim| claim.run.id == row.run) {
            claim.rows.push(row);
        }
    }
    let asked = transaction
        .query(gates::asked_of_runs(dialect, ids))
        .await?;
    for row in asked.iter() {
        let (run, stage) = (row.text("run")?, row.text("stage")?);
        if let Some(claim) = claims.iter_mut().find(|claim| claim.run.id == run) {
            claim.asked.insert(stage);
        }
    }
    Ok(())
}

impl From<Claim> for super::leases::Held {
    fn from(claim: Claim) -> Self {
        Self {
            run: claim.run.id,
            fence: claim.fence,
        }
    }
}
