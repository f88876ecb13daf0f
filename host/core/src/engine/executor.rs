//! Who keeps runs: the narrow trait between the engine and whatever makes it durable.
//!
//! The engine decides what a run does next; an executor hands runs out, keeps what came of
//! their stages, and wakes them. [`Local`](super::local::Local) does it on the store, with
//! leases and fences. Another durable engine can do it instead.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{Engine, RunnableRevisions, Watcher};
use crate::config::{EngineRules, RestateRules};
use crate::store::checkpoints::{Checkpoint, Committed};
use crate::store::claims::ClaimedRun;
use crate::store::leases::{Lease, Recovered, RunSignals};
use crate::store::{Store, StoreError};

/// What an executor gives for an answer.
pub type ExecutorFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Keeps runs and hands them out.
pub trait Executor: Send + Sync {
    /// Take up to `slots` runs that are due, but none that has to be carried out alone.
    fn claim(&self, slots: usize) -> ExecutorFuture<'_, Vec<ClaimedRun>>;

    /// Take a run that has to be carried out alone: the next worker that it loses blocks it.
    fn claim_suspect(&self) -> ExecutorFuture<'_, Option<ClaimedRun>>;

    /// Take one run by its id, if it is due. `None` if it waits, a worker has it, or it has ended.
    fn claim_one<'a>(&'a self, run: &'a str) -> ExecutorFuture<'a, Option<ClaimedRun>>;

    /// Keep what came of stages, with their deferred writes, and go on, sleep, wait for a
    /// person or finish as it says: all of it, or nothing if another worker has the run or
    /// something reached it that its holder does not know.
    fn checkpoint(&self, checkpoint: Checkpoint) -> ExecutorFuture<'_, Committed>;

    /// Say that these runs are still under way; gives those that still are this worker's.
    fn heartbeat(&self, held: Vec<Lease>) -> ExecutorFuture<'_, Vec<(Lease, RunSignals)>>;

    /// Take back the runs of workers that fell silent.
    fn recover(&self) -> ExecutorFuture<'_, Vec<Recovered>>;

    /// Take part from now until `stop`; a worker's word before its first claim.
    fn open<'a>(&'a self, _stop: &'a CancellationToken) -> ExecutorFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Wait until there may be something to claim that the store does not tell of.
    fn offered(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// A run is not carried on here any more, whether or not a checkpoint gave it back.
    fn let_go(&self, _held: &Lease) {}
}

/// Makes an engine on an executor of its own, where the configuration has rules for it.
type MakeEngine =
    fn(&Store, Arc<dyn RunnableRevisions>, Arc<dyn Watcher>, (EngineRules, RestateRules)) -> Engine;

/// Another executor that hands runs out, from a package of its own, which says
/// [`dispatcher!`](crate::dispatcher!) once. A program that names the package has it.
pub struct Dispatcher(pub MakeEngine);

inventory::collect!(Dispatcher);

impl Dispatcher {
    /// The one of this program, if it names one.
    pub(crate) fn named() -> Option<&'static Self> {
        inventory::iter::<Self>().next()
    }
}

/// Make a function a [`Dispatcher`](crate::engine::executor::Dispatcher) of every program that
/// names its package, and have it heed `[engine.restate]`.
#[macro_export]
macro_rules! dispatcher {
    ($makes:path) => {
        ::inventory::submit! { $crate::config::Heeded("restate") }
        ::inventory::submit! { $crate::engine::executor::Dispatcher($makes) }
    };
}
