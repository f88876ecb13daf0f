//! What processes of tests share: a folder, and files to lock in it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// A folder below the target folder for what outlives one test process.
pub(crate) fn shared_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("it");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// A file to lock; a process that ends, however it ends, lets go of it.
pub(crate) fn lock_file(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    options
        .open(path)
        .unwrap_or_else(|error| panic!("failed to open {}: {error}", path.display()))
}
