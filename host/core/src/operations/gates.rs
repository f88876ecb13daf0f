//! Gates: the questions to a person, and the decisions.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorKind, OperationError, named};
use crate::app::App;
use crate::engine::{Unwatched, gate};
use crate::outcome::Patch;
use crate::store::gates::{self, Gate};
use crate::store::named::{self as names, LATEST, NameMatch, Noun, Short};
use crate::store::{Store, StoreError, tenants};

pub use crate::store::gates::{Decision, GateVerdict};

/// A question to a person.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Gate")]
pub struct GateView {
    /// The run's id.
    pub run: String,
    /// What lists show of it.
    pub run_short: String,
    /// The stage that asks.
    pub stage: String,
    /// Which visit of the stage, from 1 on.
    pub visit: u32,
    /// What is asked.
    pub question: String,
    /// What goes out behind it, by key, but what it is about: what the stages behind it read that publish.
    pub shows: Patch,
    /// The id of what it is about, if a stage said so.
    pub subject: Option<String>,
    /// What lists show of it.
    pub subject_short: Option<String>,
    /// Since when it is asked.
    pub opened_at: Timestamp,
    /// When the question lapses, if ever.
    pub expires_at: Option<Timestamp>,
    /// What was decided; nothing as long as it is open.
    pub decision: Option<Decision>,
    /// What is to be made anew.
    pub part: Option<String>,
    /// What was said with the decision.
    pub feedback: Option<String>,
    /// Who decided; `expiry` if no person did in time.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
}

/// A gate with what can be said at it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GateDetails {
    /// The question and its decision.
    pub gate: GateView,
    /// What can be made anew, by name.
    pub parts: Vec<String>,
}

/// The open gates, oldest first.
pub async fn list(app: &App) -> Result<Vec<GateView>, OperationError> {
    let open = gates::open(app.store()).await?;
    Ok(GateView::all(app.store(), open).await?)
}

/// The gates of what `wanted` names, a run or what gates are about, oldest first; only those of one
/// stage, if it is given.
pub async fn show(
    app: &App,
    wanted: &str,
    stage: Option<&str>,
) -> Result<Vec<GateDetails>, OperationError> {
    let (mut all, unreadable) = of(app.store(), wanted).await?;
    if all.is_empty() && !unreadable.is_empty() {
        return Err(OperationError::failed(unreadable.join("; ")));
    }
    all.retain(|gate| stage.is_none_or(|stage| gate.stage == stage));
    let engine = app.engine(Arc::new(Unwatched));
    let mut parts = Vec::new();
    for gate in &all {
        parts.push(gate::parts(&engine, gate).await?);
    }
    let views = GateView::all(app.store(), all).await?.into_iter();
    let details = views.zip(parts);
    Ok(details
        .map(|(gate, parts)| GateDetails { gate, parts })
        .collect())
}

/// Decide the open gate of what `wanted` names; `stage` says which, if several are open. Gives the
/// id of its run, which goes on by itself or with [`carry_out`](super::runs::carry_out).
pub async fn decide(
    app: &App,
    wanted: &str,
    stage: Option<&str>,
    verdict: GateVerdict,
) -> Result<String, OperationError> {
    let gate = the_open_one(app.store(), wanted, stage).await?;
    decide_gate(app, gate, verdict).await
}

/// Decide the newest gate about something, by its id. `None` if none is open.
pub async fn decide_about(
    app: &App,
    subject: &str,
    verdict: GateVerdict,
) -> Result<Option<String>, OperationError> {
    let gate = gates::about(app.store(), subject).await?;
    match gate.filter(|gate| gate.decision.is_none()) {
        Some(gate) => Ok(Some(decide_gate(app, gate, verdict).await?)),
        None => Ok(None),
    }
}

/// The run whose gate about something is open, by the id of what it is about.
pub async fn asked_by(app: &App, subject: &str) -> Result<Option<String>, OperationError> {
    let gate = gates::about(app.store(), subject).await?;
    let open = gate.filter(|gate| gate.decision.is_none());
    Ok(open.map(|gate| gate.run))
}

async fn decide_gate(
    app: &App,
    gate: Gate,
    verdict: GateVerdict,
) -> Result<String, OperationError> {
    gate::decide(&app.engine(Arc::new(Unwatched)), &gate, verdict).await?;
    Ok(gate.run)
}

/// Every gate of a run that can be read, oldest first, and what is wrong with the others; or the
/// newest about a subject.
async fn of(store: &Store, wanted: &str) -> Result<(Vec<Gate>, Vec<String>), OperationError> {
    if wanted == LATEST {
        let run = named::key(store, &names::GATE, wanted).await?;
        return Ok(gates::readable_of_run(store, &run).await?);
    }
    let (mut nouns, mut key) = (Vec::new(), None);
    for noun in std::iter::once(&names::RUN).chain(tenants::nouns()) {
        match names::find(store, noun, wanted).await? {
            NameMatch::None => continue,
            NameMatch::One(found) => key = Some(found),
            NameMatch::Several(_) => {}
        }
        nouns.push(noun);
    }
    match (nouns.as_slice(), key) {
        ([], _) => Err(nothing(wanted)),
        ([noun], Some(key)) if noun.name == names::RUN.name => {
            Ok(gates::readable_of_run(store, &key).await?)
        }
        ([_], Some(key)) => {
            let newest = gates::about(store, &key).await?;
            Ok((newest.into_iter().collect(), Vec::new()))
        }
        // It says which they are.
        ([noun], None) => Err(named::key(store, noun, wanted)
            .await
            .err()
            .unwrap_or_else(|| unsure(wanted))),
        _ => Err(unsure(wanted)),
    }
}

/// The open gate that is meant.
async fn the_open_one(
    store: &Store,
    wanted: &str,
    stage: Option<&str>,
) -> Result<Gate, OperationError> {
    let (mut open, unreadable) = of(store, wanted).await?;
    open.retain(|gate| gate.decision.is_none());
    let known: Vec<String> = open.iter().map(|gate| gate.stage.clone()).collect();
    open.retain(|gate| stage.is_none_or(|stage| gate.stage == stage));
    match open.len() {
        1 => Ok(open.remove(0)),
        0 if !unreadable.is_empty() => Err(OperationError::failed(unreadable.join("; "))),
        0 => {
            let at = stage.map_or("no gate".to_owned(), |stage| format!("no gate `{stage}`"));
            let problem = format!("`{wanted}` stands before {at} that is open");
            let known = known.iter().map(String::as_str);
            let list = "`callboard gates list` names those that are";
            let mend = named::meant(stage.unwrap_or_default(), known, list);
            Err(OperationError::usage(problem).mend(mend))
        }
        _ => {
            let problem = format!("`{wanted}` stands before several gates");
            let mend = format!("name one of them after it: {}", known.join(", "));
            Err(OperationError::usage(problem).mend(mend))
        }
    }
}

/// What gates can be found by: `run`, and what tenants name.
fn names_of_nouns() -> Vec<&'static str> {
    let tenants = tenants::nouns().map(|noun: &Noun| noun.name);
    std::iter::once(names::RUN.name).chain(tenants).collect()
}

fn nothing(wanted: &str) -> OperationError {
    let no = names_of_nouns().join(" and no ");
    let message = format!("there is no {no} `{wanted}`");
    OperationError::new(ErrorKind::Unknown, message)
        .mend("`callboard gates list` names the runs that stand before a gate")
}

/// The name is one of several kinds of things.
fn unsure(wanted: &str) -> OperationError {
    let nouns = names_of_nouns().join(" or ");
    OperationError::usage(format!(
        "`{wanted}` is more than one {nouns}: write more of it"
    ))
    .mend("`callboard gates list` names them")
}

impl GateView {
    /// What is shown of gates, in their order.
    pub(super) async fn all(store: &Store, gates: Vec<Gate>) -> Result<Vec<Self>, StoreError> {
        let runs = gates.iter().map(|gate| gate.run.as_str());
        let runs = Short::of(store, &names::RUN, runs).await?;
        let mut subjects = Vec::new();
        for noun in tenants::nouns() {
            let ids = gates.iter().filter_map(|gate| gate.subject.as_deref());
            subjects.push(Short::of(store, noun, ids).await?);
        }
        let view = |gate| Self::of(gate, &runs, &subjects);
        Ok(gates.into_iter().map(view).collect())
    }

    fn of(gate: Gate, runs: &Short, subjects: &[Short]) -> Self {
        // Those whose subject it is not have no short form of it, and show the whole.
        let short = |subject: &String| {
            let shorts = subjects.iter().map(|short| short.show(subject));
            shorts.min_by_key(|short| short.len()).map(str::to_owned)
        };
        Self {
            run_short: runs.show(&gate.run).to_owned(),
            subject_short: gate.subject.as_ref().and_then(short),
            run: gate.run,
            stage: gate.stage,
            visit: gate.visit,
            question: gate.question,
            shows: gate.shows,
            subject: gate.subject,
            opened_at: gate.opened_at,
            expires_at: gate.expires_at,
            decision: gate.decision,
            part: gate.part,
            feedback: gate.feedback,
            decided_by: gate.decided_by,
            decided_at: gate.decided_at,
        }
    }
}
