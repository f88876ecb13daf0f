//! Callboard: a plugin-based handler host.
mod capabilities;
pub mod capability;
pub mod client;
pub mod config;
pub mod grants;
pub mod handler;
pub mod outcome;
pub mod pipeline;
pub mod plugin;
pub mod policy;
pub mod registry;
pub mod settings;
pub mod store;
pub mod value;
