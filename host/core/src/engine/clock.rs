//! The engine's clock: this machine's, set by the database's, so that workers whose clocks
//! disagree agree on times.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::fault;

/// How far the database's clock is ahead of this machine's, in microseconds.
#[derive(Debug, Default)]
pub(super) struct DatabaseClock(AtomicI64);

impl DatabaseClock {
    /// Learn what the database's clock says now.
    pub(super) fn set(&self, database: Timestamp) {
        let ahead = database.as_microsecond() - own().as_microsecond();
        self.0.store(ahead, Ordering::Relaxed);
    }

    /// The time by the database's clock.
    pub(super) fn now(&self) -> Timestamp {
        let ahead = jiff::SignedDuration::from_micros(self.0.load(Ordering::Relaxed));
        own().checked_add(ahead).unwrap_or_else(|_| own())
    }
}

fn own() -> Timestamp {
    Timestamp::now() + fault::clock_shift()
}

/// A time that long after another; the same if there is none.
pub fn after(time: Timestamp, pause: Duration) -> Timestamp {
    time.checked_add(pause).unwrap_or(time)
}
