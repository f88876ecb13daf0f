//! Files and folders, with errors that name them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tools::Trouble;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

/// What is in a folder, in order; nothing if it is none.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(read) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = read
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    paths.sort();
    paths
}

/// Whether two files have the same content.
pub(crate) fn same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Trouble> {
    let copied = fs::copy(from, to);
    copied.map(drop).map_err(|error| {
        let (from, to) = (from.display(), to.display());
        Trouble::new(format!("failed to copy {from} to {to}: {error}"))
    })
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(folder).map_err(|error| {
        let folder = folder.display();
        Trouble::new(format!("failed to make {folder}: {error}"))
    })
}

/// A folder that `./just` keeps, by the variable that names it.
pub(crate) fn kept(variable: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).filter(|named| !named.is_empty());
    named.map(PathBuf::from)
}
