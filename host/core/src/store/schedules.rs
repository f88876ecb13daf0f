//! `schedules`: when each schedule of the active revision fires next, and how it fared.
//!
//! A schedule gets its row when it is first seen in the active revision ([`sync`]) and loses
//! it when it is there no more. [`fire_due`] starts the runs that are due and moves the row
//! on in one transaction, so that an occurrence has its run once, whichever process dies. A run
//! that ends lets the next one in line start, and sets the time of a policy (`ends.rs`).

mod fire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::fire::{Fired, fire_due, fire_now};
use super::ends::{AGAIN, wait};
use super::locks::Lock;
use super::runs::{Run, RunStatus, micros};
use super::times::{self, Untrue};
use super::{Dialect, Store, StoreError, Transaction, batch, timestamp};
use crate::policy::PIPELINE;
use crate::schedule::Schedule;
use crate::value::{Query, Statement, form, select};

/// Everything of a revision that starts by itself.
#[derive(Debug)]
pub struct Timetable {
    pub revision: i64,
    /// By name.
    pub schedules: BTreeMap<String, PlannedStart>,
}

/// What starts by itself, and the run that it starts.
#[derive(Debug, Clone)]
pub struct PlannedStart {
    pub cadence: Cadence,
    /// Only what is enabled has a row.
    pub enabled: bool,
    /// The run as it would start now; each one gets an id and times of its own.
    pub run: Run,
}

#[derive(Debug, Clone)]
pub enum Cadence {
    /// By the clock.
    Clock(Schedule),
    /// That long after the run before has ended.
    Pause(Duration),
}

/// How a schedule fared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "schedules")]
pub struct ScheduleState {
    /// When it fires next, or should have.
    #[serde(with = "form::micros")]
    pub next_at: Option<Timestamp>,
    pub last_run: Option<String>,
    /// How the last run stands; `None` if it is gone from the history.
    pub last_status: Option<RunStatus>,
    #[serde(with = "form::micros")]
    pub last_started: Option<Timestamp>,
    /// Occurrences that passed because a run was under way.
    pub skipped: u64,
    /// Occurrences that were missed by more than they may be late.
    pub dropped: u64,
}

/// All rows, by name.
pub async fn all(store: &Store) -> Result<BTreeMap<String, ScheduleState>, StoreError> {
    let sql = "SELECT schedules.name, next_at, last_run, skipped, dropped, \
            runs.status AS last_status, runs.created_at AS last_started \
        FROM schedules LEFT JOIN runs ON runs.id = schedules.last_run";
    let named = store.readable("a schedule", Query::<(String, ScheduleState)>::new(sql));
    Ok(named.await?.into_iter().collect())
}

/// Bring the rows in line with a revision; false, and nothing is changed, if another one is
/// active by now.
pub async fn sync(store: &Store, plan: &Arc<Timetable>) -> Result<bool, StoreError> {
    let plan = Arc::clone(plan);
    store
        .write(move |transaction| Box::pin(async move { sync_in(transaction, &plan).await }))
        .await
}

async fn sync_in(transaction: &mut Transaction<'_>, plan: &Timetable) -> Result<bool, StoreError> {
    if transaction.dialect() == Dialect::Postgres {
        Lock::Schedules.acquire(transaction).await?;
        // In the order that everybody takes them in.
        let rows = Statement::new("SELECT name FROM schedules ORDER BY name FOR UPDATE");
        transaction.query(rows).await?;
    }
    if !is_active(transaction, plan.revision).await? {
        return Ok(false);
    }
    let now = transaction.clock().await?;
    let enabled = plan.schedules.iter().filter(|(_, planned)| planned.enabled);
    let rows: Vec<_> = enabled
        .map(|(name, planned)| NewRow::of(name, planned, now))
        .collect();
    let rows = batch::rows(&rows)?;
    for sql in [remove(transaction.dialect()), insert(transaction.dialect())] {
        let statement = Statement::new(sql).bind(rows.clone());
        transaction.execute(statement).await?;
    }
    transaction.execute(plan_pauses(now)).await?;
    set_right_in(transaction, plan, now).await?;
    Ok(true)
}

/// Set right the times that a schedule cannot have: it has not fired later than now, and its
/// next time is the first after the last.
pub async fn set_right(store: &Store, plan: &Arc<Timetable>) -> Result<(), StoreError> {
    let plan = Arc::clone(plan);
    store
        .write(move |transaction| {
            Box::pin(async move {
                let now = transaction.clock().await?;
                set_right_in(transaction, &plan, now).await
            })
        })
        .await
}

async fn set_right_in(
    transaction: &mut Transaction<'_>,
    plan: &Timetable,
    now: i64,
) -> Result<(), StoreError> {
    let how = match transaction.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => "FOR UPDATE",
    };
    let query = select::<Times>(&format!("ORDER BY name {how}"));
    let kept = transaction.readable("a schedule", query).await?;
    let mut untrue = Vec::new();
    for Times {
        name,
        last_at,
        next_at,
    } in kept
    {
        let Some(planned) = plan.schedules.get(&name) else {
            continue;
        };
        let Some((last, next)) = planned.times(last_at, next_at, now) else {
            continue;
        };
        let sql = "UPDATE schedules SET last_at = $2, next_at = $3 WHERE name = $1";
        let right = Statement::new(sql).bind(&name).bind(last).bind(next);
        transaction.execute(right).await?;
        let ahead = last_at.max(next_at.unwrap_or(last_at)).saturating_sub(now);
        untrue.push(Untrue {
            what: "schedule".to_owned(),
            subject: name,
            ahead: Duration::from_micros(ahead.max(0).unsigned_abs()),
        });
    }
    times::tell(transaction, "schedule", &untrue).await
}

/// The name of a schedule with its last and its next time.
#[derive(Deserialize)]
#[serde(rename = "schedules")]
pub(super) struct Times {
    name: String,
    last_at: i64,
    next_at: Option<i64>,
}

impl PlannedStart {
    /// The last and the next time as they can be, if they are not: times that lie ahead by more
    /// than the cadence allows are not believed.
    fn times(&self, last_at: i64, next_at: Option<i64>, now: i64) -> Option<(i64, Option<i64>)> {
        let late = now.saturating_add(micros(times::TOLERANCE));
        let last = if last_at > late { now } else { last_at };
        let (latest, next) = match &self.cadence {
            Cadence::Clock(schedule) => {
                let next = schedule.next(timestamp(last));
                let next = next.map(Timestamp::as_microsecond);
                (next, next)
            }
            Cadence::Pause(pause) => {
                let longest = micros((*pause).max(AGAIN));
                (Some(late.saturating_add(longest)), Some(now))
            }
        };
        let too_late = next_at.is_some_and(|at| latest.is_none_or(|latest| at > latest));
        (last != last_at || too_late).then_some((last, next))
    }
}

/// Whether a revision is still the active one.
async fn is_active(transaction: &mut Transaction<'_>, revision: i64) -> Result<bool, StoreError> {
    let sql = "SELECT revision FROM activations ORDER BY id DESC LIMIT 1";
    Ok(transaction.read_first(Query::new(sql)).await? == Some(revision))
}

/// A schedule that is seen for the first time: what came before does not count.
#[derive(Serialize)]
struct NewRow<'p> {
    name: &'p str,
    pipeline: &'p str,
    pause: Option<i64>,
    last_at: i64,
    next_at: Option<i64>,
}

impl<'p> NewRow<'p> {
    fn of(name: &'p str, planned: &'p PlannedStart, now: i64) -> Self {
        let (pause, next_at) = match &planned.cadence {
            Cadence::Clock(schedule) => (None, schedule.next(timestamp(now))),
            Cadence::Pause(pause) => (Some(micros(*pause)), None),
        };
        Self {
            name,
            pipeline: &planned.run.pipeline,
            pause,
            last_at: now,
            next_at: next_at.map(Timestamp::as_microsecond),
        }
    }
}

const COLUMNS: [(&str, &str); 5] = [
    ("name", "text"),
    ("pipeline", "text"),
    ("pause", "bigint"),
    ("last_at", "bigint"),
    ("next_at", "bigint"),
];

fn remove(dialect: Dialect) -> String {
    let table = batch::table(dialect, &COLUMNS);
    format!("DELETE FROM schedules WHERE name NOT IN (SELECT batch.name FROM {table})")
}

fn insert(dialect: Dialect) -> String {
    let (names, table) = (
        COLUMNS.map(|(name, _)| name).join(", "),
        batch::table(dialect, &COLUMNS),
    );
    format!(
        "INSERT INTO schedules ({names}, skipped, dropped) \
        SELECT {names}, 0, 0 FROM {table} WHERE TRUE \
        ON CONFLICT (name) DO UPDATE SET pipeline = excluded.pipeline, pause = excluded.pause"
    )
}

/// A policy is due when its pause has passed since its last end, and at once if it never ran.
/// One that is under way gets its time when it ends, and is looked at again in any case.
fn plan_pauses(now: i64) -> Statement {
    let again = wait("'under way'");
    let since = wait("policy_runs.status");
    let sql = format!(
        "UPDATE schedules SET next_at = CASE \
            WHEN EXISTS (SELECT 1 FROM open_runs WHERE open_runs.pipeline = schedules.pipeline) \
                THEN $1 + {again} \
            ELSE COALESCE((SELECT {since} \
                    + CASE WHEN policy_runs.finished_at > $1 THEN $1 \
                        ELSE policy_runs.finished_at END FROM policy_runs \
                WHERE '{PIPELINE}' || policy_runs.policy = schedules.pipeline), $1) END \
        WHERE pause IS NOT NULL"
    );
    Statement::new(sql).bind(now)
}
