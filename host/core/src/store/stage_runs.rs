//! `stage_runs`: the checkpoints, one row a visit of a stage. They are written by
//! [`checkpoints`](super::checkpoints).

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::unreadable::{parted, shown};
use super::{Dialect, Store, StoreError, batch, blobs, storable};
use crate::lines::Line;
use crate::outcome::Outcome;
use crate::pipeline::{Follow, Stage};
use crate::value::form::{json, micros};
use crate::value::{self, ColumnError, Row, Statement, Value, columns};

/// What a visit was of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitOf {
    Handler(String),
    /// A question to a person.
    Gate,
}

impl VisitOf {
    /// Of a stage: the handler that it names, or its gate.
    pub fn of(stage: &Stage) -> Self {
        match &stage.handler {
            Some(handler) => Self::Handler(handler.get_ref().clone()),
            None => Self::Gate,
        }
    }

    /// The handler; a gate has none, and no name in its row.
    pub fn handler(&self) -> Option<&str> {
        match self {
            Self::Handler(handler) => Some(handler),
            Self::Gate => None,
        }
    }
}

impl std::fmt::Display for VisitOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.handler().unwrap_or("gate"))
    }
}

impl<'de> Deserialize<'de> for VisitOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let handler = Option::deserialize(deserializer)?;
        Ok(handler.map_or(Self::Gate, Self::Handler))
    }
}

/// How a person undid a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UndoneVisit {
    Retried,
    Migrated,
}

impl UndoneVisit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Migrated => "migrated",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "stage_runs")]
pub struct StageRun {
    pub run: String,
    pub stage: String,
    pub visit: u32,
    /// Its place among the checkpoints of its run.
    pub step: i64,
    #[serde(rename = "handler")]
    pub what: VisitOf,
    /// Calls in the last go.
    pub attempts: u32,
    /// How often the visit was held before.
    pub holds: u32,
    #[serde(rename = "report", deserialize_with = "outcome")]
    pub outcome: Outcome,
    /// What followed.
    pub follow: Follow,
    /// Whether a person undid it, so that it does not count for `max_visits`.
    pub undone: Option<UndoneVisit>,
    /// Whether a later visit of this stage, or of one it needs, counts instead.
    pub superseded: bool,
    /// What was said while it was executed.
    #[serde(with = "json")]
    pub log: Vec<Line>,
    /// When a held visit goes on.
    #[serde(with = "micros")]
    pub wake_at: Option<Timestamp>,
    #[serde(with = "micros")]
    pub started_at: Timestamp,
    #[serde(with = "micros")]
    pub finished_at: Timestamp,
}

impl StageRun {
    /// Whether the visit waits and is not over.
    pub fn is_held(&self) -> bool {
        self.follow == Follow::Hold && self.undone.is_none()
    }
}

/// The visits of a stage so far do not count any more.
pub(super) fn supersede(run: &str, stage: &str) -> Statement {
    let sql = "UPDATE stage_runs SET superseded = TRUE WHERE run = $1 AND stage = $2";
    Statement::new(sql).bind(run).bind(stage)
}

/// The checkpoints with their large reports.
const WITH_REPORTS: &str = "stage_runs LEFT JOIN blobs ON blobs.digest = stage_runs.digest";

/// The columns of a checkpoint and, of another table, its large report.
pub(super) fn whole_columns() -> String {
    format!("{}, stage_runs.digest, content", columns::<StageRun>())
}

/// The checkpoints of runs in the order they were made; `runs` is a batch of ids.
pub(super) fn of_runs(dialect: Dialect, runs: Value) -> Statement {
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!(
        "SELECT {} FROM {WITH_REPORTS} \
        WHERE run {among} ORDER BY run, step, finished_at, stage, visit",
        whole_columns()
    );
    Statement::new(sql).bind(runs)
}

/// The checkpoints of a run in the order they were made.
pub async fn of_run(store: &Store, run: &str) -> Result<Vec<StageRun>, StoreError> {
    let statement = of_runs(store.dialect(), batch::rows(&[run])?);
    let mut reader = StageRunReader::default();
    let rows = store.query(statement).await?;
    rows.iter().map(|row| reader.read(row)).collect()
}

/// The checkpoints of a run that can be read, in order, and what is wrong with the others.
pub async fn readable_of_run(
    store: &Store,
    run: &str,
) -> Result<(Vec<StageRun>, Vec<String>), StoreError> {
    let statement = of_runs(store.dialect(), batch::rows(&[run])?);
    let mut reader = StageRunReader::default();
    Ok(parted(&store.query(statement).await?, |row| {
        reader.read(row)
    }))
}

/// Reads checkpoints, of each run for as long as they take no more memory than they may: what no
/// stage could have written blocks its own run.
#[derive(Default)]
pub(super) struct StageRunReader {
    trees: BTreeMap<String, u64>,
}

impl StageRunReader {
    pub(super) fn read(&mut self, row: Row<'_>) -> Result<StageRun, StoreError> {
        let tree = value::tree(row.read::<StoredReport<'_>>()?.text());
        let trees = self.trees.entry(row.text("run")?).or_default();
        *trees = trees.saturating_add(tree);
        // Between what is written and what is read lie the names of fields.
        if *trees > 2 * storable::TREES {
            let problem = storable::too_many_parts(*trees, storable::TREES);
            let text = format!("what the run wrote so far {problem}");
            return Err(StoreError::internal(text));
        }
        read(row)
    }
}

pub(super) fn read(row: Row<'_>) -> Result<StageRun, StoreError> {
    row.read().map_err(|error: ColumnError| {
        let (stage, visit) = (shown(row, "stage"), shown(row, "visit"));
        StoreError::internal(format!("the checkpoint of {stage}, visit {visit}: {error}"))
    })
}

/// The report of a checkpoint: in its row, or apart if it is large.
#[derive(Deserialize)]
struct StoredReport<'r> {
    report: &'r str,
    digest: Option<&'r str>,
    #[serde(borrow)]
    content: Option<&'r [u8]>,
}

impl StoredReport<'_> {
    fn text(&self) -> &[u8] {
        self.content.unwrap_or(self.report.as_bytes())
    }
}

fn outcome<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Outcome, D::Error> {
    let report = StoredReport::deserialize(deserializer)?;
    if let (Some(digest), Some(content)) = (report.digest, report.content) {
        blobs::verified(digest, content.to_vec()).map_err(D::Error::custom)?;
    }
    serde_json::from_slice(report.text()).map_err(D::Error::custom)
}
