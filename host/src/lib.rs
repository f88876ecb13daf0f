//! Callboard: a plugin-based handler host.
//!
//! # Layout
//!
//! Imports go downwards only; `tests/it/tidy.rs` holds that.
//!
//! * [`cli`] – parse, dispatch, print.
//! * [`http`], [`site`] – the router, pages and feeds; what the public site looks like.
//! * [`app`] – the one composition root.
//! * [`engine`] – carries runs out.
//! * [`registry`], [`rollcall`], [`workspace`], [`snapshot`] – name to handler; every reference
//!   to an answer; files to definitions; stored values to what a run reads.
//! * [`plugin`], `handlers`, `capabilities` – what does the work.
//! * [`capability`], [`client`], [`store`], [`secrets`] – what may be touched, and how.
//! * [`pipeline`], [`policy`], [`schedule`], [`handler`], [`outcome`], [`settings`], [`value`],
//!   [`grants`], [`diary`] – definitions, contracts and arithmetic.
//! * [`config`], [`span`], [`schema`], [`shown`], [`telemetry`], [`template`], [`foreign`], [`bundle`], [`private`],
//!   [`fault`], [`supervision`], [`kept`] – what a process begins with and is kept going by.

// Futures in futures are laid out by recursion, and a command's are deeper than the default.
#![recursion_limit = "256"]

pub mod app;
pub mod bundle;
mod capabilities;
pub mod capability;
pub mod cli;
pub mod client;
pub mod config;
pub mod diary;
pub mod engine;
pub mod fault;
pub mod foreign;
pub mod grants;
pub mod handler;
mod handlers;
pub mod http;
pub mod kept;
pub mod lines;
pub mod outcome;
pub mod pipeline;
pub mod plugin;
pub mod policy;
pub mod private;
pub mod registry;
pub mod rollcall;
pub mod schedule;
pub mod schema;
pub mod secrets;
pub mod settings;
pub mod shown;
pub mod site;
pub mod snapshot;
pub mod span;
pub mod store;
pub mod supervision;
pub mod telemetry;
pub mod template;
pub mod value;
pub mod workspace;
