//! The runs in this process's hands: their leases are kept by one heartbeat, and whoever
//! carries one out hears when it is lost or a person wants it stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::executor::Executor;
use crate::fault;
use crate::store::leases::{Held, Told};
use crate::supervision;

/// How long a heartbeat may take, however short the lease is.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

/// What whoever carries a run out hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// What reached it from outside, as it stands.
    Told(Told),
    /// Somebody else has it, or may have.
    Lost,
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
    news: watch::Sender<News>,
}

/// A run in hand, until it is dropped.
pub(super) struct InHand {
    hands: Arc<Hands>,
    held: Held,
    pub(super) news: watch::Receiver<News>,
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
        let (weak, held) = (Arc::downgrade(&hands), Arc::downgrade(&hands));
        let gone = move || held.strong_count() == 0;
        supervision::keep("the heartbeat", gone, move || {
            let weak = weak.clone();
            async move {
                while let Some(hands) = weak.upgrade() {
                    fault::point("before-heartbeat");
                    hands.beat().await;
                    let looked = tokio::time::timeout(lease / 3, hands.look.notified());
                    drop(looked.await);
                }
            }
        });
        hands
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Hand>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take a claimed run in hand.
    pub(super) fn take(self: &Arc<Self>, held: Held, told: &Told) -> InHand {
        let (sender, news) = watch::channel(News::Told(told.clone()));
        let hand = Hand {
            fence: held.fence,
            confirmed: Instant::now(),
            news: sender,
        };
        self.lock().insert(held.run.clone(), hand);
        InHand {
            hands: Arc::clone(self),
            held,
            news,
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
                    hand.say(News::Told(told.clone()));
                }
                None => hand.say(News::Lost),
            }
        }
    }

    /// Runs whose lease may have run out unseen are given up: somebody else may have them.
    fn give_up_old(&self) {
        for hand in self.lock().values() {
            if hand.confirmed.elapsed() > self.lease {
                hand.say(News::Lost);
            }
        }
    }
}

impl Hand {
    fn say(&self, news: News) {
        self.news.send_if_modified(|known| {
            let is_new = *known != news && *known != News::Lost;
            if is_new {
                *known = news;
            }
            is_new
        });
    }
}
