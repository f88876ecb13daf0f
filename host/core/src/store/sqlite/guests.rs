//! Connections that others have open to the same file: those of plugins, which wait to be used again.

use std::sync::{Mutex, PoisonError, Weak};

use futures_util::future::BoxFuture;

/// Connections that the databases of plugins keep open.
pub(in crate::store) trait Guest: Send + Sync {
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// All of them that are still there.
#[derive(Default)]
pub(super) struct Guests(Mutex<Vec<Weak<dyn Guest>>>);

impl Guests {
    pub(super) fn add(&self, guest: Weak<dyn Guest>) {
        let mut guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guests.retain(|guest| guest.strong_count() > 0);
        guests.push(guest);
    }

    /// Close what they left open.
    pub(super) async fn close(&self) {
        let guests = {
            let mut guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *guests)
        };
        for guest in guests.iter().filter_map(Weak::upgrade) {
            guest.close().await;
        }
    }
}
