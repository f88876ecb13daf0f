//! What can be asked of the host: one file a noun, with its functions and the views that they
//! give. A command line, an API and pages are three ways to ask, and none of them decides
//! anything of its own.
//!
//! A view is one JSON document wherever it is shown, and its schema describes it. Lengths of time
//! have their unit in the key (`took_ms`), moments are RFC 3339 in UTC, and `short` is what lists
//! show of an id, which every question takes.

pub mod backup;
pub mod doctor;
mod error;
pub mod findings;
pub mod gates;
pub mod given;
pub mod handlers;
pub mod health;
pub mod models;
pub mod named;
mod newest;
pub mod overview;
pub mod pipelines;
pub mod plugins;
pub mod policies;
pub mod prompts;
pub mod revisions;
pub mod runs;
pub mod schedules;
pub mod settings;
pub mod test_cases;

pub use self::error::{ErrorKind, MisreadView, OperationError, ProblemView};
pub use self::newest::Newest;
pub use crate::engine::operate::Actor;
pub use crate::store::unreadable::{ListEntry, UnreadableRow};
