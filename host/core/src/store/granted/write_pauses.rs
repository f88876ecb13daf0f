//! How long a guest may keep others from writing. On SQLite a transaction holds the lock of the
//! whole file, and a guest that does nothing in it cannot be stopped from outside.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::store::{StoreError, StoreErrorKind};

/// What one transaction may wait for its guest, all pauses together.
const TRANSACTION: Duration = Duration::from_secs(1);
/// What all transactions of one call may.
const CALL: Duration = Duration::from_secs(5);
/// What one statement or transaction may keep others from writing, computing or not: less than they
/// wait for their turn.
pub(super) const HELD: Duration = Duration::from_secs(8);
/// What is left of the pauses of one call.
#[derive(Debug, Clone)]
pub struct Idle(Arc<Mutex<Duration>>);

impl Default for Idle {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(CALL)))
    }
}

impl Idle {
    fn left(&self) -> std::sync::MutexGuard<'_, Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pauses of one transaction.
pub(super) struct Pauses {
    call: Idle,
    pub(super) spent: Duration,
}

impl Pauses {
    pub(super) fn of(call: Idle) -> Self {
        let spent = Duration::ZERO;
        Self { call, spent }
    }

    /// How long the next may be.
    pub(super) fn longest(&self) -> Duration {
        let left = *self.call.left();
        left.min(TRANSACTION.saturating_sub(self.spent))
    }

    pub(super) fn spend(&mut self, pause: Duration) {
        self.spent += pause;
        let mut left = self.call.left();
        *left = left.saturating_sub(pause);
    }
}

/// What a guest is told whose transaction waited for it in vain.
pub(super) fn idled() -> StoreError {
    let text = format!(
        "the transaction was rolled back: it waited more than {TRANSACTION:?} for its plugin, or all of this call more than {CALL:?}, \
         and nobody else can write to SQLite meanwhile; compute first, then begin"
    );
    StoreError::new(StoreErrorKind::Timeout, text)
}
