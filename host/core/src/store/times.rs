//! Times that cannot be: what a clock that stood ahead has left behind. Such a time is not
//! believed once the clock is right again, for nothing would move until it comes: it is found
//! by what the rules allow, and set right.

use std::collections::BTreeMap;
use std::time::Duration;

use super::runs::micros;
use super::unreadable::{readable, shown};
use super::{Dialect, NEVER, Store, StoreError, Transaction, batch, findings, timestamp};
use crate::value::{Row, Statement};

/// The kind of finding that tells of them.
pub const CLOCK: &str = "clock";
/// Clocks may differ that much, and be set back by that much, without anybody being told.
pub const TOLERANCE: Duration = Duration::from_secs(60);
/// The longest a blocked run waits for its next look.
const BLOCKED_LOOK: Duration = Duration::from_secs(60);
const EXAMPLES: u32 = 1000;

/// A time that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrue {
    /// Of which kind: `lease`, `wake`, `gate`, `schedule`, `ledger`, `policy`, `setting`,
    /// `activation`, or one of a tenant's.
    pub what: String,
    /// Whose it is: a run, a schedule, a handler, a setting.
    pub subject: String,
    /// How far it is from now.
    pub ahead: Duration,
}

impl Untrue {
    /// What is wrong, for a person.
    pub fn problem(&self) -> String {
        if self.ahead < TOLERANCE {
            let what = &self.what;
            return format!("the time of its {what} is none: something else was written there");
        }
        let days = self.ahead.as_secs() / 86_400;
        let hours = self.ahead.as_secs() % 86_400 / 3600;
        format!(
            "the time of its {} is {days} days and {hours} hours ahead, which no rule allows: a \
             clock stood ahead when it was kept",
            self.what
        )
    }
}

/// A time of the past: kind, table, the name of a row, and column.
pub type PastTime = (&'static str, &'static str, &'static str, &'static str);

/// Those of a tenant's tables.
pub struct PastTimes(pub &'static [PastTime]);

inventory::collect!(PastTimes);

/// Times of the past that lie ahead, in tables that nothing else depends on, and those of tenants.
pub fn past() -> impl Iterator<Item = &'static PastTime> {
    let tenants = inventory::iter::<PastTimes>().flat_map(|times| times.0);
    PAST.iter().chain(tenants)
}

const PAST: [PastTime; 6] = [
    ("ledger", "effects", "pipeline || ' ' || handler", "last_at"),
    (
        "ledger",
        "effects",
        "pipeline || ' ' || handler",
        "last_success",
    ),
    (
        "ledger",
        "effects",
        "pipeline || ' ' || handler",
        "last_effect",
    ),
    ("policy", "policy_runs", "policy", "finished_at"),
    ("setting", "settings", "key", "updated_at"),
    (
        "activation",
        "activations",
        "CAST(id AS TEXT)",
        "activated_at",
    ),
];

/// A held visit that counts, of the run in the outer query.
const HELD: &str = "FROM stage_runs WHERE stage_runs.run = open_runs.id \
    AND stage_runs.follow = 'hold' AND NOT stage_runs.superseded";

/// A lease that lasts longer than any lease of its worker.
fn lease(now: &str) -> String {
    let tolerance = micros(TOLERANCE);
    format!("status = 'running' AND lease_until > {now} + lease + {tolerance}")
}

/// A run that waits for longer than it was told to. One that waits for a stage has its time from
/// the checkpoint; one that is queued again is due at once, and one whose limit is spent within
/// its window.
fn wake(now: &str) -> String {
    let (tolerance, look) = (micros(TOLERANCE), micros(BLOCKED_LOOK));
    let late = format!("{now} + {tolerance}");
    format!(
        "wake_at > {late} AND ( \
            (status = 'waiting' AND (EXISTS (SELECT 1 {HELD} AND finished_at > {late}) \
                OR wake_at > COALESCE((SELECT MIN(stage_runs.wake_at) {HELD}), {now}) \
                    + {tolerance})) \
            OR (status = 'blocked' AND wake_at < {NEVER} AND wake_at > {late} + {look}) \
            OR (status = 'queued' AND wake_at < {NEVER} AND ( \
                created_at > {late} OR started_at IS NOT NULL OR fence > 0 \
                OR (detail <> '' AND wake_at > {late} + rate_window))))"
    )
}

/// A question that was asked later than now.
fn gate(now: &str) -> String {
    format!(
        "decision IS NULL AND opened_at > {now} + {}",
        micros(TOLERANCE)
    )
}

/// A schedule that has fired later than now, or a pause that lasts longer than it is.
fn schedule(now: &str) -> String {
    let (tolerance, again) = (micros(TOLERANCE), micros(super::ends::AGAIN));
    format!(
        "(last_at > {now} + {tolerance} OR (pause IS NOT NULL \
            AND next_at > {now} + {tolerance} \
                + CASE WHEN pause > {again} THEN pause ELSE {again} END))"
    )
}

/// Find them, in one query; so many examples at most.
pub async fn untrue(store: &Store) -> Result<Vec<Untrue>, StoreError> {
    let now = batch::now(store.dialect());
    let mut parts = vec![
        format!(
            "SELECT 'lease' AS what, id AS subject, lease_until - {now} AS ahead \
            FROM open_runs WHERE {}",
            lease(now)
        ),
        format!(
            "SELECT 'wake', id, wake_at - {now} FROM open_runs WHERE {}",
            wake(now)
        ),
        format!(
            "SELECT 'gate', run, opened_at - {now} FROM gates WHERE {}",
            gate(now)
        ),
        format!(
            "SELECT 'schedule', name, \
                CASE WHEN next_at > last_at THEN next_at ELSE last_at END - {now} \
            FROM schedules WHERE {}",
            schedule(now)
        ),
    ];
    parts.extend(past().map(|(what, table, name, column)| {
        format!(
            "SELECT '{what}', {name}, {column} - {now} FROM {table} \
            WHERE {column} > {now} + {}",
            micros(TOLERANCE)
        )
    }));
    let sql = format!("{} LIMIT {EXAMPLES}", parts.join(" UNION ALL "));
    let rows = store.query(Statement::new(sql)).await?;
    Ok(readable(&rows, "a time", read))
}

fn read(row: Row<'_>) -> Result<Untrue, StoreError> {
    Ok(Untrue {
        what: row.text("what")?,
        subject: shown(row, "subject"),
        // What is no number is ahead of every one.
        ahead: Duration::from_micros(
            row.integer("ahead")
                .unwrap_or_default()
                .max(0)
                .unsigned_abs(),
        ),
    })
}

/// Set right what was found, but for the schedules, which their plan sets right. A finding tells
/// of each kind.
pub async fn set_right(store: &Store, untrue: &[Untrue]) -> Result<(), StoreError> {
    let mut kinds: BTreeMap<String, Vec<Untrue>> = BTreeMap::new();
    for one in untrue.iter().filter(|one| one.what != "schedule") {
        kinds.entry(one.what.clone()).or_default().push(one.clone());
    }
    for (what, untrue) in kinds {
        store
            .write(move |transaction| {
                Box::pin(async move {
                    for sql in mends(transaction.dialect(), &what) {
                        transaction.execute(Statement::new(sql)).await?;
                    }
                    tell(transaction, &what, &untrue).await
                })
            })
            .await?;
    }
    store.wake().await;
    Ok(())
}

/// The statements that set one kind right. A worker keeps its lease for as long as a lease lasts,
/// and what waits is looked at now.
fn mends(dialect: Dialect, what: &str) -> Vec<String> {
    let (now, lock) = (batch::now(dialect), batch::skip_locked(dialect));
    let rows = |condition: String| {
        let found = format!("SELECT id FROM open_runs WHERE {condition} ORDER BY id {lock}");
        batch::among(dialect, &found)
    };
    match what {
        "lease" => vec![format!(
            "UPDATE open_runs SET lease_until = {now} + lease WHERE id {}",
            rows(lease(now))
        )],
        "wake" => {
            let tolerance = micros(TOLERANCE);
            let held = format!(
                "UPDATE stage_runs SET \
                    started_at = CASE WHEN started_at > {now} THEN {now} ELSE started_at END, \
                    wake_at = {now}, finished_at = {now} \
                WHERE follow = 'hold' AND NOT superseded AND finished_at > {now} + {tolerance} \
                    AND run IN (SELECT id FROM open_runs WHERE status = 'waiting')"
            );
            let runs = format!(
                "UPDATE open_runs SET wake_at = {now}, \
                    created_at = CASE WHEN created_at > {now} THEN {now} ELSE created_at END \
                WHERE id {}",
                rows(wake(now))
            );
            vec![runs, held]
        }
        "gate" => vec![format!(
            "UPDATE gates SET opened_at = {now}, expires_at = {now} + (expires_at - opened_at) \
            WHERE {}",
            gate(now)
        )],
        _ => {
            let of = past().filter(|(kind, ..)| *kind == what);
            let clamp = |(_, table, _, column): &PastTime| {
                format!("UPDATE {table} SET {column} = {now} WHERE {column} > {now}")
            };
            of.map(clamp).collect()
        }
    }
}

/// One finding for all of a kind.
pub(super) async fn tell(
    transaction: &mut Transaction<'_>,
    what: &str,
    untrue: &[Untrue],
) -> Result<(), StoreError> {
    let Some(first) = untrue.first() else {
        return Ok(());
    };
    let names: Vec<_> = untrue
        .iter()
        .take(3)
        .map(|one| one.subject.as_str())
        .collect();
    let (count, names) = (untrue.len(), names.join(", "));
    let now = transaction.clock().await?;
    let message = format!(
        "{names}: {}; set right at {:.0}, {count} of this kind",
        first.problem(),
        timestamp(now)
    );
    tracing::error!(what, count, "{message}");
    let key = format!("{CLOCK}:{what}");
    findings::raise_in(transaction, &key, CLOCK, what, &message).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_place_of_a_time_is_no_clock_that_stood_ahead() {
        let untrue = |ahead| Untrue {
            what: "wake".to_owned(),
            subject: "run".to_owned(),
            ahead: Duration::from_secs(ahead),
        };
        assert!(!untrue(0).problem().contains("clock"));
        assert!(untrue(7200).problem().contains("2 hours ahead"));
    }
}
