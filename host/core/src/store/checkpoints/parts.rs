//! The statements of a checkpoint, and the rows that they carry.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Checkpoint, Then};
use crate::lines::Line;
use crate::outcome::{self, Outcome};
use crate::settings::hex;
use crate::shown::cut;
use crate::store::runs::{RunStatus, micros};
use crate::store::stage_runs::{StageRun, UndoneVisit};
use crate::store::{Dialect, StoreError, batch, storable};

/// A report of more bytes than this is kept once, by its digest.
const LARGE: usize = 64 * 1024;

/// How a run goes on or rests.
#[derive(Serialize)]
pub(super) struct RunProgressRow<'c> {
    run: &'c str,
    fence: i64,
    signals: i64,
    status: &'static str,
    detail: String,
    settings: Option<&'c str>,
    spent: i64,
    /// Microseconds that the lease is lengthened by; null gives it back.
    lease: Option<i64>,
    /// Null leaves it, and with it the indexes, as it is.
    wake_at: Option<i64>,
}

/// What is kept of the detail of a run, whatever made it: lists have many of them.
pub(super) fn kept(detail: &str) -> String {
    cut(detail, outcome::DETAIL)
}

impl<'c> RunProgressRow<'c> {
    pub(super) fn of(checkpoint: &'c Checkpoint) -> Self {
        let mut moved = Self {
            run: &checkpoint.held.run,
            fence: checkpoint.held.fence,
            signals: checkpoint.signals,
            status: RunStatus::Running.as_str(),
            detail: String::new(),
            settings: checkpoint.settings.as_deref(),
            spent: micros(checkpoint.spent),
            lease: None,
            wake_at: None,
        };
        match &checkpoint.then {
            Then::GoOn { lease } => moved.lease = Some(micros(*lease)),
            Then::Rest {
                status,
                detail,
                wake_at,
            } => {
                moved.status = status.as_str();
                moved.detail = kept(detail);
                moved.wake_at = Some(wake_at.as_microsecond());
            }
            // It is moved as a whole in a moment.
            Then::End { .. } => {}
        }
        moved
    }
}

/// Progress under the fence, as far as its holder knows all that reached the run from outside:
/// what it decided on an older picture touches nothing.
pub(super) fn advance(dialect: Dialect) -> String {
    let columns = [
        ("run", "text"),
        ("fence", "bigint"),
        ("signals", "bigint"),
        ("status", "text"),
        ("detail", "text"),
        ("settings", "text"),
        ("spent", "bigint"),
        ("lease", "bigint"),
        ("wake_at", "bigint"),
    ];
    let (table, now) = (batch::table(dialect, &columns), batch::now(dialect));
    // In the order of ids, so that two batches never wait for each other.
    let (source, found) = match dialect {
        Dialect::Sqlite => (table, String::new()),
        Dialect::Postgres => {
            let named = batch::named(dialect, "run");
            let names = columns.map(|(name, _)| format!("batch.{name}")).join(", ");
            let source = format!(
                "(SELECT {names} FROM {table} JOIN open_runs AS held ON held.id = batch.run \
                  WHERE held.id {named} AND held.fence = batch.fence AND held.status = 'running' \
                  ORDER BY held.id FOR UPDATE OF held) AS batch"
            );
            (source, format!("open_runs.id {named} AND"))
        }
    };
    format!(
        "UPDATE open_runs SET recoveries = 0, detail = batch.detail, spent = batch.spent, \
            settings = COALESCE(batch.settings, open_runs.settings), \
            stop_request = CASE WHEN batch.status = 'paused' THEN NULL ELSE open_runs.stop_request END, \
            status = batch.status, wake_at = COALESCE(batch.wake_at, open_runs.wake_at), \
            lease_until = COALESCE({now} + batch.lease, 0) \
        FROM {source} \
        WHERE {found} open_runs.id = batch.run AND open_runs.fence = batch.fence \
            AND open_runs.signals = batch.signals AND open_runs.status = 'running' \
        RETURNING open_runs.id, stop_request, stop_detail, open_runs.signals"
    )
}

/// A checkpoint of a visit.
#[derive(Serialize)]
pub(in crate::store) struct StageRow<'c> {
    run: &'c str,
    stage: &'c str,
    visit: u32,
    step: i64,
    fence: i64,
    handler: Option<&'c str>,
    attempts: u32,
    holds: u32,
    outcome: &'static str,
    follow: String,
    undone: Option<&'static str>,
    report: String,
    digest: Option<String>,
    superseded: bool,
    log: Option<String>,
    wake_at: Option<i64>,
    started_at: i64,
    finished_at: i64,
    #[serde(skip)]
    content: Option<String>,
}

impl<'c> StageRow<'c> {
    /// Its deferred writes are not kept: they are being carried out.
    pub(in crate::store) fn of(row: &'c StageRun, fence: i64) -> Result<Self, StoreError> {
        let report = report(&row.outcome)?;
        let large = report.len() > LARGE;
        let digest = large.then(|| hex(&Sha256::digest(&report)));
        let (report, content) = if large {
            (String::new(), Some(report))
        } else {
            (report, None)
        };
        Ok(Self {
            run: &row.run,
            stage: &row.stage,
            visit: row.visit,
            step: row.step,
            fence,
            handler: row.what.handler(),
            attempts: row.attempts,
            holds: row.holds,
            outcome: row.outcome.name(),
            follow: row.follow.to_string(),
            undone: row.undone.map(UndoneVisit::as_str),
            report,
            digest,
            superseded: row.superseded,
            log: log(&row.log)?,
            wake_at: row.wake_at.map(jiff::Timestamp::as_microsecond),
            started_at: row.started_at.as_microsecond(),
            finished_at: row.finished_at.as_microsecond(),
            content,
        })
    }

    /// The digest and content of a report that is kept apart.
    pub(super) fn large(&self) -> Option<(&str, &str)> {
        Some((self.digest.as_deref()?, self.content.as_deref()?))
    }
}

fn log(lines: &[Line]) -> Result<Option<String>, StoreError> {
    if lines.is_empty() {
        return Ok(None);
    }
    let written = serde_json::to_string(lines);
    let written = written.map_err(|error| StoreError::internal(format!("log: {error}")))?;
    Ok(Some(written))
}

fn report(outcome: &Outcome) -> Result<String, StoreError> {
    match outcome {
        Outcome::Done(done) if !done.writes.is_empty() => {
            let mut done = done.clone();
            done.writes.clear();
            storable::document(&Outcome::Done(done))
        }
        other => storable::document(other),
    }
}

/// A visit is kept once; only one that was held is kept over.
pub(in crate::store) fn keep(dialect: Dialect) -> String {
    let columns = [
        ("run", "text"),
        ("stage", "text"),
        ("visit", "bigint"),
        ("step", "bigint"),
        ("fence", "bigint"),
        ("handler", "text"),
        ("attempts", "bigint"),
        ("holds", "bigint"),
        ("outcome", "text"),
        ("follow", "text"),
        ("undone", "text"),
        ("report", "text"),
        ("digest", "text"),
        ("superseded", "boolean"),
        ("log", "text"),
        ("wake_at", "bigint"),
        ("started_at", "bigint"),
        ("finished_at", "bigint"),
    ];
    let names = columns.map(|(name, _)| name).join(", ");
    let over = columns[3..]
        .iter()
        .map(|(name, _)| format!("{name} = excluded.{name}"))
        .collect::<Vec<_>>()
        .join(", ");
    let table = batch::table(dialect, &columns);
    format!(
        "INSERT INTO stage_runs ({names}) SELECT {names} FROM {table} WHERE TRUE \
        ON CONFLICT (run, stage, visit) DO UPDATE SET {over} \
            WHERE stage_runs.follow = 'hold' AND stage_runs.undone IS NULL"
    )
}
