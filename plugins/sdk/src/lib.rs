//! The SDK for plugins of Callboard.
//!
//! A plugin is a component with one or more handlers. A handler says what it is (its name,
//! the shape of its configuration, what it reads and writes, what it needs) and does one
//! unit of work. It never says "ok" by accident: it gives [`Done`] or a [`Stop`].
//!
//! ```
//! use callboard_plugin::{Call, Done, Handler, Stop};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Counts the words of a draft.
//! struct Words;
//! callboard_plugin::export!(Words);
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Config { least: usize }
//! #[derive(Deserialize, JsonSchema)]
//! struct Reads { draft: String }
//! #[derive(Serialize, JsonSchema)]
//! struct Writes { words: usize }
//!
//! impl Handler for Words {
//!     const NAME: &'static str = "content.words";
//!     const SUMMARY: &'static str = "Counts the words of a draft";
//!     type Config = Config;
//!     type Reads = Reads;
//!     type Writes = Writes;
//!
//!     fn handle(_call: &Call, config: Config, reads: Reads) -> Result<Done<Writes>, Stop> {
//!         let words = reads.draft.split_whitespace().count();
//!         if words < config.least {
//!             return Err(Stop::rejected("length", format!("{words} words, at least {} wanted", config.least)));
//!         }
//!         Ok(Done::new(Writes { words }))
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Layout
//!
//! * [`handler`], [`needs`]: what an author implements
//! * [`outcome`], [`stop`]: what came of a call
//! * [`db`], [`http`], [`log`], [`model`], [`settings`], [`vectors`]: the capabilities, one module each
//! * [`entry`]: what [`export!`] generates calls to
//! * [`bindings`]: generated from the WIT

pub mod bindings;
pub mod db;
pub mod entry;
pub mod handler;
pub mod http;
pub mod log;
pub mod model;
pub mod needs;
pub mod outcome;
pub mod settings;
pub mod stop;
pub mod vectors;

pub use handler::{Call, Handler, Nothing};
pub use needs::{Needs, Rows, Table, Verb};
pub use outcome::Done;
pub use stop::{Failure, FailureKind, Stop};
