//! A plugin's transaction: a task owns its connection, so that it rolls back when the plugin
//! drops it, forgets it, takes too long or traps.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::admission::AdmittedStatement;
use super::session::Budgeted;
use super::write_pauses::{self, Idle, Pauses};
use super::{BorrowedSession, GrantedDatabase, Mode, QueryLimits};
use crate::store::sqlite::{GuestsPermit, kept_waiting};
use crate::store::{StoreError, StoreErrorKind};
use crate::value::{Rows, Statement};

/// A transaction that is under way.
pub struct GrantedTransaction {
    database: GrantedDatabase,
    commands: mpsc::Sender<TransactionCommand>,
    /// Why it ended before it was asked to.
    ended: Arc<OnceLock<StoreError>>,
}

/// A statement that may run, or why it may not, which spoils the transaction as well.
type Admission = Result<AdmittedStatement, StoreError>;
type TransactionReply<T> = oneshot::Sender<Result<T, StoreError>>;

enum TransactionCommand {
    Query(Admission, QueryLimits, TransactionReply<Rows>),
    Execute(Admission, Duration, TransactionReply<u64>),
    Commit(TransactionReply<()>),
}

impl GrantedTransaction {
    pub(super) fn start(
        borrowed: BorrowedSession,
        permit: Option<GuestsPermit>,
        (longest, idle): (Duration, Idle),
    ) -> Self {
        let database = borrowed.database.clone();
        let (commands, receiver) = mpsc::channel(1);
        let ended = Arc::new(OnceLock::new());
        let why = Arc::clone(&ended);
        let served = database.clone();
        // Only who keeps all others from writing has to hurry.
        let pauses = permit.is_some().then(|| Pauses::of(idle));
        tokio::spawn(async move {
            let began = Instant::now();
            let waited = serve(borrowed, receiver, (began + longest, pauses), &why).await;
            served.rest(waited.max(kept_waiting(began.elapsed())));
            drop(permit);
        });
        Self {
            database,
            commands,
            ended,
        }
    }

    /// Rows of a statement, which may change rows if it gives what it changed.
    pub async fn query(
        &mut self,
        statement: Statement,
        limits: QueryLimits,
    ) -> Result<Rows, StoreError> {
        let asked = self.database.check(statement, Mode::Write).await;
        self.ask(|answer| TransactionCommand::Query(asked, limits, answer))
            .await
    }

    /// Run a statement; gives the rows touched.
    pub async fn execute(
        &mut self,
        statement: Statement,
        timeout: Duration,
    ) -> Result<u64, StoreError> {
        let asked = self.database.check(statement, Mode::Write).await;
        self.run(asked, timeout).await
    }

    /// Run what was checked before.
    pub(super) async fn run(
        &mut self,
        asked: Admission,
        timeout: Duration,
    ) -> Result<u64, StoreError> {
        self.ask(|answer| TransactionCommand::Execute(asked, timeout, answer))
            .await
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        self.ask(TransactionCommand::Commit).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(TransactionReply<T>) -> TransactionCommand,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.commands
            .send(command(answer))
            .await
            .map_err(|_| self.over())?;
        answered.await.map_err(|_| self.over())?
    }

    fn over(&self) -> StoreError {
        self.ended.get().cloned().unwrap_or_else(over)
    }
}

fn over() -> StoreError {
    let text = "the transaction took too long and was rolled back; do less in one (on SQLite, where nobody else can write meanwhile, it has 8 s), or raise `statement_seconds` under [limits.\"*\"], or under the plugin's own table, in callboard.toml";
    StoreError::new(StoreErrorKind::Timeout, text)
}

fn spoiled() -> StoreError {
    let text =
        "a statement of the transaction failed, so all of it was rolled back; begin another one";
    StoreError::new(StoreErrorKind::Statement, text)
}

/// Gives how long it waited for its guest, where that has to be short.
async fn serve(
    mut borrowed: BorrowedSession,
    mut commands: mpsc::Receiver<TransactionCommand>,
    (deadline, pauses): (Instant, Option<Pauses>),
    why: &OnceLock<StoreError>,
) -> Duration {
    let mut kept = ActiveTransaction {
        borrowed: &mut borrowed,
        pauses,
        spoiled: false,
    };
    let asked = kept.serve(&mut commands, deadline, why).await;
    commands.close();
    let waited = kept
        .pauses
        .as_ref()
        .map_or(Duration::ZERO, |pauses| pauses.spent);
    let result = match asked {
        Some(answer) => kept.commit(answer).await,
        None => kept.command("ROLLBACK").await,
    };
    drop(borrowed.end(result).await);
    waited
}

/// The transaction on its connection.
struct ActiveTransaction<'a> {
    borrowed: &'a mut BorrowedSession,
    pauses: Option<Pauses>,
    /// Whether a statement failed. PostgreSQL commits nothing then and says that it did.
    spoiled: bool,
}

impl ActiveTransaction<'_> {
    /// Do what is asked until it ends; gives whom to tell of the commit.
    async fn serve(
        &mut self,
        commands: &mut mpsc::Receiver<TransactionCommand>,
        deadline: Instant,
        why: &OnceLock<StoreError>,
    ) -> Option<TransactionReply<()>> {
        loop {
            let command = self.next(commands, deadline, why).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            match command {
                TransactionCommand::Commit(answer) => return Some(answer),
                TransactionCommand::Query(asked, mut limits, answer) => {
                    limits.timeout = limits.timeout.min(left);
                    let rows = self.query(asked, limits).await;
                    self.spoiled |= rows.is_err();
                    drop(answer.send(rows));
                }
                TransactionCommand::Execute(asked, timeout, answer) => {
                    let touched = self.execute(asked, timeout.min(left)).await;
                    self.spoiled |= touched.is_err();
                    drop(answer.send(touched));
                }
            }
        }
    }

    /// What is asked next; nothing, if the guest has gone or takes too long.
    async fn next(
        &mut self,
        commands: &mut mpsc::Receiver<TransactionCommand>,
        deadline: Instant,
        why: &OnceLock<StoreError>,
    ) -> Option<TransactionCommand> {
        let began = Instant::now();
        let pauses = self.pauses.as_mut();
        let patience = pauses.as_ref().map(|pauses| began + pauses.longest());
        let until = patience.map_or(deadline, |patience| patience.min(deadline));
        let command = tokio::time::timeout_at(until, commands.recv()).await;
        if let Some(pauses) = pauses {
            pauses.spend(began.elapsed());
        }
        if command.is_err() && until < deadline {
            // Before the channel is closed: a call that asks then is told why.
            why.set(write_pauses::idled()).ok();
        }
        command.ok()?
    }

    async fn query(&mut self, asked: Admission, limits: QueryLimits) -> Result<Rows, StoreError> {
        let mut rows = Budgeted::new(limits);
        let each = &mut |columns: &[String], row| rows.add(columns, row);
        let session = self.borrowed.session()?;
        let bounds = (limits.timeout, limits.bytes);
        session.each(asked?, Mode::Write, bounds, each).await?;
        Ok(rows.rows())
    }

    async fn execute(&mut self, asked: Admission, timeout: Duration) -> Result<u64, StoreError> {
        self.borrowed.session()?.execute(asked?, timeout).await
    }

    /// Commit, and say what came of it. An answer that cannot be sent means that the call has gone;
    /// the commit stands.
    async fn commit(&mut self, answer: TransactionReply<()>) -> Result<(), StoreError> {
        if self.spoiled {
            let result = self.command("ROLLBACK").await;
            drop(answer.send(Err(spoiled())));
            return result;
        }
        let store = self.borrowed.database.shared.store.clone();
        // On both sides, as for what the host writes: the file may be another one by now.
        if let Err(lost) = store.in_place().await {
            let result = self.command("ROLLBACK").await;
            drop(answer.send(Err(lost)));
            return result;
        }
        let result = self.command("COMMIT").await;
        let result = match store.in_place().await {
            Ok(()) => result,
            lost => lost,
        };
        drop(answer.send(result.clone()));
        result.map_err(|_| over())
    }

    async fn command(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.borrowed.session()?.command(sql).await
    }
}
