//! Checkpoints of many runs share a commit: those that come while one is being committed are
//! committed together with the next.

use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

use crate::fault;
use crate::store::checkpoints::{self, Checkpoint, Committed};
use crate::store::{Dialect, Store, StoreError};
use crate::supervision;

/// Checkpoints of one commit at most.
const GROUP: usize = 256;
/// Commits with deferred writes at a time, where each needs a connection of its own.
const SEPARATE: usize = 4;

type CommitResult = Result<Committed, StoreError>;

/// A checkpoint on its way, and who waits for it.
struct QueuedCheckpoint {
    checkpoint: Arc<Checkpoint>,
    answer: oneshot::Sender<CommitResult>,
}

/// Where checkpoints are handed in.
pub(super) struct CommitQueue {
    sender: mpsc::Sender<QueuedCheckpoint>,
}

impl CommitQueue {
    pub(super) fn start(store: &Store) -> Self {
        let (sender, receiver) = mpsc::channel(GROUP * 4);
        let receiver = Arc::new(Mutex::new(receiver));
        // Where there can be, another commit is prepared while one reaches the disk. More of them
        // would have less to share.
        let (committers, separate) = match store.dialect() {
            Dialect::Sqlite => (1, GROUP),
            Dialect::Postgres => (2, SEPARATE),
        };
        let separate = Arc::new(Semaphore::new(separate));
        for _ in 0..committers {
            let (store, receiver, separate) =
                (store.clone(), Arc::clone(&receiver), Arc::clone(&separate));
            // It returns only when no sender is left.
            supervision::keep(
                "a committer",
                || true,
                move || commit_groups(store.clone(), Arc::clone(&receiver), Arc::clone(&separate)),
            );
        }
        Self { sender }
    }

    pub(super) async fn commit(&self, checkpoint: Arc<Checkpoint>) -> CommitResult {
        let (answer, kept) = oneshot::channel();
        let pending = QueuedCheckpoint { checkpoint, answer };
        let gone = || StoreError::internal("nobody commits checkpoints any more");
        self.sender.send(pending).await.map_err(|_| gone())?;
        kept.await.map_err(|_| gone())?
    }
}

async fn commit_groups(
    store: Store,
    receiver: Arc<Mutex<mpsc::Receiver<QueuedCheckpoint>>>,
    separate_slots: Arc<Semaphore>,
) {
    loop {
        let mut group = Vec::new();
        if receiver.lock().await.recv_many(&mut group, GROUP).await == 0 {
            return;
        }
        fault::point("before-group");
        // Deferred writes may be refused, or wait for a lock: a checkpoint that has some is
        // committed apart, and keeps no other waiting.
        let (separate, together): (Vec<_>, Vec<_>) = group
            .into_iter()
            .partition(|pending| !pending.checkpoint.writes.is_empty());
        for pending in separate {
            let (store, slots) = (store.clone(), Arc::clone(&separate_slots));
            tokio::spawn(async move {
                let _slot = slots.acquire().await;
                commit_one(&store, pending).await;
            });
        }
        commit_group(&store, together).await;
    }
}

async fn commit_one(store: &Store, pending: QueuedCheckpoint) {
    let held = pending.checkpoint.held.clone();
    let kept = checkpoints::commit(store, vec![pending.checkpoint]).await;
    let kept = kept.and_then(|mut kept| {
        kept.pop()
            .ok_or_else(|| StoreError::internal(format!("no answer for run {}", held.run)))
    });
    // The task that asked may have gone; the commit stands.
    drop(pending.answer.send(kept));
}

/// One commit for all; if that fails for a reason of one of them, each gets its own.
async fn commit_group(store: &Store, group: Vec<QueuedCheckpoint>) {
    if group.is_empty() {
        return;
    }
    let together: Vec<_> = group
        .iter()
        .map(|one| Arc::clone(&one.checkpoint))
        .collect();
    match checkpoints::commit(store, together).await {
        Ok(kept) => {
            for (pending, told) in group.into_iter().zip(kept) {
                drop(pending.answer.send(Ok(told)));
            }
        }
        Err(error) if error.is_retryable() || group.len() == 1 => {
            for pending in group {
                drop(pending.answer.send(Err(error.clone())));
            }
        }
        Err(_) => {
            for pending in group {
                commit_one(store, pending).await;
            }
        }
    }
}
