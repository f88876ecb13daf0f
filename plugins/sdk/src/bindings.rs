//! The types and functions generated from `wit/0.1`. Authors use the wrappers instead.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::allow_attributes,
    reason = "generated code"
)]
#![allow(
    unsafe_code,
    reason = "the canonical ABI is raw memory; this is the only module with any"
)]

wit_bindgen::generate!({
    path: "../../wit/0.1",
    world: "plugin",
    pub_export_macro: true,
    default_bindings_module: "callboard_plugin::bindings",
    additional_derives: [PartialEq],
});
