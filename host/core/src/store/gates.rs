//! `gates`: questions to a person, and what they decided.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::unreadable::{cut, readable, shown};
use super::{Dialect, Store, StoreError, batch, timestamp};
use crate::value::{Row, Statement, Value};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    pub run: String,
    pub stage: String,
    pub visit: u32,
    pub question: String,
    /// What it is about, as a stage of the run said under a tenant's key.
    pub subject: Option<String>,
    pub opened_at: Timestamp,
    /// When the question lapses, if ever.
    pub expires_at: Option<Timestamp>,
    pub decision: Option<Decision>,
    /// What is to be made anew.
    pub part: Option<String>,
    pub feedback: Option<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Approved,
    Rejected,
    /// A named part is made anew, and the question asked again.
    Regenerated,
    /// Nobody decided in time.
    Expired,
    /// The run ended or went elsewhere before anybody decided.
    Withdrawn,
}

const DECISIONS: [Decision; 5] = [
    Decision::Approved,
    Decision::Rejected,
    Decision::Regenerated,
    Decision::Expired,
    Decision::Withdrawn,
];

impl Decision {
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Approved => "approved",
            Decision::Rejected => "rejected",
            Decision::Regenerated => "regenerated",
            Decision::Expired => "expired",
            Decision::Withdrawn => "withdrawn",
        }
    }

    fn parse(name: &str) -> Result<Self, StoreError> {
        let mut known = DECISIONS.into_iter();
        let found = known.find(|decision| decision.as_str() == name);
        found.ok_or_else(|| StoreError::internal(format!("`{name}` decides no gate")))
    }
}

/// Open a gate, anew if it was withdrawn.
pub fn insert(gate: &Gate) -> Statement {
    let sql = "INSERT INTO gates (run, stage, visit, question, subject, opened_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) \
        ON CONFLICT (run, stage, visit) DO UPDATE SET question = excluded.question, \
            subject = excluded.subject, opened_at = excluded.opened_at, \
            expires_at = excluded.expires_at, decision = NULL, decided_at = NULL \
        WHERE gates.decision = 'withdrawn'";
    Statement::new(sql)
        .bind(&gate.run)
        .bind(&gate.stage)
        .bind(gate.visit)
        .bind(&gate.question)
        .bind(gate.subject.clone())
        .bind(gate.opened_at.as_microsecond())
        .bind(gate.expires_at.map(Timestamp::as_microsecond))
}

/// Who decided what.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub decision: Decision,
    pub part: Option<String>,
    pub feedback: String,
    pub by: String,
}

/// Decide an open gate; touches one row, or none if somebody decided before.
pub fn decide(gate: &Gate, verdict: &Verdict, now: i64) -> Statement {
    let sql = "UPDATE gates SET decision = $4, part = $5, decided_by = $6, feedback = $7, \
        decided_at = $8 WHERE run = $1 AND stage = $2 AND visit = $3 AND decision IS NULL";
    Statement::new(sql)
        .bind(&gate.run)
        .bind(&gate.stage)
        .bind(gate.visit)
        .bind(verdict.decision.as_str())
        .bind(verdict.part.clone())
        .bind(&verdict.by)
        .bind(&verdict.feedback)
        .bind(now)
}

/// Nobody has to answer the open question of a stage any more.
pub(super) fn withdraw(run: &str, stage: &str, dialect: Dialect) -> Statement {
    let now = batch::now(dialect);
    let sql = format!(
        "UPDATE gates SET decision = 'withdrawn', decided_at = {now} \
        WHERE run = $1 AND stage = $2 AND decision IS NULL"
    );
    Statement::new(sql).bind(run).bind(stage)
}

/// The stages of runs whose gates are open; `runs` is a batch of ids.
pub(super) fn asked_of_runs(dialect: Dialect, runs: Value) -> Statement {
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!("SELECT run, stage FROM gates WHERE decision IS NULL AND run {among}");
    Statement::new(sql).bind(runs)
}

/// The open gates, oldest first.
pub async fn open(store: &Store) -> Result<Vec<Gate>, StoreError> {
    let sql = "SELECT * FROM gates WHERE decision IS NULL ORDER BY opened_at, run, stage";
    read_all(store, Statement::new(sql)).await
}

/// The open gates of a run.
pub async fn open_of_run(store: &Store, run: &str) -> Result<Vec<Gate>, StoreError> {
    let sql = "SELECT * FROM gates WHERE decision IS NULL AND run = $1 ORDER BY opened_at, stage";
    read_all(store, Statement::new(sql).bind(run)).await
}

/// The gates of a run that can be read, oldest first, and what is wrong with the others.
pub async fn readable_of_run(
    store: &Store,
    run: &str,
) -> Result<(Vec<Gate>, Vec<String>), StoreError> {
    let sql = "SELECT * FROM gates WHERE run = $1 ORDER BY opened_at, stage, visit";
    let (mut gates, mut problems) = (Vec::new(), Vec::new());
    for row in store.query(Statement::new(sql).bind(run)).await?.iter() {
        match read(row) {
            Ok(gate) => gates.push(gate),
            Err(error) => problems.push(cut(&error.message)),
        }
    }
    Ok((gates, problems))
}

/// Open gates whose time has passed, by a clock in microseconds; those of a run that is being
/// cancelled are about to be withdrawn.
pub async fn expired(store: &Store, now: i64) -> Result<Vec<Gate>, StoreError> {
    let sql = "SELECT * FROM gates WHERE decision IS NULL AND expires_at <= $1 \
            AND NOT EXISTS (SELECT 1 FROM open_runs \
                WHERE open_runs.id = gates.run AND open_runs.stop_request = 'cancel') \
        ORDER BY opened_at";
    read_all(store, Statement::new(sql).bind(now)).await
}

/// The newest gate about something. That it cannot be read is an error: it is not that there is
/// none.
pub async fn about(store: &Store, subject: &str) -> Result<Option<Gate>, StoreError> {
    let sql = "SELECT * FROM gates WHERE subject = $1 ORDER BY opened_at DESC, visit DESC LIMIT 1";
    let rows = store.query(Statement::new(sql).bind(subject)).await?;
    rows.first().map(read).transpose()
}

async fn read_all(store: &Store, statement: Statement) -> Result<Vec<Gate>, StoreError> {
    let rows = store.query(statement).await?;
    Ok(readable(&rows, "a gate", read))
}

pub(super) fn read(row: Row<'_>) -> Result<Gate, StoreError> {
    read_row(row).map_err(|error| {
        let [stage, visit, run] = ["stage", "visit", "run"].map(|column| shown(row, column));
        let mend = format!("mend its row, or `callboard runs cancel {run}`");
        let problem =
            format!("the gate of {stage}, visit {visit}, cannot be read: {error}; {mend}");
        StoreError::internal(problem)
    })
}

fn read_row(row: Row<'_>) -> Result<Gate, StoreError> {
    let decision = row.optional_text("decision")?;
    let decision = decision.map(|name| Decision::parse(&name)).transpose()?;
    Ok(Gate {
        run: row.text("run")?,
        stage: row.text("stage")?,
        visit: u32::try_from(row.integer("visit")?).unwrap_or_default(),
        question: row.text("question")?,
        subject: row.optional_text("subject")?,
        opened_at: timestamp(row.integer("opened_at")?),
        expires_at: row.optional_integer("expires_at")?.map(timestamp),
        decision,
        part: row.optional_text("part")?,
        feedback: row.optional_text("feedback")?,
        decided_by: row.optional_text("decided_by")?,
        decided_at: row.optional_integer("decided_at")?.map(timestamp),
    })
}
