//! Where the bytes of a component are.

use std::sync::Arc;

use super::PluginError;
use crate::store::{Store, revisions};

/// A component: what it is, and where its bytes are when they are needed.
#[derive(Clone)]
pub struct Source {
    digest: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Here(Arc<[u8]>),
    Stored(Store),
}

impl Source {
    /// Bytes that are at hand, and their digest.
    pub fn of(bytes: Arc<[u8]>, digest: String) -> Self {
        let place = Place::Here(bytes);
        Self { digest, place }
    }

    /// The content of a digest, which the store has.
    pub fn stored(digest: String, store: Store) -> Self {
        let place = Place::Stored(store);
        Self { digest, place }
    }

    /// SHA-256 of the bytes.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) async fn bytes(&self) -> Result<Arc<[u8]>, PluginError> {
        match &self.place {
            Place::Here(bytes) => Ok(Arc::clone(bytes)),
            Place::Stored(store) => {
                let found = revisions::content(store, &self.digest).await;
                let unreadable = |cause: String| PluginError::Unreadable { cause };
                let bytes = found.map_err(|error| unreadable(error.to_string()))?;
                let bytes = bytes.ok_or_else(|| unreadable("it is gone".to_owned()))?;
                Ok(Arc::from(bytes))
            }
        }
    }
}
