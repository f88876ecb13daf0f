//! Callboard: a plugin-based handler host.
pub mod config;
pub mod grants;
pub mod handler;
pub mod http;
pub mod outcome;
pub mod pipeline;
pub mod plugin;
pub mod policy;
pub mod registry;
pub mod settings;
pub mod site;
pub mod store;
pub mod value;
