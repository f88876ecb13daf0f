//! What tests stand on: databases, the program, repositories and guests. Everything here is
//! real; nothing is a stand-in.
//!
//! * [`database::TestDatabase`] and `on_both!`: an empty database of the test's own.
//! * [`host::Host`]: the program in a workspace of its own.
//! * [`repository::repository`]: a git repository with commits at fixed dates.
//! * [`factory::Factory`]: the bundled workspace, set up and applied.
//! * [`daemon::Daemon`]: the program while it runs.
//! * [`model::ModelServer`]: a model server that answers well or badly.
//! * [`guests::guest`]: the component of a guest that misbehaves on purpose.

pub(crate) mod daemon;
pub(crate) mod database;
pub(crate) mod factory;
pub(crate) mod guests;
pub(crate) mod host;
pub(crate) mod keeper;
pub(crate) mod model;
pub(crate) mod postgres;
pub(crate) mod repository;

mod selftest;

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// A folder below the target folder for what outlives one test process.
pub(crate) fn shared_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("it");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// Let the library compile in this process: with the program that the tests are about, and kept
/// for all tests.
pub(crate) fn compiles() {
    callboard_core::plugin::use_cache(compiled());
    callboard_core::plugin::compile::use_program(env!("CARGO_BIN_EXE_callboard").into());
}

/// Where compiled plugins are kept.
pub(crate) fn compiled() -> PathBuf {
    shared_folder().join("compiled")
}

/// A file to lock; whoever ends, however it ends, lets go of it.
pub(crate) fn lock_file(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    options
        .open(path)
        .unwrap_or_else(|error| panic!("failed to open {}: {error}", path.display()))
}
