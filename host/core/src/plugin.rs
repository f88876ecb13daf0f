//! Plugins: packaged components that give handlers.
//!
//! A [`Plugin`] is cheap until it is used: it has a manifest, grants, limits, and a component whose
//! bytes may be in the database still. When a guest is first asked or called, `runtime.rs` gets its
//! component ready: `component.rs` checks from the bytes what it is and what it imports, `scan.rs`
//! how it is built, `compile.rs` has a child process compile it, `cache.rs` keeps what came of it,
//! and `code.rs` is the way back. `describe.rs` asks what handlers it gives, `call.rs` calls one of
//! them in a fresh store, and `explain.rs` says what its grants allow without running anything.

pub mod bindings;
mod cache;
mod call;
mod code;
pub mod compile;
mod component;
mod describe;
mod engine;
mod error;
mod explain;
pub mod manifest;
mod runtime;
mod scan;
mod source;
mod trap;

use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

pub use self::cache::use_cache;
pub use self::call::{PluginHandler, handler};
pub use self::error::PluginError;
pub use self::explain::{ExplainedPlugin, Explanation, explain};
use self::runtime::LinkedComponent;
pub use self::runtime::Runtime;
pub use self::source::ComponentSource;
use crate::capability::Access;
use crate::client::Tape;

/// A plugin, ready to be called; compiled when it is first.
pub struct Plugin {
    name: String,
    version: String,
    source: ComponentSource,
    access: Arc<Access>,
    runtime: Runtime,
    linked: OnceCell<Arc<LinkedComponent>>,
    calls: Arc<Semaphore>,
}

impl Plugin {
    /// The same with a tape in its client, as long as it has not been called.
    #[must_use]
    pub fn taped(mut self, tape: Option<Arc<Tape>>) -> Self {
        if let Some(access) = Arc::get_mut(&mut self.access) {
            access.client.put(tape);
        }
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of the component.
    pub fn digest(&self) -> &str {
        self.source.digest()
    }

    /// Compile and link it, unless an earlier call has.
    pub async fn prepare(&self) -> Result<(), PluginError> {
        self.linked().await.map(drop)
    }

    async fn linked(&self) -> Result<&Arc<LinkedComponent>, PluginError> {
        let limits = &self.access.limits;
        let link = || self.runtime.linked(&self.name, &self.source, limits);
        self.linked.get_or_try_init(link).await
    }

    /// What the plugin may do: the grants it was loaded with.
    pub fn grants(&self) -> &crate::grants::Grants {
        &self.access.grants
    }
}
