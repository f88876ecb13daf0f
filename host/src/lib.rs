//! Callboard: a plugin-based handler host.
pub mod config;
pub mod diary;
pub mod grants;
pub mod handler;
mod handlers;
pub mod outcome;
pub mod pipeline;
pub mod plugin;
pub mod policy;
pub mod registry;
pub mod settings;
pub mod store;
pub mod value;
