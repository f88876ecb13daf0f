//! Values that are dear to make: made once for each key, by whoever asks first, while others who
//! ask for the same key wait and everybody else goes on. The latest stay at hand, and so does
//! whatever somebody still uses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// Values by key.
pub struct Kept<K, V> {
    /// How many of the latest stay, whether or not somebody uses them.
    most: usize,
    held: Mutex<Held<K, V>>,
}

struct Held<K, V> {
    /// Grows with each question.
    turn: u64,
    places: BTreeMap<K, Place<V>>,
}

struct Place<V> {
    cell: Arc<OnceCell<Arc<V>>>,
    asked: u64,
}

impl<K: Ord, V> Kept<K, V> {
    /// The latest `most` values stay, and beside them what somebody uses.
    pub fn new(most: usize) -> Self {
        let held = Held {
            turn: 0,
            places: BTreeMap::new(),
        };
        Self {
            most,
            held: Mutex::new(held),
        }
    }

    /// The value of a key, which `make` makes unless it is there. What fails is made again by
    /// whoever asks next; nothing but the same key waits for it.
    pub async fn get<E, F>(&self, key: K, make: impl FnOnce() -> F) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let cell = self.place(key);
        let made = cell.get_or_try_init(async || make().await.map(Arc::new));
        let value = made.await.map(Arc::clone);
        drop(cell);
        self.sweep();
        value
    }

    /// How many there are, those that somebody uses among them.
    pub fn count(&self) -> usize {
        self.lock().places.len()
    }

    fn place(&self, key: K) -> Arc<OnceCell<Arc<V>>> {
        let mut held = self.lock();
        held.turn += 1;
        let asked = held.turn;
        let place = held.places.entry(key).or_insert_with(|| Place {
            cell: Arc::default(),
            asked,
        });
        place.asked = asked;
        Arc::clone(&place.cell)
    }

    /// Let go of what nobody uses, but for the latest `most`: the one just asked for is among them.
    fn sweep(&self) {
        let mut held = self.lock();
        let mut turns: Vec<u64> = held.places.values().map(|place| place.asked).collect();
        turns.sort_unstable_by(|one, other| other.cmp(one));
        if let Some(&last) = turns.get(self.most) {
            held.places
                .retain(|_, place| place.asked > last || !place.is_idle());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held<K, V>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Place<V> {
    /// Nobody waits for it, and nobody has it.
    fn is_idle(&self) -> bool {
        let has_it = |value: &Arc<V>| Arc::strong_count(value) > 1;
        Arc::strong_count(&self.cell) == 1 && !self.cell.get().is_some_and(has_it)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_value_is_made_once_and_nobody_else_waits_for_it() {
        let kept = Kept::<&str, u32>::new(2);
        let (made, started) = (AtomicUsize::new(0), tokio::sync::Notify::new());
        let go_on = tokio::sync::Notify::new();
        let slow = || {
            kept.get("slow", async || {
                made.fetch_add(1, Ordering::SeqCst);
                started.notify_one();
                go_on.notified().await;
                Ok::<_, ()>(1)
            })
        };
        let other = async {
            started.notified().await;
            let other = kept.get("other", async || Ok::<_, ()>(2)).await;
            go_on.notify_one();
            other
        };
        let (first, second, other) = tokio::join!(slow(), slow(), other);
        assert_eq!((*first.expect("made"), *second.expect("made")), (1, 1));
        assert_eq!((*other.expect("made"), made.into_inner()), (2, 1));
    }

    #[tokio::test]
    async fn what_nobody_uses_is_let_go_but_for_the_latest() {
        let kept = Kept::<u32, u32>::new(2);
        let get = async |key| {
            kept.get(key, async || Ok::<_, ()>(key))
                .await
                .expect("made")
        };
        let used = get(0).await;
        for key in 1..10 {
            drop(get(key).await);
        }
        let keys = || kept.lock().places.keys().copied().collect::<Vec<_>>();
        assert_eq!(keys(), [0, 8, 9]);
        drop(used);
        drop(get(9).await);
        assert_eq!(keys(), [8, 9]);
    }

    #[tokio::test]
    async fn what_failed_is_made_again() {
        let kept = Kept::<u32, u32>::new(1);
        assert_eq!(kept.get(1, async || Err("no")).await, Err("no"));
        assert_eq!(
            *kept.get(1, async || Ok::<_, &str>(7)).await.expect("made"),
            7
        );
    }
}
