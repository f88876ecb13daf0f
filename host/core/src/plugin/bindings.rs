//! What every plugin exports, generated from the WIT.

wasmtime::component::bindgen!({
    path: "../../wit/0.1",
    inline: "package callboard:plugin-host; world plugin { export callboard:plugin/handlers@0.1.0; }",
    exports: { default: async },
    with: { "callboard:plugin/types": crate::capability::types::interface },
});

pub use self::exports::callboard::plugin::handlers;
