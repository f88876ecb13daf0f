//! A plugin's transaction: a task owns its connection, so that it rolls back when the plugin
//! drops it, forgets it, takes too long or traps.

use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::Instant;

use super::session::Budgeted;
use super::{Lease, Mode, QueryLimits};
use crate::store::{StoreError, StoreErrorKind};
use crate::value::{Rows, Statement};

/// A transaction that is under way.
pub struct GrantedTransaction {
    commands: mpsc::Sender<Command>,
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

enum Command {
    Query(Statement, QueryLimits, Answer<Rows>),
    Execute(Statement, Duration, Answer<u64>),
    Commit(Answer<()>),
}

impl GrantedTransaction {
    pub(super) fn start(
        lease: Lease,
        gate: Option<OwnedSemaphorePermit>,
        longest: Duration,
    ) -> Self {
        let (commands, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            serve(lease, receiver, Instant::now() + longest).await;
            drop(gate);
        });
        Self { commands }
    }

    /// Rows of a statement, which may change rows if it gives what it changed.
    pub async fn query(
        &mut self,
        statement: Statement,
        limits: QueryLimits,
    ) -> Result<Rows, StoreError> {
        self.ask(|answer| Command::Query(statement, limits, answer))
            .await
    }

    /// Run a statement; gives the rows touched.
    pub async fn execute(
        &mut self,
        statement: Statement,
        timeout: Duration,
    ) -> Result<u64, StoreError> {
        self.ask(|answer| Command::Execute(statement, timeout, answer))
            .await
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        self.ask(Command::Commit).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.commands
            .send(command(answer))
            .await
            .map_err(|_| over())?;
        answered.await.map_err(|_| over())?
    }
}

fn over() -> StoreError {
    let text = "the transaction took too long and was rolled back; do less in one, or raise `statement_seconds` under [limits] in callboard.toml";
    StoreError::new(StoreErrorKind::Timeout, text)
}

async fn serve(mut lease: Lease, mut commands: mpsc::Receiver<Command>, deadline: Instant) {
    let committed = serve_until(&mut lease, &mut commands, deadline).await;
    commands.close();
    let result = match committed {
        Some(answer) => {
            let result = commit(&mut lease).await;
            let sound = result.is_ok();
            // Nobody to answer means that the call has gone; the commit stands.
            drop(answer.send(result));
            if sound { Ok(()) } else { Err(over()) }
        }
        None => roll_back(&mut lease).await,
    };
    drop(lease.end(result));
}

/// Do what is asked until it ends; gives whom to tell of the commit.
async fn serve_until(
    lease: &mut Lease,
    commands: &mut mpsc::Receiver<Command>,
    deadline: Instant,
) -> Option<Answer<()>> {
    loop {
        let command = tokio::time::timeout_at(deadline, commands.recv())
            .await
            .ok()??;
        let left = deadline.saturating_duration_since(Instant::now());
        let session = lease.session().ok()?;
        match command {
            Command::Commit(answer) => return Some(answer),
            Command::Query(statement, mut limits, answer) => {
                limits.timeout = limits.timeout.min(left);
                let mut rows = Budgeted::new(limits);
                let each = &mut |columns: &[String], row| rows.add(columns, row);
                let result = session
                    .each(statement, Mode::Write, limits.timeout, each)
                    .await;
                drop(answer.send(result.map(|()| rows.rows())));
            }
            Command::Execute(statement, timeout, answer) => {
                drop(answer.send(session.execute(statement, timeout.min(left)).await));
            }
        }
    }
}

async fn commit(lease: &mut Lease) -> Result<(), StoreError> {
    lease.session()?.command("COMMIT").await
}

async fn roll_back(lease: &mut Lease) -> Result<(), StoreError> {
    lease.session()?.command("ROLLBACK").await
}
