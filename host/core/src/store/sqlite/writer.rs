//! The one who writes: what waits is committed together, as long as the file is the one at its path.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{Semaphore, mpsc};

use super::place::DatabaseFile;
use super::turns::{PluginTurn, Turns};
use super::{locked, opening};
use crate::store::{StoreError, StoreErrorKind};

/// Jobs that share one commit at most.
const GROUP: usize = 256;

/// One transaction's work, and how to tell its caller what came of the commit.
pub(super) struct Job {
    pub(super) work: WriterJob,
    pub(super) answer: WriterReply,
    /// Of a plugin: it shares its commit with no other, and others go first after it.
    pub(super) turn: Option<PluginTurn>,
}

/// Says whether what it changed stays.
pub(super) type WriterJob =
    Box<dyn for<'t> FnOnce(&'t mut SqliteConnection) -> BoxFuture<'t, bool> + Send>;
pub(super) type WriterReply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Where jobs are handed in: the host's, and those of plugins.
pub(super) struct Senders {
    hosts: mpsc::Sender<Job>,
    plugins: mpsc::Sender<Job>,
}

impl Senders {
    /// Where a job belongs.
    pub(super) fn of(&self, job: &Job) -> mpsc::Sender<Job> {
        let sender = if job.turn.is_some() {
            &self.plugins
        } else {
            &self.hosts
        };
        sender.clone()
    }
}

/// The jobs that wait.
pub(super) struct WaitingJobs {
    hosts: mpsc::Receiver<Job>,
    plugins: mpsc::Receiver<Job>,
    /// A plugin's that came while others go first.
    aside: Option<Job>,
    turns: Arc<Turns>,
}

/// Room for so many `jobs` of each kind.
pub(super) fn queues(jobs: usize, turns: Arc<Turns>) -> (Senders, WaitingJobs) {
    let (hosts, of_hosts) = mpsc::channel(jobs);
    let (plugins, of_plugins) = mpsc::channel(jobs);
    let waiting = WaitingJobs {
        hosts: of_hosts,
        plugins: of_plugins,
        aside: None,
        turns,
    };
    (Senders { hosts, plugins }, waiting)
}

impl WaitingJobs {
    /// What is done next; nothing, if no sender is left.
    async fn next(&mut self) -> Option<Job> {
        let rest = self.turns.rest_of_guests();
        tokio::select! {
            () = tokio::time::sleep(rest), if self.aside.is_some() => self.aside.take(),
            Some(job) = self.hosts.recv() => Some(job),
            Some(job) = self.plugins.recv(), if self.aside.is_none() => Some(job),
            else => None,
        }
    }

    /// Whether a job is to wait for others, which is told once no other process can write.
    fn others_first(&self, job: &Job) -> bool {
        job.turn.is_some() && !self.turns.rest_of_guests().is_zero()
    }
}

/// Do what comes, one group after the other, until no sender is left.
pub(super) async fn write_jobs(
    connection: SqliteConnection,
    mut waiting: WaitingJobs,
    gate: Arc<Semaphore>,
    (options, place): (SqliteConnectOptions, Arc<DatabaseFile>),
) {
    let mut healthy = Some(connection);
    while let Some(first) = waiting.next().await {
        let Ok(permit) = gate.acquire().await else {
            break;
        };
        if waiting.others_first(&first) {
            waiting.aside = Some(first);
            continue;
        }
        let connection = match healthy.take() {
            Some(connection) => Ok(connection),
            // A connection to another file would bring a log into it that is not its own.
            None => match place.check().await {
                Ok(()) => opening::connect(&options).await,
                Err(lost) => Err(lost),
            },
        };
        match connection {
            Ok(connection) => {
                healthy = write_group(connection, first, &mut waiting.hosts, &place).await;
            }
            Err(error) => (first.answer)(Err(error)),
        }
        drop(permit);
    }
    if let Some(connection) = healthy {
        connection.close().await.ok();
    }
}

/// Commit the jobs that are waiting together and tell their callers. Gives the connection
/// back unless it may have lost track of its transaction.
async fn write_group(
    mut connection: SqliteConnection,
    mut first: Job,
    receiver: &mut mpsc::Receiver<Job>,
    place: &DatabaseFile,
) -> Option<SqliteConnection> {
    let mut answers = Vec::new();
    let turn = first.turn.take();
    let result = run_group(
        &mut connection,
        first,
        turn,
        (receiver, place),
        &mut answers,
    )
    .await;
    let healthy = if result.is_ok() {
        Some(connection)
    } else {
        // Before the answers: a caller that tries again must not meet this transaction.
        connection.close().await.ok();
        None
    };
    for answer in answers {
        answer(result.clone());
    }
    healthy
}

/// Run the jobs that are waiting, each in a savepoint of one transaction, or the one that has a `turn`.
async fn run_group(
    connection: &mut SqliteConnection,
    first: Job,
    mut turn: Option<PluginTurn>,
    (receiver, place): (&mut mpsc::Receiver<Job>, &DatabaseFile),
    answers: &mut Vec<WriterReply>,
) -> Result<(), StoreError> {
    answers.push(first.answer);
    let mut transaction = locked::begin(connection, place.path()).await?;
    turn.iter_mut().for_each(PluginTurn::begin);
    // The first has the transaction to itself: if it fails, there is nothing else to keep.
    let kept = AssertUnwindSafe((first.work)(&mut transaction))
        .catch_unwind()
        .await;
    if !kept.unwrap_or(false) {
        return transaction.rollback().await.map_err(gone);
    }
    let mut next = match &turn {
        Some(_) => None,
        None => receiver.try_recv().ok(),
    };
    while let Some(job) = next.take() {
        answers.push(job.answer);
        in_savepoint(&mut transaction, job.work).await?;
        if answers.len() < GROUP {
            next = receiver.try_recv().ok();
        }
    }
    // What is kept in a file that is not there any more is kept nowhere; and what is kept in one that
    // was put there meanwhile may spoil it.
    place.check().await?;
    transaction.commit().await?;
    place.check().await
}

/// Run one job. An error says that the transaction of the whole group has gone.
async fn in_savepoint(
    connection: &mut SqliteConnection,
    work: WriterJob,
) -> Result<(), StoreError> {
    let mut savepoint = connection.begin().await.map_err(gone)?;
    // A job that panics is one that failed; the writer goes on.
    let keep = AssertUnwindSafe(work(&mut savepoint)).catch_unwind().await;
    if keep.unwrap_or(false) {
        savepoint.commit().await.map_err(gone)
    } else {
        savepoint.rollback().await.map_err(gone)
    }
}

/// A statement of one job, e.g. `INSERT OR ROLLBACK`, or a full disk ended the transaction of
/// all. The others did nothing wrong and may try again.
fn gone(error: sqlx::Error) -> StoreError {
    let error = StoreError::from(error);
    match error.kind {
        StoreErrorKind::Statement | StoreErrorKind::Internal => StoreError::new(
            StoreErrorKind::Busy,
            format!(
                "another job of the same commit ended the transaction ({}); nothing was written",
                error.message
            ),
        ),
        _ => error,
    }
}
