//! Callboard: a plugin-based handler host.
pub mod config;
pub mod grants;
pub mod handler;
pub mod outcome;
pub mod pipeline;
pub mod plugin;
pub mod policy;
pub mod registry;
pub mod rollcall;
pub mod secrets;
pub mod settings;
pub mod snapshot;
pub mod store;
pub mod value;
pub mod workspace;
