//! Rates: how many runs of a key started within its window, and since when there is room again.
//! Runs whose keys are spent are put off until then, all of a key at once, so that no claim in
//! between looks at them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CLAIMABLE, Candidate};
use crate::store::{Dialect, StoreError, Transaction, batch, timestamp};
use crate::value::{Query, Statement};

/// A key with the rate that holds for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Rated {
    limit_key: String,
    rate: i64,
    /// Microseconds.
    per: i64,
}

impl Rated {
    fn of(candidate: &Candidate) -> Option<Self> {
        Some(Self {
            limit_key: candidate.key.clone()?,
            rate: candidate.rate?,
            per: candidate.rate_window?,
        })
    }
}

/// What started of rated keys.
#[derive(Debug, Default)]
pub(super) struct Starts(BTreeMap<Rated, StartCount>);

#[derive(Debug, Deserialize)]
struct StartCount {
    runs: i64,
    /// When another run may start, if none may now.
    free_at: Option<i64>,
}

impl Starts {
    /// Whether no run of a candidate's key may start now.
    pub(super) fn is_spent(&self, candidate: &Candidate) -> bool {
        let rated = Rated::of(candidate);
        let started = rated.and_then(|rated| self.0.get(&rated));
        started.is_some_and(|started| started.free_at.is_some())
    }

    /// How many runs of a candidate's key started within its window.
    pub(super) fn of(&self, candidate: &Candidate) -> i64 {
        let rated = Rated::of(candidate);
        let started = rated.and_then(|rated| self.0.get(&rated));
        started.map_or(0, |started| started.runs)
    }
}

#[cfg(test)]
impl Starts {
    /// So many runs of the key of one candidate.
    pub(super) fn of_one(candidate: &Candidate, runs: i64) -> Self {
        let rated = Rated::of(candidate).expect("it has a rate");
        let free_at = None;
        Self(BTreeMap::from([(rated, StartCount { runs, free_at })]))
    }
}

const RATED: [(&str, &str); 3] = [("limit_key", "text"), ("rate", "bigint"), ("per", "bigint")];

/// Count what started, of all keys in one query. A start that is yet to come is none: a clock
/// stood ahead when it was stored.
pub(super) async fn started(
    transaction: &mut Transaction<'_>,
    candidates: &[Candidate],
    now: i64,
) -> Result<Starts, StoreError> {
    let mut rated: Vec<Rated> = candidates.iter().filter_map(Rated::of).collect();
    rated.sort();
    rated.dedup();
    if rated.is_empty() {
        return Ok(Starts::default());
    }
    let count = Query::new(count(transaction.dialect()));
    let count = count.bind(batch::rows(&rated)?).bind(now);
    let starts = transaction.readable("a rate", count).await?;
    Ok(Starts(starts.into_iter().collect()))
}

/// The newest starts of each key are counted; where there are as many as its rate, the oldest of
/// them has to leave the window first.
pub(super) fn count(dialect: Dialect) -> String {
    let batch = batch::table(dialect, &RATED);
    // Looked up key by key, however old the statistics are; see `batch::among`.
    let named = |table: &str| match dialect {
        Dialect::Sqlite => String::new(),
        Dialect::Postgres => {
            format!(
                "AND {table}.limit_key {}",
                batch::named(dialect, "limit_key")
            )
        }
    };
    let (open, ended) = (named("open_runs"), named("history"));
    let of = "batch.limit_key, batch.rate, batch.per";
    format!(
        "SELECT limit_key, rate, per, COUNT(*) AS runs, \
            MAX(CASE WHEN place = rate THEN started_at + per END) AS free_at \
        FROM (SELECT limit_key, rate, per, started_at, ROW_NUMBER() OVER \
                (PARTITION BY limit_key, rate, per ORDER BY started_at DESC) AS place \
            FROM (SELECT {of}, open_runs.started_at FROM {batch} \
                    JOIN open_runs ON open_runs.limit_key = batch.limit_key {open} \
                        AND open_runs.started_at > $2 - batch.per AND open_runs.started_at <= $2 \
                UNION ALL SELECT {of}, history.started_at FROM {batch} \
                    JOIN history ON history.limit_key = batch.limit_key {ended} \
                        AND history.rate IS NOT NULL \
                        AND history.started_at > $2 - batch.per AND history.started_at <= $2 \
            ) AS starts) AS placed \
        GROUP BY limit_key, rate, per"
    )
}

/// Runs that wait for their key.
#[derive(Serialize)]
struct WaitingKeys<'s> {
    limit_key: &'s str,
    rate: i64,
    per: i64,
    free_at: i64,
    detail: String,
}

/// Put off whatever is due of spent keys until it may start; gives how many runs.
pub(super) async fn put_off(
    transaction: &mut Transaction<'_>,
    starts: &Starts,
    now: i64,
) -> Result<u64, StoreError> {
    let late = starts.0.iter().filter_map(|(rated, started)| {
        let free_at = started.free_at?;
        let (key, rate) = (&rated.limit_key, rated.rate);
        Some(WaitingKeys {
            limit_key: key,
            rate,
            per: rated.per,
            free_at,
            detail: format!(
                "waits for its limit: {rate} of `{key}` have started; the next may at {:.0}",
                timestamp(free_at)
            ),
        })
    });
    let late: Vec<_> = late.collect();
    if late.is_empty() {
        return Ok(0);
    }
    let put_off = Statement::new(later(transaction.dialect()));
    let put_off = put_off.bind(batch::rows(&late)?).bind(now);
    transaction.execute(put_off).await
}

pub(super) fn later(dialect: Dialect) -> String {
    let columns = [
        RATED.as_slice(),
        &[("free_at", "bigint"), ("detail", "text")],
    ]
    .concat();
    let batch = batch::table(dialect, &columns);
    let (named, lock) = match dialect {
        Dialect::Sqlite => (String::new(), ""),
        Dialect::Postgres => (
            format!("AND held.limit_key {}", batch::named(dialect, "limit_key")),
            "ORDER BY held.id FOR UPDATE OF held SKIP LOCKED",
        ),
    };
    format!(
        "UPDATE open_runs SET wake_at = late.free_at, detail = late.detail \
        FROM (SELECT held.id, batch.free_at, batch.detail FROM {batch} \
            JOIN open_runs AS held ON held.limit_key = batch.limit_key {named} \
                AND held.rate = batch.rate AND held.rate_window = batch.per \
            WHERE held.started_at IS NULL AND held.{CLAIMABLE} AND held.wake_at <= $2 {lock} \
        ) AS late WHERE open_runs.id = late.id"
    )
}
