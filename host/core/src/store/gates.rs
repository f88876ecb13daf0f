//! `gates`: questions to a person, and what they decided.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unreadable::{parted, readable, shown};
use super::{Dialect, Store, StoreError, Transaction, batch, findings};
use crate::outcome::Patch;
use crate::value::form::{json, micros};
use crate::value::{Query, Row, Statement, Value, select};

/// Who is said to decide when no person did in time.
pub const NOBODY: &str = "expiry";
/// The kind of finding that tells of one which could not be decided.
const KIND: &str = "gate";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "gates")]
pub struct Gate {
    pub run: String,
    pub stage: String,
    pub visit: u32,
    pub question: String,
    /// What goes out behind it, by key.
    #[serde(with = "json")]
    pub shows: Patch,
    /// What it is about, as a stage of the run said under a tenant's key.
    pub subject: Option<String>,
    #[serde(with = "micros")]
    pub opened_at: Timestamp,
    /// When the question lapses, if ever.
    #[serde(with = "micros")]
    pub expires_at: Option<Timestamp>,
    pub decision: Option<Decision>,
    /// What is to be made anew.
    pub part: Option<String>,
    pub feedback: Option<String>,
    pub decided_by: Option<String>,
    #[serde(with = "micros")]
    pub decided_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Approved,
    Rejected,
    /// A named part is made anew, and the question asked again.
    Regenerated,
    /// No person decided in time.
    Expired,
    /// The run ended or went elsewhere before a person decided.
    Withdrawn,
}

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
}

/// Open a gate, anew if it was withdrawn.
pub fn insert(gate: &Gate) -> Statement {
    let sql = "INSERT INTO gates (run, stage, visit, question, shows, subject, opened_at, expires_at) \
        VALUES (:run, :stage, :visit, :question, :shows, :subject, :opened_at, :expires_at) \
        ON CONFLICT (run, stage, visit) DO UPDATE SET question = excluded.question, \
            shows = excluded.shows, subject = excluded.subject, opened_at = excluded.opened_at, \
            expires_at = excluded.expires_at, decision = NULL, decided_at = NULL \
        WHERE gates.decision = 'withdrawn'";
    Statement::named(sql, gate)
}

/// Who decided what.
#[derive(Debug, Clone, Serialize)]
pub struct GateVerdict {
    pub decision: Decision,
    pub part: Option<String>,
    pub feedback: String,
    pub by: String,
    /// Which version of what the gate is about was looked at, if that is known.
    #[serde(skip)]
    pub seen: Option<i64>,
}

/// Decide an open gate; touches one row, or none if it is decided already.
pub fn decide(gate: &Gate, verdict: &GateVerdict, now: i64) -> Statement {
    let Gate {
        run, stage, visit, ..
    } = gate;
    let sql = "UPDATE gates SET decision = :decision, part = :part, decided_by = :by, \
            feedback = :feedback, decided_at = $5 \
        WHERE run = $6 AND stage = $7 AND visit = $8 AND decision IS NULL";
    Statement::named(sql, verdict)
        .bind(now)
        .bind(run)
        .bind(stage)
        .bind(*visit)
}

/// The open question of a stage needs no answer any more.
pub(super) async fn withdraw(
    transaction: &mut Transaction<'_>,
    run: &str,
    stage: &str,
) -> Result<(), StoreError> {
    let now = batch::now(transaction.dialect());
    let sql = format!(
        "UPDATE gates SET decision = 'withdrawn', decided_at = {now} \
        WHERE run = $1 AND stage = $2 AND decision IS NULL"
    );
    let withdraw = Statement::new(sql).bind(run).bind(stage);
    transaction.execute(withdraw).await?;
    settled(transaction).await
}

/// Raise a finding about an open gate whose time has passed; says whether it is new. If it cannot lapse
/// at all, it has no time any more. Of a gate that is decided meanwhile nothing is to be said: gives none.
pub async fn raise(
    store: &Store,
    gate: &Gate,
    message: String,
    for_good: bool,
) -> Result<Option<bool>, StoreError> {
    let (run, stage, visit) = (gate.run.clone(), gate.stage.clone(), gate.visit);
    store
        .write(move |transaction| {
            Box::pin(async move {
                // A decision comes before this transaction or after it.
                let lock = match transaction.dialect() {
                    Dialect::Sqlite => "",
                    Dialect::Postgres => "FOR UPDATE",
                };
                let open = format!(
                    "SELECT 1 AS one FROM gates \
                    WHERE run = $1 AND stage = $2 AND visit = $3 AND decision IS NULL {lock}"
                );
                let open = Statement::new(open).bind(&run).bind(&stage).bind(visit);
                if transaction.query(open).await?.first().is_none() {
                    return Ok(None);
                }
                if for_good {
                    let sql = "UPDATE gates SET expires_at = NULL \
                        WHERE run = $1 AND stage = $2 AND visit = $3";
                    let asked_on = Statement::new(sql).bind(&run).bind(&stage).bind(visit);
                    transaction.execute(asked_on).await?;
                }
                let key = format!("{KIND}:{run}:{stage}");
                let raised = findings::raise_in(transaction, &key, KIND, &stage, &message);
                raised.await.map(Some)
            })
        })
        .await
}

/// Resolve the findings about gates that are decided, or withdrawn, by now.
pub(super) async fn settled(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    let now = batch::now(transaction.dialect());
    let sql = format!(
        "UPDATE findings SET resolved_at = {now} WHERE resolved_at IS NULL AND kind = '{KIND}' \
        AND NOT EXISTS (SELECT 1 FROM gates WHERE decision IS NULL \
            AND '{KIND}:' || gates.run || ':' || gates.stage = findings.key)"
    );
    transaction.execute(Statement::new(sql)).await?;
    Ok(())
}

/// The stages of runs whose gates are open; `runs` is a batch of ids.
pub(super) fn asked_of_runs(dialect: Dialect, runs: Value) -> Statement {
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!("SELECT run, stage FROM gates WHERE decision IS NULL AND run {among}");
    Statement::new(sql).bind(runs)
}

/// The open gates, oldest first.
pub async fn open(store: &Store) -> Result<Vec<Gate>, StoreError> {
    read_all(
        store,
        select("WHERE decision IS NULL ORDER BY opened_at, run, stage"),
    )
    .await
}

/// The open gates of a run.
pub async fn open_of_run(store: &Store, run: &str) -> Result<Vec<Gate>, StoreError> {
    let query = select("WHERE decision IS NULL AND run = $1 ORDER BY opened_at, stage");
    read_all(store, query.bind(run)).await
}

/// The same as a transaction sees them.
pub(super) async fn open_in(
    transaction: &mut Transaction<'_>,
    run: &str,
) -> Result<Vec<Gate>, StoreError> {
    let query = select::<Gate>("WHERE decision IS NULL AND run = $1 ORDER BY opened_at, stage");
    let rows = transaction.query(query.bind(run)).await?;
    Ok(readable(&rows, "a gate", read))
}

/// The gates of a run that can be read, oldest first, and what is wrong with the others.
pub async fn readable_of_run(
    store: &Store,
    run: &str,
) -> Result<(Vec<Gate>, Vec<String>), StoreError> {
    let query = select::<Gate>("WHERE run = $1 ORDER BY opened_at, stage, visit");
    Ok(parted(&store.query(query.bind(run)).await?, read))
}

/// Open gates whose time has passed, by a clock in microseconds; those of a run that is being
/// cancelled are about to be withdrawn.
pub async fn expired(store: &Store, now: i64) -> Result<Vec<Gate>, StoreError> {
    let query = select(
        "WHERE decision IS NULL AND expires_at <= $1 AND NOT EXISTS (SELECT 1 FROM open_runs \
            WHERE open_runs.id = gates.run AND open_runs.stop_request = 'cancel') ORDER BY opened_at",
    );
    read_all(store, query.bind(now)).await
}

/// The newest gate about something. That it cannot be read is an error: it is not that there is
/// none.
pub async fn about(store: &Store, subject: &str) -> Result<Option<Gate>, StoreError> {
    let query = select::<Gate>("WHERE subject = $1 ORDER BY opened_at DESC, visit DESC LIMIT 1");
    let rows = store.query(query.bind(subject)).await?;
    rows.first().map(read).transpose()
}

async fn read_all(store: &Store, query: Query<Gate>) -> Result<Vec<Gate>, StoreError> {
    let rows = store.query(query).await?;
    Ok(readable(&rows, "a gate", read))
}

pub(super) fn read(row: Row<'_>) -> Result<Gate, StoreError> {
    row.read().map_err(|error| {
        let [stage, visit, run] = ["stage", "visit", "run"].map(|column| shown(row, column));
        let mend = format!("mend its row, or `callboard runs cancel {run}`");
        let problem =
            format!("the gate of {stage}, visit {visit}, cannot be read: {error}; {mend}");
        StoreError::internal(problem)
    })
}
