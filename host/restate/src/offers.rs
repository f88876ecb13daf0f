//! The runs that Restate offers to this worker, and those that it carries on because of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use callboard_core::store::leases::Lease;
use tokio::sync::{Notify, oneshot};

/// A run to carry on. Restate has the turn while this is kept; dropped, it is a turn that broke
/// off, and offered again, here or elsewhere.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) run: String,
    turn: oneshot::Sender<()>,
}

impl Offer {
    /// The turn is over: the run was given back, or there is nothing to carry on.
    pub(super) fn end(self) {
        // The turn that offered it may have gone; then it is offered again.
        self.turn.send(()).ok();
    }
}

/// Offers that wait for a place, and those that are taken.
#[derive(Debug)]
pub(super) struct Offers {
    known: Mutex<KnownOffers>,
    /// How many may wait, so that a busy worker keeps none from an idle one.
    room: usize,
    news: Notify,
}

#[derive(Debug, Default)]
struct KnownOffers {
    waiting: VecDeque<Offer>,
    /// With their fences.
    taken: BTreeMap<String, (i64, Offer)>,
    closed: bool,
}

impl Offers {
    pub(super) fn new(room: usize) -> Self {
        Self {
            known: Mutex::default(),
            room,
            news: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, KnownOffers> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offer a run; gives the end of its turn, or `None` if this worker takes no more.
    pub(super) fn offer(&self, run: String) -> Option<oneshot::Receiver<()>> {
        let (turn, end) = oneshot::channel();
        let mut known = self.lock();
        known.waiting.retain(|offer| !offer.turn.is_closed());
        if known.closed || known.waiting.len() >= self.room {
            return None;
        }
        known.waiting.push_back(Offer { run, turn });
        drop(known);
        self.news.notify_one();
        Some(end)
    }

    /// Take no more: what waits is offered elsewhere.
    pub(super) fn close(&self) {
        let mut known = self.lock();
        known.closed = true;
        known.waiting.clear();
    }

    /// Wait for an offer.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// The first offers that wait. One of a run that is in hand waits on: Restate has lost the
    /// turn that it belongs to, which is no reason to stop it.
    pub(super) fn next(&self, most: usize) -> Vec<Offer> {
        let mut known = self.lock();
        let KnownOffers { waiting, taken, .. } = &mut *known;
        waiting.retain(|offer| !offer.turn.is_closed());
        let mut next: Vec<Offer> = Vec::new();
        for offer in std::mem::take(waiting) {
            let twice = next.iter().any(|other| other.run == offer.run);
            let free = !twice && !taken.contains_key(&offer.run);
            if free && next.len() < most {
                next.push(offer);
                continue;
            }
            if free {
                self.news.notify_one();
            }
            waiting.push_back(offer);
        }
        next
    }

    /// The run of an offer is in hand, under this fence.
    pub(super) fn taken(&self, offer: Offer, fence: i64) {
        self.lock().taken.insert(offer.run.clone(), (fence, offer));
    }

    /// A run is in hand no more; gives the offer because of which it was.
    pub(super) fn remove(&self, held: &Lease) -> Option<Offer> {
        let mut known = self.lock();
        let (fence, _) = known.taken.get(&held.run)?;
        if *fence != held.fence {
            return None;
        }
        known.taken.remove(&held.run).map(|(_, offer)| offer)
    }
}
