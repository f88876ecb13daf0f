//! Claims of runs that were offered by name: an executor elsewhere says which run is carried
//! on, and the store whether it can be. The limits of keys hold as they do for every claim.

use serde::Deserialize;

use super::pick::ClaimChoice;
use super::{
    CANDIDATE, CLAIMABLE, Claimant, ClaimedRun, begin, candidates, choose, lease, loads, rates,
};
use crate::store::leases::{self, Recovered};
use crate::store::{Store, StoreError, Transaction, batch, poisoned};
use crate::value::{Query, Statement};

/// How runs that are offered are taken.
#[derive(Debug, Clone)]
pub struct TakeOver {
    pub claimant: Claimant,
    /// What the names of workers begin with that carry a run on only while it is offered to
    /// them: a live lease of such a worker is no obstacle.
    pub workers: String,
    /// How often a run may be taken over without a checkpoint in between.
    pub recoveries: u32,
}

/// What came of offers.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenRuns {
    /// Of the runs offered, those that were due and within their limits; a suspect is none.
    pub claims: Vec<ClaimedRun>,
    /// Runs that were taken back from workers which do not carry them on any more.
    pub recovered: Vec<Recovered>,
}

/// Take the runs named, if they are due: also from the workers that the rule names, which are
/// fenced off.
pub async fn take_over(
    store: &Store,
    rule: &TakeOver,
    runs: Vec<String>,
) -> Result<TakenRuns, StoreError> {
    let rule = rule.clone();
    store
        .write(move |transaction| Box::pin(take_over_in(transaction, rule, runs)))
        .await
}

async fn take_over_in(
    transaction: &mut Transaction<'_>,
    rule: TakeOver,
    runs: Vec<String>,
) -> Result<TakenRuns, StoreError> {
    begin(transaction).await?;
    let mut recovered = Vec::new();
    if expire(transaction, &rule.workers, &runs).await? {
        recovered = leases::recover_in(transaction, rule.recoveries).await?;
    }
    // What was taken back is due from now on, and not from when this began.
    let now = transaction.clock().await?;
    let due = due_of(transaction, &rule.claimant, &runs, now).await?;
    let claims = lease(transaction, &rule.claimant, now, due).await?;
    Ok(TakenRuns { claims, recovered })
}

/// End the leases of workers that carry these runs on no more; says whether there was one.
async fn expire(
    transaction: &mut Transaction<'_>,
    workers: &str,
    runs: &[String],
) -> Result<bool, StoreError> {
    let dialect = transaction.dialect();
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!(
        "UPDATE open_runs SET lease_until = 0 \
        WHERE id {among} AND status = 'running' AND worker LIKE $2"
    );
    let expire = Statement::new(sql)
        .bind(batch::rows(runs)?)
        .bind(format!("{workers}%"));
    Ok(transaction.execute(expire).await? > 0)
}

/// Those of the runs that are due and within their limits, suspects left out.
async fn due_of(
    transaction: &mut Transaction<'_>,
    claimant: &Claimant,
    runs: &[String],
    now: i64,
) -> Result<Vec<String>, StoreError> {
    let dialect = transaction.dialect();
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!(
        "SELECT {CANDIDATE} \
        FROM open_runs WHERE id {among} AND {CLAIMABLE} AND wake_at <= $2 AND recoveries < $3"
    );
    let statement = Statement::new(sql)
        .bind(batch::rows(runs)?)
        .bind(now)
        .bind(claimant.suspect);
    let found = candidates(transaction, statement).await?;
    poisoned::block(transaction, found.poison).await?;
    let candidates = found.candidates;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted = ClaimChoice::new(loads(transaction, now).await?, candidates.len());
    let started = rates::started(transaction, &candidates, now).await?;
    wanted.offer(candidates, &started);
    Ok(wanted.pick())
}

/// A run that can be taken now; one that was taken and given back is another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct DueRun {
    pub run: String,
    pub fence: i64,
    pub wake_at: i64,
}

/// The runs that a claim of so many slots would take, untouched. One that lost `suspect`
/// workers is a suspect.
pub async fn due(store: &Store, suspect: u32, slots: usize) -> Result<Vec<DueRun>, StoreError> {
    store
        .write(move |transaction| Box::pin(due_in(transaction, suspect, slots)))
        .await
}

async fn due_in(
    transaction: &mut Transaction<'_>,
    suspect: u32,
    slots: usize,
) -> Result<Vec<DueRun>, StoreError> {
    let now = transaction.clock().await?;
    let recoveries = [0, i64::from(suspect) - 1];
    let chosen = choose(transaction, now, slots, recoveries).await?;
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = transaction.dialect();
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!("SELECT id AS run, fence, wake_at FROM open_runs WHERE id {among}");
    let query = Query::new(sql).bind(batch::rows(&chosen)?);
    let mut due: Vec<DueRun> = transaction.read(query).await?;
    due.sort_by_key(|due| chosen.iter().position(|id| *id == due.run));
    Ok(due)
}
