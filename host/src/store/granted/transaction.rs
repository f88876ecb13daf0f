//! A plugin's transaction: a task owns its connection, so that it rolls back when the plugin
//! drops it, forgets it, takes too long or traps.

use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::Instant;

use super::admission::Checked;
use super::session::Budgeted;
use super::{BorrowedSession, GrantedDatabase, Mode, QueryLimits};
use crate::store::{StoreError, StoreErrorKind};
use crate::value::{Rows, Statement};

/// A transaction that is under way.
pub struct GrantedTransaction {
    database: GrantedDatabase,
    commands: mpsc::Sender<Command>,
}

/// A statement that may run, or why it may not, which spoils the transaction as well.
type Asked = Result<Checked, StoreError>;
type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

enum Command {
    Query(Asked, QueryLimits, Answer<Rows>),
    Execute(Asked, Duration, Answer<u64>),
    Commit(Answer<()>),
}

impl GrantedTransaction {
    pub(super) fn start(
        borrowed: BorrowedSession,
        gate: Option<OwnedSemaphorePermit>,
        longest: Duration,
    ) -> Self {
        let database = borrowed.database.clone();
        let (commands, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            serve(borrowed, receiver, Instant::now() + longest).await;
            drop(gate);
        });
        Self { database, commands }
    }

    /// Rows of a statement, which may change rows if it gives what it changed.
    pub async fn query(
        &mut self,
        statement: Statement,
        limits: QueryLimits,
    ) -> Result<Rows, StoreError> {
        let asked = self.database.check(statement, Mode::Write);
        self.ask(|answer| Command::Query(asked, limits, answer))
            .await
    }

    /// Run a statement; gives the rows touched.
    pub async fn execute(
        &mut self,
        statement: Statement,
        timeout: Duration,
    ) -> Result<u64, StoreError> {
        self.run(self.database.check(statement, Mode::Write), timeout)
            .await
    }

    /// Run what was checked before.
    pub(super) async fn run(&mut self, asked: Asked, timeout: Duration) -> Result<u64, StoreError> {
        self.ask(|answer| Command::Execute(asked, timeout, answer))
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

fn spoiled() -> StoreError {
    let text =
        "a statement of the transaction failed, so all of it was rolled back; begin another one";
    StoreError::new(StoreErrorKind::Statement, text)
}

async fn serve(
    mut borrowed: BorrowedSession,
    mut commands: mpsc::Receiver<Command>,
    deadline: Instant,
) {
    let mut kept = Kept {
        borrowed: &mut borrowed,
        spoiled: false,
    };
    let asked = kept.serve(&mut commands, deadline).await;
    commands.close();
    let result = match asked {
        Some(answer) => kept.commit(answer).await,
        None => kept.command("ROLLBACK").await,
    };
    drop(borrowed.end(result).await);
}

/// The transaction on its connection.
struct Kept<'a> {
    borrowed: &'a mut BorrowedSession,
    /// Whether a statement failed. PostgreSQL commits nothing then and says that it did.
    spoiled: bool,
}

impl Kept<'_> {
    /// Do what is asked until it ends; gives whom to tell of the commit.
    async fn serve(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        deadline: Instant,
    ) -> Option<Answer<()>> {
        loop {
            let command = tokio::time::timeout_at(deadline, commands.recv());
            let command = command.await.ok()??;
            let left = deadline.saturating_duration_since(Instant::now());
            match command {
                Command::Commit(answer) => return Some(answer),
                Command::Query(asked, mut limits, answer) => {
                    limits.timeout = limits.timeout.min(left);
                    let rows = self.query(asked, limits).await;
                    self.spoiled |= rows.is_err();
                    drop(answer.send(rows));
                }
                Command::Execute(asked, timeout, answer) => {
                    let touched = self.execute(asked, timeout.min(left)).await;
                    self.spoiled |= touched.is_err();
                    drop(answer.send(touched));
                }
            }
        }
    }

    async fn query(&mut self, asked: Asked, limits: QueryLimits) -> Result<Rows, StoreError> {
        let mut rows = Budgeted::new(limits);
        let each = &mut |columns: &[String], row| rows.add(columns, row);
        let session = self.borrowed.session()?;
        let bounds = (limits.timeout, limits.bytes);
        session.each(asked?, Mode::Write, bounds, each).await?;
        Ok(rows.rows())
    }

    async fn execute(&mut self, asked: Asked, timeout: Duration) -> Result<u64, StoreError> {
        self.borrowed.session()?.execute(asked?, timeout).await
    }

    /// Commit, and say what came of it. Nobody to answer means that the call has gone; the
    /// commit stands.
    async fn commit(&mut self, answer: Answer<()>) -> Result<(), StoreError> {
        if self.spoiled {
            let result = self.command("ROLLBACK").await;
            drop(answer.send(Err(spoiled())));
            return result;
        }
        let result = self.command("COMMIT").await;
        drop(answer.send(result.clone()));
        result.map_err(|_| over())
    }

    async fn command(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.borrowed.session()?.command(sql).await
    }
}
