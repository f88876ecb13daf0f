//! Whole stories through the real program, each in a workspace of its own. The comments name
//! the scenarios of the requirements, S3 to S18.

mod cassettes;
mod citations;
mod committed;
mod crash;
mod critic;
mod doctor;
mod idle;
mod ledger;
pub(crate) mod markdown_folder;
pub(crate) mod model;
mod modes;
mod once;
mod one_worker;
mod outage;
mod own_runnable;
mod plugin_models;
mod providers;
mod rails;
mod retention;
pub(crate) mod roll_call;
mod sealed;
mod settling;
mod spending;
mod streams;
mod taps;
mod tended;
mod trials;
mod unavailable;
mod unread;
mod upgrade;
mod webhook;
mod workspace_tests;
