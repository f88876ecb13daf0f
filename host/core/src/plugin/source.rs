//! Where the bytes of a component are.

use std::sync::Arc;

use super::PluginError;
use crate::store::{Store, revisions};

/// A component: what it is, and where its bytes are when they are needed.
#[derive(Clone)]
pub struct ComponentSource {
    digest: String,
    bytes_at: BytesAt,
}

#[derive(Clone)]
enum BytesAt {
    Here(Arc<[u8]>),
    Stored(Store),
}

impl ComponentSource {
    /// Bytes that are at hand, and their digest.
    pub fn of(bytes: Arc<[u8]>, digest: String) -> Self {
        let bytes_at = BytesAt::Here(bytes);
        Self { digest, bytes_at }
    }

    /// The content of a digest, which the store has.
    pub fn stored(digest: String, store: Store) -> Self {
        let bytes_at = BytesAt::Stored(store);
        Self { digest, bytes_at }
    }

    /// SHA-256 of the bytes.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) async fn bytes(&self) -> Result<Arc<[u8]>, PluginError> {
        match &self.bytes_at {
            BytesAt::Here(bytes) => Ok(Arc::clone(bytes)),
            BytesAt::Stored(store) => {
                let found = revisions::content(store, &self.digest).await;
                let unreadable = |cause: String| PluginError::Unreadable { cause };
                let bytes = found.map_err(|error| unreadable(error.to_string()))?;
                let bytes = bytes.ok_or_else(|| unreadable("it is gone".to_owned()))?;
                Ok(Arc::from(bytes))
            }
        }
    }
}
