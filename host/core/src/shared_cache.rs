//! Values that are dear to make: made once for each key, by the first caller, while others that ask
//! for the same key wait and callers for other keys go on. The latest stay at hand, and so does
//! every value in use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// Values by key.
pub struct SharedCache<K, V> {
    /// How many of the latest stay, in use or not.
    most: usize,
    held: Mutex<Entries<K, V>>,
}

struct Entries<K, V> {
    /// Grows with each question.
    turn: u64,
    entries: BTreeMap<K, CacheEntry<V>>,
}

struct CacheEntry<V> {
    cell: Arc<OnceCell<Arc<V>>>,
    asked: u64,
}

impl<K: Ord, V> SharedCache<K, V> {
    /// The latest `most` values stay, and beside them every value in use.
    pub fn new(most: usize) -> Self {
        let held = Entries {
            turn: 0,
            entries: BTreeMap::new(),
        };
        Self {
            most,
            held: Mutex::new(held),
        }
    }

    /// The value of a key, which `make` makes unless it is there. What fails is made again by
    /// the next caller; nothing but the same key waits for it.
    pub async fn get<E, F>(&self, key: K, make: impl FnOnce() -> F) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let cell = self.entry(key);
        let made = cell.get_or_try_init(async || make().await.map(Arc::new));
        let value = made.await.map(Arc::clone);
        drop(cell);
        self.sweep();
        value
    }

    /// How many there are, those in use among them.
    pub fn count(&self) -> usize {
        self.lock().entries.len()
    }

    fn entry(&self, key: K) -> Arc<OnceCell<Arc<V>>> {
        let mut held = self.lock();
        held.turn += 1;
        let asked = held.turn;
        let entry = held.entries.entry(key).or_insert_with(|| CacheEntry {
            cell: Arc::default(),
            asked,
        });
        entry.asked = asked;
        Arc::clone(&entry.cell)
    }

    /// Let go of what is not in use, but for the latest `most`: the one just asked for is among
    /// them.
    fn sweep(&self) {
        let mut held = self.lock();
        let mut turns: Vec<u64> = held.entries.values().map(|entry| entry.asked).collect();
        turns.sort_unstable_by(|one, other| other.cmp(one));
        if let Some(&last) = turns.get(self.most) {
            held.entries
                .retain(|_, entry| entry.asked > last || !entry.is_idle());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> CacheEntry<V> {
    /// No caller waits for it, and none has it.
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
        let cache = SharedCache::<&str, u32>::new(2);
        let (made, started) = (AtomicUsize::new(0), tokio::sync::Notify::new());
        let go_on = tokio::sync::Notify::new();
        let slow = || {
            cache.get("slow", async || {
                made.fetch_add(1, Ordering::SeqCst);
                started.notify_one();
                go_on.notified().await;
                Ok::<_, ()>(1)
            })
        };
        let other = async {
            started.notified().await;
            let other = cache.get("other", async || Ok::<_, ()>(2)).await;
            go_on.notify_one();
            other
        };
        let (first, second, other) = tokio::join!(slow(), slow(), other);
        assert_eq!((*first.expect("made"), *second.expect("made")), (1, 1));
        assert_eq!((*other.expect("made"), made.into_inner()), (2, 1));
    }

    #[tokio::test]
    async fn what_nobody_uses_is_let_go_but_for_the_latest() {
        let cache = SharedCache::<u32, u32>::new(2);
        let get = async |key| {
            cache
                .get(key, async || Ok::<_, ()>(key))
                .await
                .expect("made")
        };
        let used = get(0).await;
        for key in 1..10 {
            drop(get(key).await);
        }
        let keys = || cache.lock().entries.keys().copied().collect::<Vec<_>>();
        assert_eq!(keys(), [0, 8, 9]);
        drop(used);
        drop(get(9).await);
        assert_eq!(keys(), [8, 9]);
    }

    #[tokio::test]
    async fn what_failed_is_made_again() {
        let cache = SharedCache::<u32, u32>::new(1);
        assert_eq!(cache.get(1, async || Err("no")).await, Err("no"));
        assert_eq!(
            *cache.get(1, async || Ok::<_, &str>(7)).await.expect("made"),
            7
        );
    }
}
