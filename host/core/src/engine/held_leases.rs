//! The runs in this process's hands: their leases are kept by one heartbeat, and the task that
//! carries one out hears when it is lost or a person wants it stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::executor::Executor;
use crate::fault;
use crate::store::leases::{Lease, RunSignals};
use crate::supervision;

/// How long a heartbeat may take, however short the lease is.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

/// What the task that carries a run out hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeaseNews {
    /// What reached it from outside, as it stands.
    Signals(RunSignals),
    /// Another worker has it, or may have it.
    Lost,
}

/// The runs in hand.
pub(super) struct HeldLeases {
    executor: Arc<dyn Executor>,
    held: Mutex<BTreeMap<String, HeldLease>>,
    lease: Duration,
    look: Notify,
}

struct HeldLease {
    fence: i64,
    /// When the lease was last known to hold.
    confirmed: Instant,
    news: watch::Sender<LeaseNews>,
}

/// A run in hand, until it is dropped.
pub(super) struct LeaseGuard {
    leases: Arc<HeldLeases>,
    held: Lease,
    pub(super) news: watch::Receiver<LeaseNews>,
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        if held
            .get(&self.held.run)
            .is_some_and(|hand| hand.fence == self.held.fence)
        {
            held.remove(&self.held.run);
        }
        drop(held);
        self.leases.executor.let_go(&self.held);
    }
}

impl HeldLeases {
    /// Keep leases with `executor` until the last reference to this is dropped. Needs a runtime.
    pub(super) fn start(executor: Arc<dyn Executor>, lease: Duration) -> Arc<Self> {
        let leases = Arc::new(Self {
            executor,
            held: Mutex::new(BTreeMap::new()),
            lease,
            look: Notify::new(),
        });
        let (weak, held) = (Arc::downgrade(&leases), Arc::downgrade(&leases));
        let gone = move || held.strong_count() == 0;
        supervision::keep("the heartbeat", gone, move || {
            let weak = weak.clone();
            async move {
                while let Some(leases) = weak.upgrade() {
                    fault::point("before-heartbeat");
                    leases.beat().await;
                    let looked = tokio::time::timeout(lease / 3, leases.look.notified());
                    drop(looked.await);
                }
            }
        });
        leases
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, HeldLease>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take a claimed run in hand.
    pub(super) fn take(self: &Arc<Self>, held: Lease, told: &RunSignals) -> LeaseGuard {
        let (sender, news) = watch::channel(LeaseNews::Signals(told.clone()));
        let hand = HeldLease {
            fence: held.fence,
            confirmed: Instant::now(),
            news: sender,
        };
        self.lock().insert(held.run.clone(), hand);
        LeaseGuard {
            leases: Arc::clone(self),
            held,
            news,
        }
    }

    /// Look at the leases at once if the signals of the runs, as the database counts them, are not
    /// those that are known here: a stop or a decision waits for no heartbeat, however long a lease is.
    pub(super) fn compare(&self, signals: i64) {
        let known: i64 = self.lock().values().map(HeldLease::counted).sum();
        if known != signals {
            self.look.notify_one();
        }
    }

    async fn beat(&self) {
        let held: Vec<Lease> = {
            let all = self.lock();
            let held = all.iter().map(|(run, hand)| Lease {
                run: run.clone(),
                fence: hand.fence,
            });
            held.collect()
        };
        if held.is_empty() {
            return;
        }
        let asked = Instant::now();
        // One that is not answered is dropped with its connection: the next may be in time.
        let within = (self.lease / 3).max(LEAST_PATIENCE);
        let answer = tokio::time::timeout(within, self.executor.heartbeat(held.clone()));
        let kept = match answer.await {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a heartbeat failed");
                return self.give_up_old();
            }
            Err(_) => {
                tracing::warn!(seconds = within.as_secs(), "a heartbeat was not answered");
                return self.give_up_old();
            }
        };
        let mut all = self.lock();
        for lease in held {
            let Some(hand) = all.get_mut(&lease.run) else {
                continue;
            };
            if hand.fence != lease.fence {
                continue;
            }
            match kept.iter().find(|(known, _)| *known == lease) {
                Some((_, told)) => {
                    hand.confirmed = asked;
                    hand.say(LeaseNews::Signals(told.clone()));
                }
                None => hand.say(LeaseNews::Lost),
            }
        }
    }

    /// Runs whose lease may have run out unseen are given up: another worker may have them.
    fn give_up_old(&self) {
        for hand in self.lock().values() {
            if hand.confirmed.elapsed() > self.lease {
                hand.say(LeaseNews::Lost);
            }
        }
    }
}

impl HeldLease {
    fn counted(&self) -> i64 {
        match &*self.news.borrow() {
            LeaseNews::Signals(signals) => signals.counted(),
            LeaseNews::Lost => 0,
        }
    }

    fn say(&self, news: LeaseNews) {
        self.news.send_if_modified(|known| {
            let is_new = *known != news && *known != LeaseNews::Lost;
            if is_new {
                *known = news;
            }
            is_new
        });
    }
}
