//! What is due is started: the runs of an occurrence and the row that says so, together.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Cadence, PlannedStart, Timetable, is_active};
use crate::fault;
use crate::schedule::{Overlap, Schedule};
use crate::store::ends::{AGAIN, release};
use crate::store::leases::StopRequest;
use crate::store::runs::{self, RunOrigin, micros};
use crate::store::steering::{self, Steered, StopReason};
use crate::store::{Dialect, NEVER, Store, StoreError, Transaction, batch, timestamp};
use crate::value::{Query, Statement};

/// Of a run that waits for the one before it.
const IN_LINE: &str = "waits until the run before it of its schedule has ended";
const REPLACED: &str = "cancelled: its schedule came again";

/// What came of a schedule that was due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fired {
    /// Its name.
    pub schedule: String,
    /// The runs that it started.
    pub runs: Vec<String>,
    /// Runs that made way.
    pub cancelled: Vec<String>,
    /// Occurrences that passed because a run was under way.
    pub skipped: u64,
    /// Occurrences that were too late.
    pub dropped: u64,
}

/// Start whatever is due; nothing if another revision is active by now. What another worker is
/// firing is left to it.
pub async fn fire_due(store: &Store, plan: &Arc<Timetable>) -> Result<Vec<Fired>, StoreError> {
    let plan = Arc::clone(plan);
    store
        .write(move |transaction| Box::pin(async move { fire_in(transaction, &plan).await }))
        .await
}

async fn fire_in(
    transaction: &mut Transaction<'_>,
    plan: &Timetable,
) -> Result<Vec<Fired>, StoreError> {
    if !is_active(transaction, plan.revision).await? {
        return Ok(Vec::new());
    }
    let now = transaction.clock().await?;
    let sql = "SELECT name FROM schedules WHERE next_at <= $1";
    let due = Query::<String>::new(sql).bind(now);
    let due = transaction.readable("a schedule", due).await?;
    let due = at_hand(transaction, due).await?;
    let mut fired = Vec::new();
    for (name, last_at) in lock(transaction, &due, now, "FOR UPDATE SKIP LOCKED").await? {
        if let Some(planned) = plan.schedules.get(&name) {
            fired.push(fire(transaction, &name, planned, last_at, now).await?);
        }
    }
    if !fired.is_empty() {
        fault::point("before-fired");
    }
    Ok(fired)
}

/// Those of the schedules of whose open runs no other transaction holds one. A checkpoint may hold
/// its run for as long as its deferred writes take: the schedule has its turn afterwards, and no
/// other waits for it.
async fn at_hand(
    transaction: &mut Transaction<'_>,
    mut names: Vec<String>,
) -> Result<Vec<String>, StoreError> {
    let dialect = transaction.dialect();
    if dialect == Dialect::Sqlite {
        return Ok(names);
    }
    let origins: Vec<_> = names.iter().map(|name| origin(name)).collect();
    let open = format!(
        "SELECT id, origin FROM open_runs WHERE origin IN ({}) AND origin LIKE 'schedule %' ORDER BY id",
        batch::ids(dialect)
    );
    let taken = format!("{open} FOR UPDATE SKIP LOCKED");
    let taken = Query::<String>::new(taken).bind(batch::rows(&origins)?);
    let taken: BTreeSet<_> = transaction.read(taken).await?.into_iter().collect();
    let open = Query::<(String, String)>::new(open).bind(batch::rows(&origins)?);
    for (id, held) in transaction.read(open).await? {
        if !taken.contains(&id) {
            names.retain(|name| origin(name) != held);
        }
    }
    Ok(names)
}

/// Lock the rows of those names that are due still, and give their `last_at`. Their open runs
/// come first: a transaction that ends a run has that one, and then wants the row.
async fn lock(
    transaction: &mut Transaction<'_>,
    names: &[String],
    now: i64,
    how: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    let (ids, postgres) = (
        batch::ids(transaction.dialect()),
        transaction.dialect() == Dialect::Postgres,
    );
    if postgres {
        let origins: Vec<_> = names.iter().map(|name| origin(name)).collect();
        let sql = format!(
            "SELECT id FROM open_runs WHERE origin IN ({ids}) AND origin LIKE 'schedule %' \
            ORDER BY id FOR UPDATE"
        );
        let open = Statement::new(sql).bind(batch::rows(&origins)?);
        transaction.query(open).await?;
    }
    let how = if postgres { how } else { "" };
    let sql = format!(
        "SELECT name, last_at FROM schedules WHERE name IN ({ids}) AND next_at <= $2 \
        ORDER BY name {how}"
    );
    let query = Query::new(sql).bind(batch::rows(names)?).bind(now);
    transaction.readable("a schedule", query).await
}

/// What started the runs of a schedule, as they keep it.
fn origin(schedule: &str) -> String {
    RunOrigin::Schedule(schedule.to_owned()).to_string()
}

async fn fire(
    transaction: &mut Transaction<'_>,
    name: &str,
    planned: &PlannedStart,
    last_at: i64,
    now: i64,
) -> Result<Fired, StoreError> {
    let mut firing = Firing::of(name, planned, now);
    let (handled, next) = match &planned.cadence {
        Cadence::Clock(schedule) => {
            let due = schedule.due(timestamp(last_at), timestamp(now));
            firing.fired.dropped = due.dropped;
            let starts = due.occurrences.iter();
            let starts: Vec<_> = starts.map(|at| schedule.start(name, *at)).collect();
            firing.overlap(transaction, schedule, &starts).await?;
            let next = due.next.map(Timestamp::as_microsecond);
            (due.handled.as_microsecond(), next)
        }
        Cadence::Pause(pause) => {
            firing.upkeep(transaction).await?;
            (now, Some(now.saturating_add(micros((*pause).min(AGAIN)))))
        }
    };
    let fired = firing.fired;
    let sql = "UPDATE schedules SET last_at = $2, next_at = $3, \
            last_run = COALESCE($4, last_run), skipped = skipped + $5, dropped = dropped + $6 \
        WHERE name = $1";
    let count = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let keep = Statement::new(sql)
        .bind(name)
        .bind(handled)
        .bind(next)
        .bind(fired.runs.last().cloned())
        .bind(count(fired.skipped))
        .bind(count(fired.dropped));
    transaction.execute(keep).await?;
    Ok(fired)
}

/// Start a run now, whatever the clock. It keeps to the schedule's `overlap`: if the run before
/// has not ended, and overlaps are skipped, none is started. Nothing is counted.
pub async fn fire_now(
    store: &Store,
    name: &str,
    planned: PlannedStart,
) -> Result<Fired, StoreError> {
    let name = name.to_owned();
    let fired = store.write(move |transaction| {
        Box::pin(async move {
            let now = transaction.clock().await?;
            lock(
                transaction,
                std::slice::from_ref(&name),
                NEVER,
                "FOR UPDATE",
            )
            .await?;
            let mut firing = Firing::of(&name, &planned, now);
            match &planned.cadence {
                Cadence::Clock(schedule) => {
                    let starts = [timestamp(now)];
                    firing.overlap(transaction, schedule, &starts).await?;
                }
                Cadence::Pause(_) => firing.upkeep(transaction).await?,
            }
            let fired = firing.fired;
            let sql = "UPDATE schedules SET last_run = COALESCE($2, last_run) WHERE name = $1";
            let last = fired.runs.last().cloned();
            let keep = Statement::new(sql).bind(&name).bind(last);
            transaction.execute(keep).await?;
            Ok(fired)
        })
    });
    let fired = fired.await?;
    store.wake().await;
    Ok(fired)
}

/// A schedule that is being fired.
struct Firing<'p> {
    planned: &'p PlannedStart,
    name: String,
    now: i64,
    fired: Fired,
}

impl<'p> Firing<'p> {
    fn of(name: &str, planned: &'p PlannedStart, now: i64) -> Self {
        let fired = Fired {
            schedule: name.to_owned(),
            ..Fired::default()
        };
        Self {
            planned,
            name: name.to_owned(),
            now,
            fired,
        }
    }

    /// Start runs at these times as far as they may overlap with one another and with those
    /// that have not ended.
    async fn overlap(
        &mut self,
        transaction: &mut Transaction<'_>,
        schedule: &Schedule,
        starts: &[Timestamp],
    ) -> Result<(), StoreError> {
        release(transaction, &self.name).await?;
        let mut open = open(transaction, &self.name).await?;
        let (first, last) = (starts.first(), starts.last());
        let skipped = starts.len().saturating_sub(1);
        match (schedule.overlap, first.zip(last)) {
            (_, None) => {}
            (Overlap::Skip, Some((first, _))) => {
                if open.is_empty() {
                    self.start(transaction, *first, false).await?;
                    self.skip(skipped);
                } else {
                    self.skip(starts.len());
                }
            }
            (Overlap::Allow, _) => {
                for start in starts {
                    self.start(transaction, *start, false).await?;
                }
            }
            (Overlap::Queue, _) => {
                for start in starts {
                    self.start(transaction, *start, !open.is_empty()).await?;
                    open.extend(self.fired.runs.last().cloned());
                }
            }
            (Overlap::Replace, Some((_, last))) => {
                let under_way = self.cancel(transaction, open).await?;
                self.start(transaction, *last, under_way).await?;
                self.skip(skipped);
            }
        }
        Ok(())
    }

    /// Start a run of a policy unless one is under way, whatever started it.
    async fn upkeep(&mut self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        if runs::is_open(transaction, &self.planned.run.pipeline).await? {
            return Ok(());
        }
        self.start(transaction, timestamp(self.now), false).await
    }

    /// Cancel runs; says whether one of them is in the hands of a worker, who is told.
    async fn cancel(
        &mut self,
        transaction: &mut Transaction<'_>,
        runs: Vec<String>,
    ) -> Result<bool, StoreError> {
        let mut under_way = false;
        for run in runs {
            let reason = StopReason {
                by: String::new(),
                detail: REPLACED.to_owned(),
            };
            let steered =
                steering::stop_in(transaction, run.clone(), StopRequest::Cancel, reason).await?;
            under_way |= steered == Ok(Steered::Told);
            self.fired.cancelled.push(run);
        }
        Ok(under_way)
    }

    async fn start(
        &mut self,
        transaction: &mut Transaction<'_>,
        at: Timestamp,
        in_line: bool,
    ) -> Result<(), StoreError> {
        let now = timestamp(self.now);
        let mut run = self.planned.run.clone();
        run.id = uuid::Uuid::now_v7().to_string();
        run.created_at = now;
        run.wake_at = at.max(now);
        if in_line {
            IN_LINE.clone_into(&mut run.detail);
            run.wake_at = timestamp(NEVER);
        }
        let insert = runs::insert(&run, transaction.dialect())?;
        transaction.execute(insert).await?;
        self.fired.runs.push(run.id);
        Ok(())
    }

    fn skip(&mut self, occurrences: usize) {
        self.fired.skipped += u64::try_from(occurrences).unwrap_or_default();
    }
}

/// The runs of a schedule that have not ended, oldest first.
async fn open(
    transaction: &mut Transaction<'_>,
    schedule: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM open_runs WHERE origin = $1 AND origin LIKE 'schedule %' \
        ORDER BY created_at, id";
    let query = Query::new(sql).bind(origin(schedule));
    transaction.read(query).await
}
