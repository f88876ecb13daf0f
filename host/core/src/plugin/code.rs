//! Compiled code: a component in the machine's own instructions. wasmtime believes what it says,
//! so a [`Code`] comes from this host's own compiler, or from the cache with its seal intact, and
//! from nowhere else. This is the one file of plugins with `unsafe` code, for the same reason.

use wasmtime::Engine;
use wasmtime::component::Component;

/// What the compiler made of a component.
pub(super) struct Code(Vec<u8>);

impl Code {
    /// What the child process of [`super::compile`] gave back, or what it gave back once and
    /// [`super::cache`] kept under its seal.
    pub(super) fn vouched_for(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The component, ready to be linked. An engine of another version or with other settings
    /// refuses it.
    #[expect(
        unsafe_code,
        reason = "wasmtime cannot check native code; the type says where it comes from"
    )]
    pub(super) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: the bytes are the output of `Engine::precompile_component`, see `vouched_for`.
        unsafe { Component::deserialize(engine, &self.0) }
    }
}
