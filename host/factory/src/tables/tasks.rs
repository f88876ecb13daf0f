//! `tasks`: pieces of content to be made, each about one subject.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use callboard_core::store::gates::Gate;
use callboard_core::store::runs::RunStatus;
use callboard_core::store::tenants::EndedRun;
use callboard_core::store::unreadable::{ListEntry, entries};
use callboard_core::store::{Dialect, Store, StoreError, batch, microseconds, timestamp};
use callboard_core::value::{ColumnError, Row, Rows, Statement};

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    pub id: String,
    /// What it is about, once: `dev_diary:<identity>:<day>`.
    pub subject: String,
    /// The title of its newest draft.
    pub topic: String,
    /// The run that made its newest draft.
    pub run: String,
    pub status: TaskStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
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

    /// The status of a name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            TaskStatus::Drafted,
            TaskStatus::AwaitingApproval,
            TaskStatus::Rejected,
            TaskStatus::Halted,
            TaskStatus::Published,
        ];
        all.into_iter().find(|status| status.name() == name)
    }
}

/// The task of an id.
pub async fn by_id(store: &Store, id: &str) -> Result<Option<Task>, StoreError> {
    let sql = "SELECT * FROM tasks WHERE id = $1";
    Ok(first(&store.query(Statement::new(sql).bind(id)).await?)?)
}

/// Tasks, newest first, of one status or of all, with those that cannot be read.
pub async fn list(
    store: &Store,
    status: Option<TaskStatus>,
    limit: u32,
) -> Result<Vec<ListEntry<Task>>, StoreError> {
    let statement = match status {
        Some(status) => Statement::new(
            "SELECT * FROM tasks WHERE status = $2 ORDER BY created_at DESC, id LIMIT $1",
        )
        .bind(limit)
        .bind(status.name()),
        None => {
            Statement::new("SELECT * FROM tasks ORDER BY created_at DESC, id LIMIT $1").bind(limit)
        }
    };
    Ok(entries(&store.query(statement).await?, "id", read))
}

/// The task that a run makes, if there is one.
pub async fn of_run(store: &Store, run: &str) -> Result<Option<Task>, StoreError> {
    let sql = "SELECT * FROM tasks WHERE run = $1 ORDER BY updated_at DESC LIMIT 1";
    Ok(first(&store.query(Statement::new(sql).bind(run)).await?)?)
}

/// The task about a subject.
pub async fn by_subject(store: &Store, subject: &str) -> Result<Option<Task>, StoreError> {
    Ok(first(&store.query(find_subject(subject)).await?)?)
}

/// Selects the task about a subject.
pub fn find_subject(subject: &str) -> Statement {
    Statement::new("SELECT * FROM tasks WHERE subject = $1").bind(subject)
}

/// Insert a task. A subject that has one already breaks a constraint.
pub fn insert(task: &Task) -> Statement {
    let sql = "INSERT INTO tasks (id, subject, topic, run, status, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    Statement::new(sql)
        .bind(&task.id)
        .bind(&task.subject)
        .bind(&task.topic)
        .bind(&task.run)
        .bind(task.status.name())
        .bind(microseconds(task.created_at))
        .bind(microseconds(task.updated_at))
}

/// Give a task a new topic, run and status; not once it is published.
pub fn renew(task: &Task) -> Statement {
    let sql = "UPDATE tasks SET topic = $2, run = $3, status = $4, updated_at = $5 \
        WHERE id = $1 AND status <> 'published'";
    Statement::new(sql)
        .bind(&task.id)
        .bind(&task.topic)
        .bind(&task.run)
        .bind(task.status.name())
        .bind(microseconds(task.updated_at))
}

/// Move a task to a status; a published one stays published.
pub fn set_status(id: &str, status: TaskStatus, now: Timestamp) -> Statement {
    let sql = "UPDATE tasks SET status = $2, updated_at = $3 \
        WHERE id = $1 AND status <> 'published'";
    Statement::new(sql)
        .bind(id)
        .bind(status.name())
        .bind(microseconds(now))
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

/// A task whose run did not finish it is not left as if somebody worked on it.
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
    status: &'static str,
}

impl<'r> Left<'r> {
    fn by(ended: &EndedRun<'r>) -> Option<Self> {
        let status = match ended.status {
            RunStatus::Done | RunStatus::NothingToDo => return None,
            RunStatus::Rejected => TaskStatus::Rejected,
            _ => TaskStatus::Halted,
        };
        Some(Self {
            run: ended.run,
            status: status.name(),
        })
    }
}

/// The first task in an answer.
pub fn first(rows: &Rows) -> Result<Option<Task>, ColumnError> {
    rows.first().map(task).transpose()
}

pub(super) fn read(row: Row<'_>) -> Result<Task, StoreError> {
    Ok(task(row)?)
}

fn task(row: Row<'_>) -> Result<Task, ColumnError> {
    let status = row.text("status")?;
    Ok(Task {
        id: row.text("id")?,
        subject: row.text("subject")?,
        topic: row.text("topic")?,
        run: row.text("run")?,
        status: TaskStatus::parse(&status).ok_or_else(|| ColumnError {
            column: "status".to_owned(),
            problem: format!("is no status of a task: `{status}`"),
        })?,
        created_at: timestamp(row.integer("created_at")?),
        updated_at: timestamp(row.integer("updated_at")?),
    })
}
