//! The host of handlers: it would carry any factory, and knows none. What a tenant brings is one
//! value, a [`Pack`](pack::Pack).
//!
//! # Layout
//!
//! Imports go downwards only; `tests/it/tidy.rs` holds that.
//!
//! * [`pack`] – what a tenant brings.
//! * [`operations`] – what can be asked, as typed functions and views.
//! * [`app`] – the one composition root.
//! * [`engine`] – carries runs out.
//! * [`registry`], [`rollcall`], [`workspace`], [`snapshot`] – name to handler; every reference
//!   to an answer; files to definitions; stored values to what a run reads.
//! * [`plugin`], `handlers`, `prune`, `capabilities` – what does the work.
//! * [`capability`], [`client`], [`store`], [`secrets`] – what may be touched, and how.
//! * [`pipeline`], [`policy`], [`schedule`], [`handler`], [`outcome`], [`settings`], [`value`],
//!   [`exchange`], [`grants`] – definitions and contracts.
//! * [`near_name`], [`config`], [`span`], [`schema`], [`shown`], [`standard_error`], [`telemetry`], [`template`], [`html`], [`foreign_reader`],
//!   [`private_file`], [`bounded`], [`confined_folder`], [`fault`], [`supervision`], [`shared_cache`], [`blocking`], [`launch`] – what a
//!   process begins with and is kept going by.

// Futures in futures are laid out by recursion, and a command's are deeper than the default.
#![recursion_limit = "256"]

pub mod address;
pub mod app;
pub mod blocking;
pub mod bounded;
mod capabilities;
pub mod capability;
pub mod client;
pub mod config;
pub mod confined_folder;
pub mod engine;
pub mod exchange;
pub mod fault;
pub mod foreign_reader;
pub mod grants;
pub mod handler;
mod handlers;
pub mod html;
pub mod launch;
pub mod lines;
pub mod model;
pub mod near_name;
pub mod operations;
pub mod outcome;
pub mod pack;
pub mod pipeline;
pub mod plugin;
pub mod policy;
pub mod private_file;
mod prune;
pub mod registry;
pub mod relative_path;
pub mod rollcall;
pub mod schedule;
pub mod schema;
pub mod secrets;
pub mod settings;
pub mod shared_cache;
pub mod shown;
pub mod snapshot;
pub mod span;
pub mod standard_error;
pub mod store;
pub mod supervision;
pub mod telemetry;
pub mod template;
pub mod value;
pub mod workspace;
