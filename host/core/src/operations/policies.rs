//! Policies: the upkeep of the active revision.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::runs::{self, RunView, Start, millis};
use super::schedules::ScheduleBoard;
use super::{OperationError, named};
use crate::app::App;
use crate::outcome::Patch;
use crate::policy::{self, Policy};
use crate::store::{effects, policy_runs};

pub use crate::store::effects::LedgerEntry;
pub use crate::store::policy_runs::PolicyRun;

/// A definition of upkeep, and how it fares.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Policy")]
pub struct PolicyView {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The handler that it runs.
    pub handler: String,
    /// The table that it keeps in shape.
    pub table: String,
    /// How long it waits after one run before the next; it has this or schedules.
    pub every_ms: Option<u64>,
    /// When it runs, for a person: `24h`, or `at 06:00, Europe/Berlin`.
    pub cadence: String,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// How its last run ended, by itself or by hand.
    pub last: Option<PolicyRun>,
    /// When it runs next by itself; nothing before a worker has seen it.
    pub next_at: Option<Timestamp>,
    /// What it achieved.
    pub ledger: Option<LedgerEntry>,
}

/// Every policy, by name.
pub async fn list(app: &App) -> Result<Vec<PolicyView>, OperationError> {
    let loaded = app.active().await?;
    let fares = Fares {
        last: policy_runs::all(app.store()).await?,
        clock: ScheduleBoard::of(app).await?,
        ledger: effects::all(app.store()).await?,
    };
    let policies = loaded.definitions.policies.values();
    let view = |policy| PolicyView::of(policy, &fares);
    Ok(policies.map(|defined| view(&defined.value)).collect())
}

/// Queue a run of a policy, whatever its cadence. A worker takes it, or
/// [`carry_out`](super::runs::carry_out()).
pub async fn run(app: &App, name: &str) -> Result<RunView, OperationError> {
    let loaded = app.active().await?;
    let policies = &loaded.definitions.policies;
    if !policies.contains_key(name) {
        let known = policies.keys().map(String::as_str);
        let list = "callboard policies list";
        return Err(named::unknown("policy", name, known, list));
    }
    let start = Start {
        pipeline: &policy::pipeline(name),
        input: Patch::new(),
        folder: Path::new(""),
    };
    runs::start(app, start).await
}

/// How the policies fare.
struct Fares {
    last: BTreeMap<String, PolicyRun>,
    clock: ScheduleBoard,
    ledger: Vec<LedgerEntry>,
}

impl PolicyView {
    fn of(policy: &Policy, fares: &Fares) -> Self {
        let name = policy.name.get_ref();
        let pipeline = policy::pipeline(name);
        let handler = policy.handler.get_ref();
        let mut ledger = fares.ledger.iter();
        let entry = ledger.find(|entry| entry.pipeline == pipeline && entry.handler == *handler);
        Self {
            name: name.clone(),
            description: policy.description.clone(),
            handler: handler.clone(),
            table: policy.table.get_ref().clone(),
            every_ms: policy.every.map(|every| millis(every.0)),
            cadence: policy.cadence(),
            enabled: policy.enabled,
            last: fares.last.get(name).cloned(),
            next_at: fares.clock.next_of(&pipeline),
            ledger: entry.cloned(),
        }
    }
}
