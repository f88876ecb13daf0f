//! What is on its way to readers, in memory once however many of them take it, and counted: a reader
//! who takes nothing holds what he asked for until he is sent away.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use axum::body::Bytes;

/// The most bytes that are on their way: of pages, feeds and documents that are made for readers.
const MOST: usize = 256 << 20;

/// What is on its way, by its digest.
static UNDER_WAY: LazyLock<Mutex<Contents>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Contents(BTreeMap<String, Weak<[u8]>>);

/// A content of this digest, which those share who ask for the same; `None` if too much is on its
/// way.
pub(super) fn content(digest: &str, text: String) -> Option<Bytes> {
    let mut contents = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    contents.share(digest, text, MOST).map(Bytes::from_owner)
}

impl Contents {
    fn share(&mut self, digest: &str, text: String, most: usize) -> Option<Arc<[u8]>> {
        if let Some(content) = self.0.get(digest).and_then(Weak::upgrade) {
            return Some(content);
        }
        let mut held = 0;
        self.0.retain(|_, content| {
            let content = content.upgrade();
            held += content.as_ref().map_or(0, |content| content.len());
            content.is_some()
        });
        // What is larger than all that may be comes alone.
        if held > 0 && held + text.len() > most {
            return None;
        }
        let content: Arc<[u8]> = Arc::from(text.into_bytes());
        self.0.insert(digest.to_owned(), Arc::downgrade(&content));
        Some(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_the_same_shares_it_and_the_rest_is_counted() {
        let mut contents = Contents::default();
        let mut share = |digest: &str, size: usize| contents.share(digest, "x".repeat(size), 10);
        let first = share("a", 6).expect("room");
        let same = share("a", 6).expect("the same");
        assert!(Arc::ptr_eq(&first, &same));
        assert!(share("b", 5).is_none());
        drop((first, same));
        let other = share("b", 20).expect("alone");
        assert!(share("a", 1).is_none());
        drop(other);
        assert!(share("a", 1).is_some());
    }
}
