//! What reaches a run from outside, and what comes of it: one table, from which each statement
//! that steers a run asks its right. The state is read under the row's lock, so that it can't
//! change between the question and the write.

use super::{SteerRefusal, Steered};
use crate::store::leases::{RunSignals, StopRequest};
use crate::store::runs::RunStatus;
use crate::store::{Dialect, StoreError, Transaction, batch};
use crate::value::Query;

/// What can reach a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A gate of it is decided, by a person or because its time has passed.
    Decide,
    Cancel,
    Pause,
    Resume,
    Retry,
    Fork,
    Migrate,
}

/// All of them.
pub const SIGNALS: [Signal; 7] = [
    Signal::Decide,
    Signal::Cancel,
    Signal::Pause,
    Signal::Resume,
    Signal::Retry,
    Signal::Fork,
    Signal::Migrate,
];

/// How a run stands towards them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Queued,
    /// A worker carries it on.
    Running,
    /// Its worker is asked to pause it.
    Pausing,
    /// Its worker is asked to cancel it.
    Cancelling,
    /// The worker that takes it next cancels it: its worker fell silent before it did.
    Doomed,
    /// Its worker fell silent.
    Silent,
    Waiting,
    Gated,
    Paused,
    Blocked,
    Ended,
}

/// All of them.
pub const STATES: [RunState; 11] = [
    RunState::Queued,
    RunState::Running,
    RunState::Pausing,
    RunState::Cancelling,
    RunState::Doomed,
    RunState::Silent,
    RunState::Waiting,
    RunState::Gated,
    RunState::Paused,
    RunState::Blocked,
    RunState::Ended,
];

impl RunState {
    /// Of a status and what is asked; `held` says that a lease on the run has not run out.
    pub fn of(status: RunStatus, stop_request: Option<StopRequest>, held: bool) -> Self {
        use RunStatus::{
            Blocked, Cancelled, Done, Failed, Gated, NothingToDo, Paused, Queued, Rejected,
            Running, Unavailable, Waiting,
        };
        match (status, stop_request) {
            (Done | NothingToDo | Rejected | Unavailable | Failed | Cancelled, _) => Self::Ended,
            (_, Some(StopRequest::Cancel)) if held => Self::Cancelling,
            (_, Some(StopRequest::Cancel)) => Self::Doomed,
            (Running, _) if !held => Self::Silent,
            (Running, Some(StopRequest::Pause)) => Self::Pausing,
            (Running, None) => Self::Running,
            (Queued, _) => Self::Queued,
            (Waiting, _) => Self::Waiting,
            (Gated, _) => Self::Gated,
            (Paused, _) => Self::Paused,
            (Blocked, _) => Self::Blocked,
        }
    }
}

/// The table: what comes of a signal in a state.
pub fn answer(signal: Signal, state: RunState) -> Result<Steered, SteerRefusal> {
    use RunState::{
        Blocked, Cancelling, Doomed, Ended, Gated, Paused, Pausing, Queued, Running, Silent,
        Waiting,
    };
    use RunStatus as Status;
    use Signal::{Cancel, Decide, Fork, Migrate, Pause, Resume, Retry};
    use Steered::{Kept, Now, Told};
    let no = |why| Err(SteerRefusal::State(why));
    match (signal, state) {
        (Decide, Waiting | Gated) => Ok(Now(Status::Queued)),
        (Decide, Running | Pausing) => Ok(Told),
        (Decide, Queued | Silent | Paused | Blocked) => Ok(Kept),
        (Decide, Ended) => no("has ended; there is nothing to decide any more"),

        (Cancel, Running | Pausing | Cancelling) => Ok(Told),
        (Cancel, Queued | Doomed | Silent | Waiting | Gated | Paused | Blocked) => {
            Ok(Now(Status::Cancelled))
        }
        (Cancel, Ended) => no("has ended; there is nothing to cancel"),

        (Pause, Running | Pausing) => Ok(Told),
        (Pause, Queued | Silent | Waiting | Gated | Paused | Blocked) => Ok(Now(Status::Paused)),
        (Pause, Ended) => no("has ended; there is nothing to pause"),

        // It takes the pause back before it has come.
        (Resume, Pausing) => Ok(Told),
        (Resume, Queued | Silent | Waiting | Paused | Blocked) => Ok(Now(Status::Queued)),
        (Resume, Running) => Err(SteerRefusal::Held),
        (Resume, Gated) => no("stands before a gate; decide it with `callboard gates`"),
        (Resume, Ended) => no("has ended; to do a part of it again, `callboard runs retry`"),

        (Retry, Waiting | Paused | Blocked | Ended) => Ok(Now(Status::Queued)),
        (Retry, Running | Pausing | Silent) => no("is under way; pause it first"),
        (Retry, Queued) => no(
            "is queued, and goes on with a worker or `callboard runs resume`; to begin elsewhere, \
             pause it first",
        ),
        (Retry, Gated) => {
            no("stands before a gate; decide it with `callboard gates`, or pause the run first")
        }

        (Migrate, Paused) => Ok(Now(Status::Paused)),
        (Migrate, Queued | Waiting | Gated | Blocked) => Ok(Now(Status::Queued)),
        (Migrate, Running | Pausing | Silent) => no("is under way; pause it first"),
        (Migrate, Ended) => no(
            "has ended; start another on the new revision, or `callboard runs retry` it on its own",
        ),

        // A cancel stands.
        (Decide | Pause | Resume | Retry | Migrate, Cancelling | Doomed) => {
            no("is being cancelled")
        }

        // The run itself is left alone.
        (
            Fork,
            Queued | Running | Pausing | Cancelling | Doomed | Silent | Waiting | Gated | Paused
            | Blocked | Ended,
        ) => Ok(Now(Status::Queued)),
    }
}

/// A run under its lock.
pub(in crate::store) struct Locked {
    pub(in crate::store) fence: i64,
    pub(in crate::store) signals: i64,
    pub(in crate::store) state: RunState,
    /// The place of its newest checkpoint.
    pub(in crate::store) newest: i64,
}

/// Lock a run that has not ended; `None` if it has.
pub(in crate::store) async fn lock(
    transaction: &mut Transaction<'_>,
    run: &str,
) -> Result<Option<Locked>, StoreError> {
    let now = batch::now(transaction.dialect());
    let lock = match transaction.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => "FOR UPDATE",
    };
    let sql = format!(
        "SELECT status, status = 'running' AND lease_until > {now}, fence, \
            signals, stop_request, stop_detail \
        FROM open_runs WHERE id = $1 {lock}"
    );
    let query = Query::<(RunStatus, bool, i64, RunSignals)>::new(sql).bind(run);
    let Some((status, held, fence, told)) = transaction.read_first(query).await? else {
        return Ok(None);
    };
    // Under the lock no transaction adds another.
    let sql = "SELECT COALESCE(MAX(step), 0) AS newest FROM stage_runs WHERE run = $1";
    let newest = transaction.read_first(Query::new(sql).bind(run)).await?;
    Ok(Some(Locked {
        fence,
        signals: told.signals,
        state: RunState::of(status, told.stop_request, held),
        newest: newest.unwrap_or_default(),
    }))
}
