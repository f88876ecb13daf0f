//! The executor on the store: leases, fences, and checkpoints that share commits.

mod commit_queue;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::commit_queue::CommitQueue;
use super::executor::{Executor, ExecutorFuture};
use crate::config::EngineRules;
use crate::store::checkpoints::{self, Checkpoint, Committed};
use crate::store::claims::{self, Claimant, ClaimedRun};
use crate::store::leases::{self, Lease, Recovered, RunSignals};
use crate::store::{Store, StoreError};

/// The first pause before a checkpoint is tried again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Runs in the store, kept by lease and fence.
pub struct Local {
    store: Store,
    claimant: Claimant,
    commits: CommitQueue,
    recoveries: u32,
}

impl Local {
    /// Of a worker's name and the operator's rules. Needs a runtime.
    pub fn new(store: &Store, worker: &str, rules: &EngineRules) -> Self {
        Self {
            store: store.clone(),
            claimant: Claimant {
                worker: worker.to_owned(),
                lease: rules.lease.0,
                suspect: rules.suspect(),
            },
            commits: CommitQueue::start(store),
            recoveries: rules.recoveries,
        }
    }

    /// Commit; where the database went away in the middle, or does not take it yet, find out
    /// whether it did, and try again for as long as the lease holds.
    async fn commit(&self, checkpoint: Checkpoint) -> Result<Committed, StoreError> {
        let checkpoint = Arc::new(checkpoint);
        let mut confirmed = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.commits.commit(Arc::clone(&checkpoint)).await {
                Err(error) if error.is_retryable() => error,
                result => return result,
            };
            // A heartbeat passes over a row that is locked, as this one was until now.
            let (held, asked) = ([checkpoint.held.clone()], Instant::now());
            match leases::heartbeat(&self.store, &held, self.claimant.lease).await {
                // It may have been the end of the run.
                Ok(kept) if kept.is_empty() => {}
                Ok(_) => confirmed = asked,
                Err(error) => tracing::debug!(%error, "the lease is not lengthened"),
            }
            if confirmed.elapsed() + pause > self.claimant.lease {
                return Err(error);
            }
            tracing::warn!(run = checkpoint.held.run, %error, "a checkpoint is tried again");
            tokio::time::sleep(pause).await;
            // A lease that is kept does not run out in it.
            pause = (pause * 2).min(LONGEST_PAUSE).min(self.claimant.lease / 4);
            if let Ok(Some(told)) = checkpoints::committed(&self.store, &checkpoint).await {
                return Ok(Committed::Kept(told));
            }
        }
    }
}

impl Executor for Local {
    fn claim(&self, slots: usize) -> ExecutorFuture<'_, Vec<ClaimedRun>> {
        Box::pin(claims::take(&self.store, &self.claimant, slots))
    }

    fn claim_suspect(&self) -> ExecutorFuture<'_, Option<ClaimedRun>> {
        Box::pin(claims::take_suspect(&self.store, &self.claimant))
    }

    fn claim_one<'a>(&'a self, run: &'a str) -> ExecutorFuture<'a, Option<ClaimedRun>> {
        Box::pin(claims::take_one(&self.store, &self.claimant, run))
    }

    fn checkpoint(&self, checkpoint: Checkpoint) -> ExecutorFuture<'_, Committed> {
        Box::pin(self.commit(checkpoint))
    }

    fn heartbeat(&self, held: Vec<Lease>) -> ExecutorFuture<'_, Vec<(Lease, RunSignals)>> {
        Box::pin(async move { leases::heartbeat(&self.store, &held, self.claimant.lease).await })
    }

    fn recover(&self) -> ExecutorFuture<'_, Vec<Recovered>> {
        Box::pin(leases::recover(&self.store, self.recoveries))
    }
}
