//! `tasks`: pieces of content to be made, each about one subject.

pub mod transitions;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use callboard_core::handler::SETTLED_BY;
use callboard_core::store::gates::{Gate, NOBODY};
use callboard_core::store::runs::RunStatus;
use callboard_core::store::tenants::{DecidedGate, EndedRun};
use callboard_core::store::{Dialect, StoreError, StoreErrorKind, Transaction, TransactionWork};
use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, Value, select};

pub use self::transitions::{TASKS, TaskEvent, TaskStatus};
use super::drafts::{self, DraftOrigin};
use super::transitions::{At, EndedStep, Happening, Set, StoredWord};

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "tasks")]
pub struct Task {
    pub id: String,
    /// The name that its asker gave it, so that asking twice makes one.
    pub key: Option<String>,
    /// What it is about, once: `dev_diary:<identity>:<day>`.
    pub subject: String,
    /// The topic that was asked for; none, if a pipeline came to it by itself.
    pub asked: String,
    /// The title of its newest draft, or what was asked for.
    pub topic: String,
    /// The run that makes it.
    pub run: String,
    /// The pipeline of that run.
    pub pipeline: String,
    /// The number of the draft that is published once its run comes to that; 0 as long as there is
    /// none.
    pub draft: i64,
    pub status: TaskStatus,
    #[serde(with = "micros")]
    pub created_at: Timestamp,
    #[serde(with = "micros")]
    pub updated_at: Timestamp,
}

impl Task {
    /// Why a run can make no draft of its subject, if it can't. Whether the run has a task of its own
    /// decides: one without takes over what was settled without a post.
    pub fn taken(&self, has_own: bool) -> Option<String> {
        let (subject, short) = (&self.subject, &self.id[..self.id.len().min(8)]);
        Some(match self.status {
            TaskStatus::Published => format!("{subject} is published already"),
            TaskStatus::Rejected | TaskStatus::Halted | TaskStatus::Cancelled if !has_own => {
                return None;
            }
            TaskStatus::Rejected | TaskStatus::Halted | TaskStatus::Cancelled => format!(
                "{subject} has a task already, which is {}: `callboard tasks retry {short}` goes on with it, and \
                 `callboard run {}` with the input of its run takes it over",
                self.status.word(),
                self.pipeline
            ),
            _ if has_own => {
                format!("{subject} has a task already: `callboard tasks show {short}`")
            }
            TaskStatus::InProgress => {
                format!("run {} makes a draft of {subject} already", self.run)
            }
            TaskStatus::Approved => format!("{subject} is being published already"),
            _ => format!(
                "a draft of {subject} waits for approval already: `callboard tasks approve {short}`"
            ),
        })
    }
}

/// One move of a task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "task_history")]
pub struct TaskMove {
    /// Counted from 1.
    pub step: i64,
    /// Where it was; nowhere, if it began.
    pub from_status: Option<TaskStatus>,
    pub to_status: TaskStatus,
    pub event: TaskEvent,
    pub run: String,
    pub draft: i64,
    /// Who did it; empty, if it was its run.
    pub who: String,
    pub detail: String,
    #[serde(with = "micros")]
    pub at: Timestamp,
}

/// A new task: in what it is not given, it begins as `event` says.
#[derive(Debug, Clone, Copy)]
pub struct NewTask<'t> {
    pub id: &'t str,
    pub key: Option<&'t str>,
    pub subject: &'t str,
    pub asked: &'t str,
    pub topic: &'t str,
    pub run: &'t str,
    pub pipeline: &'t str,
    pub draft: i64,
}

/// The task of an id.
pub fn by_id(id: &str) -> Query<Task> {
    select("WHERE id = $1").bind(id)
}

/// The task that was asked for by a key.
pub fn by_key(key: &str) -> Query<Task> {
    select("WHERE key = $1").bind(key)
}

/// Tasks, newest first, of one status or of all.
pub fn newest(status: Option<TaskStatus>, limit: u32) -> Query<Task> {
    let query = match status {
        Some(status) => {
            let of = select("WHERE status = $1 ORDER BY created_at DESC, id LIMIT $2");
            of.bind(status.word())
        }
        None => select("ORDER BY created_at DESC, id LIMIT $1"),
    };
    query.bind(limit)
}

/// The task that a run makes, if there is one.
pub fn made_by(run: &str) -> Query<Task> {
    select("WHERE run = $1 ORDER BY updated_at DESC LIMIT 1").bind(run)
}

/// The task about a subject.
pub fn about(subject: &str) -> Query<Task> {
    select("WHERE subject = $1").bind(subject)
}

/// All that has happened to a task, oldest first.
pub fn history(task: &str) -> Query<TaskMove> {
    select("WHERE task = $1 ORDER BY step").bind(task)
}

/// The last that was done to the text of a task, or said of it by a person: whether there is a yes to the draft as
/// it stands is read from this, and from nothing else. That a run ended, and was taken up again, says
/// nothing of it.
pub fn last_word(task: &str) -> Query<TaskMove> {
    let words = [
        TaskEvent::Save,
        TaskEvent::Edit,
        TaskEvent::Illustrate,
        TaskEvent::Ask,
        TaskEvent::Withdraw,
        TaskEvent::Approve,
        TaskEvent::SendBack,
        TaskEvent::Reject,
    ];
    let of = "WHERE task = $1 AND event IN ($2, $3, $4, $5, $6, $7, $8, $9) \
        AND NOT (event = 'reject' AND who = '') ORDER BY step DESC LIMIT 1";
    let query = select(of).bind(task);
    words
        .into_iter()
        .map(StoredWord::word)
        .fold(query, Query::bind)
}

/// The last time that a run asked a person about a task.
pub fn asked(task: &str, run: &str) -> Query<TaskMove> {
    let asked = "WHERE task = $1 AND run = $2 AND event = $3 ORDER BY step DESC LIMIT 1";
    let query = select(asked).bind(task).bind(run);
    query.bind(TaskEvent::Ask.word())
}

/// What a person said at a gate about a task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Judgement {
    pub task: String,
    pub event: TaskEvent,
    /// Whose text it was said of; none, if there was no draft yet.
    pub origin: Option<DraftOrigin>,
}

/// What people said last about other tasks of the pipeline of a task, newest first. What was
/// settled without a person, or lapsed, says nothing of what people think.
pub fn judgements(task: &Task, most: u32) -> Query<Judgement> {
    let sql = "SELECT task_history.task, task_history.event, drafts.origin FROM task_history \
        JOIN tasks ON tasks.id = task_history.task \
        LEFT JOIN drafts ON drafts.task = task_history.task AND drafts.number = task_history.draft \
        WHERE task_history.event IN ($1, $2, $3) AND task_history.who NOT IN ('', $4) \
            AND task_history.who NOT LIKE $5 AND task_history.task <> $6 \
            AND tasks.pipeline = $7 \
        ORDER BY task_history.at DESC, task_history.step DESC LIMIT $8";
    let events = [TaskEvent::Approve, TaskEvent::Reject, TaskEvent::SendBack];
    let query = events.into_iter().map(StoredWord::word);
    let query = query.fold(Query::new(sql), Query::bind);
    query
        .bind(NOBODY)
        .bind(format!("{SETTLED_BY}%"))
        .bind(&task.id)
        .bind(&task.pipeline)
        .bind(most)
}

/// Begin a task. A subject or a key that has one already breaks a constraint.
///
/// # Panics
///
/// If nothing begins with the event.
pub fn insert(task: &NewTask<'_>, happening: &Happening<'_, TaskEvent>) -> [Statement; 2] {
    let status = TASKS.to(None, happening.event);
    let status = status.expect("a task begins with this event");
    let at = match happening.at {
        At::Moment(moment) => callboard_core::store::microseconds(moment),
        At::Clock(_) => callboard_core::store::microseconds(Timestamp::now()),
    };
    let sql = "INSERT INTO tasks (id, key, subject, asked, topic, run, pipeline, draft, status, \
            previous, step, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, 1, $10, $10)";
    let insert = Statement::new(sql)
        .bind(task.id)
        .bind(task.key.map_or(Value::Null, Value::from))
        .bind(task.subject)
        .bind(task.asked)
        .bind(task.topic)
        .bind(task.run)
        .bind(task.pipeline)
        .bind(task.draft)
        .bind(status.word())
        .bind(at);
    [insert, TASKS.note(("id", Value::from(task.id)), happening)]
}

/// Move a task, if the event is allowed where it is, with columns that change in the same moment.
pub fn step(id: &str, happening: &Happening<'_, TaskEvent>, set: Set<'_>) -> [Statement; 2] {
    TASKS.step(("id", Value::from(id)), happening, set)
}

/// The column by which a gate or a run finds its task.
fn of_gate(gate: &Gate) -> (&'static str, Value) {
    match &gate.subject {
        Some(task) => ("id", Value::from(task.as_str())),
        None => ("run", Value::from(gate.run.as_str())),
    }
}

/// Take up the tasks that ended with a run that goes on again.
pub(super) fn run_reopened(run: &str, dialect: Dialect) -> Vec<Statement> {
    let happening = Happening {
        event: TaskEvent::Resume,
        who: "",
        detail: "",
        at: At::Clock(dialect),
    };
    TASKS
        .step(("run", Value::from(run)), &happening, &[])
        .into()
}

/// A task stands before a gate from now on.
pub(super) fn gate_opened(gate: &Gate, dialect: Dialect) -> Vec<Statement> {
    let happening = Happening {
        event: TaskEvent::Ask,
        who: "",
        detail: &gate.question,
        at: At::Clock(dialect),
    };
    TASKS.step(of_gate(gate), &happening, &[]).into()
}

/// A question about a task needs no answer any more, and nobody gave one.
pub(super) fn gate_withdrawn(gate: &Gate, dialect: Dialect) -> Vec<Statement> {
    let happening = Happening {
        event: TaskEvent::Withdraw,
        who: "",
        detail: "its gate is not there any more",
        at: At::Clock(dialect),
    };
    TASKS.step(of_gate(gate), &happening, &[]).into()
}

/// What a person decided is what happened to the task. What is approved is the version that is
/// published, without a conflict in it, and the one that was looked at.
pub(super) fn gate_decided<'t>(
    transaction: &'t mut Transaction<'_>,
    decided: DecidedGate<'t>,
) -> TransactionWork<'t, ()> {
    Box::pin(async move {
        let (column, key) = of_gate(decided.gate);
        let task = select::<Task>(&format!("WHERE {column} = $1")).bind(key.clone());
        let Some(task) = transaction.read_first(task).await? else {
            return Ok(());
        };
        let verdict = decided.verdict;
        let event = match (decided.passed, decided.goes_back) {
            (true, _) => TaskEvent::Approve,
            (false, true) => TaskEvent::SendBack,
            (false, false) => TaskEvent::Reject,
        };
        if event == TaskEvent::Approve {
            approvable(transaction, &task, verdict.seen).await?;
        }
        let part = verdict.part.as_deref().map(|part| format!("{part}: "));
        let happening = Happening {
            event,
            who: &verdict.by,
            detail: &(part.unwrap_or_default() + &verdict.feedback),
            at: At::Clock(transaction.dialect()),
        };
        for statement in TASKS.step((column, key), &happening, &[]) {
            transaction.execute(statement).await?;
        }
        Ok(())
    })
}

async fn approvable(
    transaction: &mut Transaction<'_>,
    task: &Task,
    seen: Option<i64>,
) -> Result<(), StoreError> {
    let (id, number) = (&task.id, task.draft);
    let refused = |problem| Err(StoreError::new(StoreErrorKind::Constraint, problem));
    if let Some(seen) = seen.filter(|seen| *seen != number) {
        return refused(format!(
            "draft {number} of task {id} is newer than draft {seen}, which was looked at: \
            `callboard tasks diff {id}` shows what changed"
        ));
    }
    let conflicts = transaction
        .read_first(drafts::conflicts(id, number))
        .await?;
    match conflicts {
        Some(0) => Ok(()),
        // What has no draft yet is approved before one is made.
        None if number == 0 => Ok(()),
        None => refused(format!("draft {number} of task {id} is not there")),
        Some(some) => refused(format!(
            "draft {number} of task {id} has {some} unsettled conflicts between a person's text and \
            the pipeline's: settle them with `callboard tasks edit {id}`"
        )),
    }
}

/// A task whose run did not finish it is not left as if a run worked on it.
pub(super) fn runs_ended(
    ended: &[EndedRun<'_>],
    dialect: Dialect,
) -> Result<Vec<Statement>, StoreError> {
    let left = ended.iter().map(|it| EndedStep::of(it, left(it.status)));
    TASKS.ended(&left.collect::<Vec<_>>(), dialect)
}

/// What happens to the task of a run that ended.
fn left(status: RunStatus) -> TaskEvent {
    match status {
        RunStatus::Done | RunStatus::NothingToDo => TaskEvent::Finish,
        RunStatus::Rejected => TaskEvent::Reject,
        RunStatus::Cancelled => TaskEvent::Cancel,
        _ => TaskEvent::Halt,
    }
}
