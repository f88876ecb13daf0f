//! What tests stand on: databases, the program, repositories and guests. Everything here is
//! real; nothing is a stand-in.
//!
//! * [`database::TestDatabase`] and `on_both!`: an empty database of the test's own.
//! * [`host::Host`]: the program in a workspace of its own.
//! * [`repository::repository`]: a git repository with commits at fixed dates.
//! * [`factory::Factory`]: the bundled workspace, set up and applied.
//! * [`daemon::Daemon`]: the program while it runs.
//! * [`model::ModelServer`]: a model server that answers well or badly.
//! * [`scripted::Scripted`]: a web server that answers by a script.
//! * [`pictures::PictureServer`]: a server that answers each request as a test says.
//! * [`nothing::Nothing`]: what a call reaches that needs nothing.
//! * [`guests::guest`]: the component of a guest that misbehaves on purpose.

pub(crate) mod daemon;
pub(crate) mod database;
pub(crate) mod factory;
pub(crate) mod guests;
pub(crate) mod host;
pub(crate) mod keeper;
pub(crate) mod model;
pub(crate) mod nothing;
pub(crate) mod pictures;
pub(crate) mod postgres;
pub(crate) mod relay;
pub(crate) mod repository;
pub(crate) mod scripted;

mod selftest;
mod shared;

use std::path::PathBuf;

pub(crate) use self::shared::{lock_file, shared_folder};

/// The program that the tests are about: this build's or, for some, the one that
/// `CALLBOARD_TEST_PROGRAM` names.
pub(crate) fn program() -> PathBuf {
    let named = std::env::var_os("CALLBOARD_TEST_PROGRAM");
    named.map_or_else(|| env!("CARGO_BIN_EXE_callboard").into(), PathBuf::from)
}

/// Let the library compile in this process: with the program that the tests are about, and kept
/// for all tests.
pub(crate) fn compiles() {
    callboard_core::plugin::use_cache(compiled());
    callboard_core::plugin::compile::use_program(program());
}

/// Where compiled plugins are kept.
pub(crate) fn compiled() -> PathBuf {
    shared_folder().join("compiled")
}
