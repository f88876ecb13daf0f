//! Plugins: packaged components that give handlers.
//!
//! `runtime.rs` owns the engine and loads a plugin (`component.rs` checks what it is and what
//! it imports), `describe.rs` asks what handlers it gives, `call.rs` calls one of them in a
//! fresh store, and `explain.rs` says what its grants allow without running anything.

pub mod bindings;
mod call;
mod component;
mod describe;
mod error;
mod explain;
pub mod manifest;
mod runtime;
mod trap;

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::Component;

pub use self::call::{PluginHandler, handler};
pub use self::error::PluginError;
pub use self::explain::{Explanation, Subject, explain};
pub use self::runtime::Runtime;
use crate::capability::{Access, InstanceState};

/// A loaded plugin: compiled, checked, linked to what it is granted, ready to be called.
pub struct Plugin {
    name: String,
    version: String,
    digest: String,
    access: Arc<Access>,
    runtime: Runtime,
    component: Component,
    linked: bindings::PluginPre<InstanceState>,
    calls: Arc<Semaphore>,
}

impl Plugin {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of the component.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the plugin may do: the grants it was loaded with.
    pub fn grants(&self) -> &crate::grants::Grants {
        &self.access.grants
    }
}
