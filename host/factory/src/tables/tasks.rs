//! `tasks`: pieces of content to be made, each about one subject.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use callboard_core::store::gates::Gate;
use callboard_core::store::runs::RunStatus;
use callboard_core::store::tenants::EndedRun;
use callboard_core::store::unreadable::ListEntry;
use callboard_core::store::{Dialect, Store, StoreError, batch};
use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, select};

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "tasks")]
pub struct Task {
    pub id: String,
    /// What it is about, once: `dev_diary:<identity>:<day>`.
    pub subject: String,
    /// The title of its newest draft.
    pub topic: String,
    /// The run that made its newest draft.
    pub run: String,
    pub status: TaskStatus,
    #[serde(with = "micros")]
    pub created_at: Timestamp,
    #[serde(with = "micros")]
    pub updated_at: Timestamp,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskStatus {
    Drafted,
    AwaitingApproval,
    Rejected,
    /// Its run ended before it was settled.
    Halted,
    Published,
}

impl TaskStatus {
    /// Its name in the database and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            TaskStatus::Drafted => "drafted",
            TaskStatus::AwaitingApproval => "awaiting-approval",
            TaskStatus::Rejected => "rejected",
            TaskStatus::Halted => "halted",
            TaskStatus::Published => "published",
        }
    }
}

/// The task of an id.
pub async fn by_id(store: &Store, id: &str) -> Result<Option<Task>, StoreError> {
    store.read_first(select("WHERE id = $1").bind(id)).await
}

/// Tasks, newest first, of one status or of all, with those that cannot be read.
pub async fn list(
    store: &Store,
    status: Option<TaskStatus>,
    limit: u32,
) -> Result<Vec<ListEntry<Task>>, StoreError> {
    let query = match status {
        Some(status) => {
            let of = select("WHERE status = $1 ORDER BY created_at DESC, id LIMIT $2");
            of.bind(status.name())
        }
        None => select("ORDER BY created_at DESC, id LIMIT $1"),
    };
    store.entries("id", query.bind(limit)).await
}

/// The task that a run makes, if there is one.
pub async fn of_run(store: &Store, run: &str) -> Result<Option<Task>, StoreError> {
    let query = select("WHERE run = $1 ORDER BY updated_at DESC LIMIT 1");
    store.read_first(query.bind(run)).await
}

/// The task about a subject.
pub fn about(subject: &str) -> Query<Task> {
    select("WHERE subject = $1").bind(subject)
}

/// Insert a task. A subject that has one already breaks a constraint.
pub fn insert(task: &Task) -> Statement {
    Statement::insert(task)
}

/// Give a task a new topic, run and status; not once it is published.
pub fn renew(task: &Task) -> Statement {
    let sql = "UPDATE tasks SET topic = :topic, run = :run, status = :status, \
            updated_at = :updated_at \
        WHERE id = :id AND status <> 'published'";
    Statement::named(sql, task)
}

/// Move a task to a status; a published one stays published.
pub fn set_status(id: &str, status: TaskStatus, now: Timestamp) -> Statement {
    let sql = "UPDATE tasks SET status = $2, updated_at = $3 \
        WHERE id = $1 AND status <> 'published'";
    Statement::new(sql).bind(id).bind(status.name()).bind(now)
}

/// Take up the tasks that ended with a run that goes on again.
pub(super) fn run_reopened(run: &str, dialect: Dialect) -> Vec<Statement> {
    let now = batch::now(dialect);
    let sql = format!(
        "UPDATE tasks SET status = 'drafted', updated_at = {now} \
        WHERE run = $1 AND status IN ('halted', 'rejected')"
    );
    vec![Statement::new(sql).bind(run)]
}

/// A drafted task stands before a gate from now on.
pub(super) fn gate_opened(gate: &Gate, dialect: Dialect) -> Vec<Statement> {
    let Some(task) = &gate.subject else {
        return Vec::new();
    };
    let now = batch::now(dialect);
    let sql = format!(
        "UPDATE tasks SET status = 'awaiting-approval', updated_at = {now} \
        WHERE id = $1 AND status = 'drafted'"
    );
    vec![Statement::new(sql).bind(task)]
}

/// A task whose run did not finish it is not left as if a run worked on it.
pub(super) fn runs_ended(
    ended: &[EndedRun<'_>],
    dialect: Dialect,
) -> Result<Vec<Statement>, StoreError> {
    let left: Vec<Left<'_>> = ended.iter().filter_map(Left::by).collect();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let columns = [("run", "text"), ("status", "text")];
    let (table, now) = (batch::table(dialect, &columns), batch::now(dialect));
    let sql = format!(
        "UPDATE tasks SET status = batch.status, updated_at = {now} FROM {table} \
        WHERE tasks.run = batch.run AND tasks.status IN ('drafted', 'awaiting-approval')"
    );
    Ok(vec![Statement::new(sql).bind(batch::rows(&left)?)])
}

/// What becomes of the tasks of a run that ended without them.
#[derive(Serialize)]
struct Left<'r> {
    run: &'r str,
    status: TaskStatus,
}

impl<'r> Left<'r> {
    fn by(ended: &EndedRun<'r>) -> Option<Self> {
        let status = match ended.status {
            RunStatus::Done | RunStatus::NothingToDo => return None,
            RunStatus::Rejected => TaskStatus::Rejected,
            _ => TaskStatus::Halted,
        };
        let run = ended.run;
        Some(Self { run, status })
    }
}
