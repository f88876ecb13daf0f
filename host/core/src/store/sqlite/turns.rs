//! Whose turn it is to write. One writes at a time, so a plugin that kept all others waiting lets
//! them go first, and has its next deferred writes no sooner than after as long a pause.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, watch};

use super::held;

/// One that takes no longer has kept no other transaction waiting.
const SHORT: Duration = Duration::from_millis(100);
/// After a transaction that waited for its guest, or took long, no guest writes for as long, and for this long
/// at most: more than twice what another process takes to ask for the lock again.
const REST: Duration = Duration::from_millis(250);

/// How long one that took `held` kept others waiting.
pub(in crate::store) fn kept_waiting(held: Duration) -> Duration {
    if held < SHORT { Duration::ZERO } else { held }
}

#[derive(Default)]
pub(crate) struct Turns {
    /// Until when no guest begins to write, so that other processes find the lock free.
    others_until: Mutex<Option<Instant>>,
    /// Whether a guest of this process writes now.
    guest_writes: watch::Sender<bool>,
    /// From when on each plugin may have deferred writes.
    plugins: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Instant>>>>,
}

impl Turns {
    /// Keep guests from writing after one of them kept others waiting.
    pub(in crate::store) fn let_others_write(&self, waited: Duration) {
        *held(&self.others_until) = Some(Instant::now() + waited.min(REST));
    }

    /// How long guests leave the lock to others from now on.
    pub(in crate::store) fn rest_of_guests(&self) -> Duration {
        let until = *held(&self.others_until);
        until.map_or(Duration::ZERO, left)
    }

    /// Wait until a guest of this process writes. What it keeps waiting is not late: it has a
    /// bound, after which others go first.
    pub(in crate::store) async fn guest_writes(&self) {
        let mut writes = self.guest_writes.subscribe();
        // It can't be gone: it is this one's.
        writes.wait_for(|writes| *writes).await.ok();
    }

    /// A guest writes, as long as it has this and the right to write.
    pub(in crate::store) fn begin(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> GuestsPermit {
        GuestsPermit {
            _writes: Writes::begin(self),
            _permit: permit,
        }
    }

    /// Wait for the next turn of a plugin's deferred writes: one at a time.
    pub(super) async fn of_plugin(self: &Arc<Self>, plugin: &str) -> PluginTurn {
        let next = {
            let mut plugins = held(&self.plugins);
            let new = || Arc::new(tokio::sync::Mutex::new(Instant::now()));
            Arc::clone(plugins.entry(plugin.to_owned()).or_insert_with(new))
        };
        let next = next.lock_owned().await;
        tokio::time::sleep(left(*next)).await;
        PluginTurn {
            next,
            began: None,
            turns: Arc::clone(self),
        }
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// The right to write, of a guest.
pub(in crate::store) struct GuestsPermit {
    // Before the permit, so that no writer that gets it is taken for a guest.
    _writes: Writes,
    _permit: OwnedSemaphorePermit,
}

/// Says that a guest writes, until it is dropped.
struct Writes(Arc<Turns>);

impl Writes {
    fn begin(turns: &Arc<Turns>) -> Self {
        turns.guest_writes.send_replace(true);
        Self(Arc::clone(turns))
    }
}

impl Drop for Writes {
    fn drop(&mut self) {
        self.0.guest_writes.send_replace(false);
    }
}

/// The turn of a plugin's deferred writes, until it is dropped.
pub(super) struct PluginTurn {
    next: OwnedMutexGuard<Instant>,
    began: Option<(Instant, Writes)>,
    turns: Arc<Turns>,
}

impl PluginTurn {
    /// From now on it keeps others waiting.
    pub(super) fn begin(&mut self) {
        self.began = Some((Instant::now(), Writes::begin(&self.turns)));
    }
}

impl Drop for PluginTurn {
    fn drop(&mut self) {
        if let Some((began, _)) = self.began.take() {
            let waited = kept_waiting(began.elapsed());
            *self.next = Instant::now() + waited;
            self.turns.let_others_write(waited);
        }
    }
}
