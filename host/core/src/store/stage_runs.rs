//! `stage_runs`: the checkpoints, one row a visit of a stage. They are written by
//! [`checkpoints`](super::checkpoints).

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::unreadable::{cut, shown};
use super::{Dialect, Store, StoreError, batch, blobs, storable, timestamp};
use crate::lines::Line;
use crate::outcome::Outcome;
use crate::pipeline::{Follow, Stage};
use crate::value::{self, Row, Statement, Value};

/// What a visit was of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Handler(String),
    /// A question to a person.
    Gate,
}

impl What {
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

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.handler().unwrap_or("gate"))
    }
}

impl Serialize for What {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How a person undid a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Undone {
    Retried,
    Migrated,
}

impl Undone {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Migrated => "migrated",
        }
    }

    fn parse(name: &str) -> Result<Self, StoreError> {
        let mut known = [Self::Retried, Self::Migrated].into_iter();
        let found = known.find(|undone| undone.as_str() == name);
        found.ok_or_else(|| StoreError::internal(format!("`{name}` undoes no visit")))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageRun {
    pub run: String,
    pub stage: String,
    pub visit: u32,
    /// Its place among the checkpoints of its run.
    pub step: i64,
    #[serde(rename = "handler")]
    pub what: What,
    /// Calls in the last go.
    pub attempts: u32,
    /// How often the visit was held before.
    pub holds: u32,
    pub outcome: Outcome,
    /// What followed.
    pub follow: Follow,
    /// Whether a person undid it, so that it does not count for `max_visits`.
    pub undone: Option<Undone>,
    /// Whether a later visit of this stage, or of one it needs, counts instead.
    pub superseded: bool,
    /// What was said while it was executed.
    pub log: Vec<Line>,
    /// When a held visit goes on.
    pub wake_at: Option<Timestamp>,
    pub started_at: Timestamp,
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

/// The checkpoints of runs in the order they were made; `runs` is a batch of ids.
pub(super) fn of_runs(dialect: Dialect, runs: Value) -> Statement {
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!(
        "SELECT stage_runs.*, blobs.content FROM stage_runs \
        LEFT JOIN blobs ON blobs.digest = stage_runs.digest \
        WHERE run {among} ORDER BY run, step, finished_at, stage, visit"
    );
    Statement::new(sql).bind(runs)
}

/// The checkpoints of a run in the order they were made.
pub async fn of_run(store: &Store, run: &str) -> Result<Vec<StageRun>, StoreError> {
    let statement = of_runs(store.dialect(), batch::rows(&[run])?);
    let mut reader = Reader::default();
    let rows = store.query(statement).await?;
    rows.iter().map(|row| reader.read(row)).collect()
}

/// The checkpoints of a run that can be read, in order, and what is wrong with the others.
pub async fn readable_of_run(
    store: &Store,
    run: &str,
) -> Result<(Vec<StageRun>, Vec<String>), StoreError> {
    let statement = of_runs(store.dialect(), batch::rows(&[run])?);
    let (mut readable, mut problems) = (Vec::new(), Vec::new());
    let mut reader = Reader::default();
    for row in store.query(statement).await?.iter() {
        match reader.read(row) {
            Ok(row) => readable.push(row),
            Err(error) => problems.push(cut(&error.message)),
        }
    }
    Ok((readable, problems))
}

/// Reads checkpoints, of each run for as long as they take no more memory than they may: what no
/// stage could have written blocks its own run.
#[derive(Default)]
pub(super) struct Reader {
    trees: BTreeMap<String, u64>,
}

impl Reader {
    pub(super) fn read(&mut self, row: Row<'_>) -> Result<StageRun, StoreError> {
        let text = row.value("content").ok().and_then(|content| match content {
            Value::Blob(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        let report = match text {
            Some(_) => String::new(),
            None => row.text("report")?,
        };
        let tree = value::tree(text.unwrap_or(report.as_bytes()));
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
    read_row(row).map_err(|error| {
        let (stage, visit) = (shown(row, "stage"), shown(row, "visit"));
        StoreError::internal(format!("the checkpoint of {stage}, visit {visit}: {error}"))
    })
}

fn read_row(row: Row<'_>) -> Result<StageRun, StoreError> {
    let report = match row.value("content")? {
        Value::Blob(bytes) => {
            let bytes = blobs::verified(&row.text("digest")?, bytes.clone())?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => row.text("report")?,
    };
    let outcome =
        serde_json::from_str(&report).map_err(|error| StoreError::internal(error.to_string()))?;
    let log = match row.value("log")? {
        Value::Text(text) => serde_json::from_str(text)
            .map_err(|error| StoreError::internal(format!("the log of a stage: {error}")))?,
        _ => Vec::new(),
    };
    Ok(StageRun {
        run: row.text("run")?,
        stage: row.text("stage")?,
        visit: number(row, "visit")?,
        step: row.integer("step")?,
        what: match row.optional_text("handler")? {
            Some(handler) => What::Handler(handler),
            None => What::Gate,
        },
        attempts: number(row, "attempts")?,
        holds: number(row, "holds")?,
        outcome,
        follow: row.text("follow")?.parse().map_err(StoreError::internal)?,
        undone: row
            .optional_text("undone")?
            .map(|name| Undone::parse(&name))
            .transpose()?,
        superseded: row.boolean("superseded")?,
        log,
        wake_at: row.optional_integer("wake_at")?.map(timestamp),
        started_at: timestamp(row.integer("started_at")?),
        finished_at: timestamp(row.integer("finished_at")?),
    })
}

fn number(row: Row<'_>, column: &str) -> Result<u32, StoreError> {
    u32::try_from(row.integer(column)?)
        .map_err(|_| StoreError::internal(format!("column `{column}` is out of range")))
}
