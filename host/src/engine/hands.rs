//! The runs in this process's hands: their leases are kept by one heartbeat, and whoever
//! carries one out hears when it is lost or a person wants it stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::executor::Executor;
use crate::store::leases::{Held, Told, Wish};

/// Why a run is not carried on here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// Somebody else has it, or may have.
    Lost,
    /// A person wants it cancelled; who, and why.
    Cancel(String),
    /// A person wants it paused.
    Pause(String),
}

/// The runs in hand.
pub(super) struct Hands {
    executor: Arc<dyn Executor>,
    held: Mutex<BTreeMap<String, Hand>>,
    lease: Duration,
    look: Notify,
}

struct Hand {
    fence: i64,
    /// When the lease was last known to hold.
    confirmed: Instant,
    interrupt: watch::Sender<Option<Interrupt>>,
}

/// A run in hand, until it is dropped.
pub(super) struct InHand {
    hands: Arc<Hands>,
    held: Held,
    pub(super) interrupt: watch::Receiver<Option<Interrupt>>,
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut held = self.hands.lock();
        if held
            .get(&self.held.run)
            .is_some_and(|hand| hand.fence == self.held.fence)
        {
            held.remove(&self.held.run);
        }
        drop(held);
        self.hands.executor.let_go(&self.held);
    }
}

impl Hands {
    /// Keep leases with `executor` for as long as somebody has these hands. Needs a runtime.
    pub(super) fn start(executor: Arc<dyn Executor>, lease: Duration) -> Arc<Self> {
        let hands = Arc::new(Self {
            executor,
            held: Mutex::new(BTreeMap::new()),
            lease,
            look: Notify::new(),
        });
        let weak = Arc::downgrade(&hands);
        tokio::spawn(async move {
            while let Some(hands) = weak.upgrade() {
                hands.beat().await;
                let looked = tokio::time::timeout(lease / 3, hands.look.notified());
                drop(looked.await);
            }
        });
        hands
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Hand>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take a claimed run in hand.
    pub(super) fn take(self: &Arc<Self>, held: Held, told: &Told) -> InHand {
        let (sender, interrupt) = watch::channel(interrupt(told));
        let hand = Hand {
            fence: held.fence,
            confirmed: Instant::now(),
            interrupt: sender,
        };
        self.lock().insert(held.run.clone(), hand);
        InHand {
            hands: Arc::clone(self),
            held,
            interrupt,
        }
    }

    /// Look at the leases, and at what is wished, at once.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    async fn beat(&self) {
        let held: Vec<Held> = {
            let all = self.lock();
            let held = all.iter().map(|(run, hand)| Held {
                run: run.clone(),
                fence: hand.fence,
            });
            held.collect()
        };
        if held.is_empty() {
            return;
        }
        let asked = Instant::now();
        let kept = match self.executor.heartbeat(held.clone()).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(%error, "a heartbeat failed");
                self.give_up_old();
                return;
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
                    hand.say(interrupt(told));
                }
                None => hand.say(Some(Interrupt::Lost)),
            }
        }
    }

    /// Runs whose lease may have run out unseen are given up: somebody else may have them.
    fn give_up_old(&self) {
        for hand in self.lock().values() {
            if hand.confirmed.elapsed() > self.lease {
                hand.say(Some(Interrupt::Lost));
            }
        }
    }
}

impl Hand {
    fn say(&self, interrupt: Option<Interrupt>) {
        if interrupt.is_some() {
            self.interrupt.send_if_modified(|known| {
                let news = *known != interrupt && *known != Some(Interrupt::Lost);
                if news {
                    *known = interrupt;
                }
                news
            });
        }
    }
}

/// What a holder has to do about what it is told.
pub(super) fn interrupt(told: &Told) -> Option<Interrupt> {
    let detail = told.wish_detail.clone();
    told.wish.map(|wish| match wish {
        Wish::Cancel => Interrupt::Cancel(detail),
        Wish::Pause => Interrupt::Pause(detail),
    })
}
