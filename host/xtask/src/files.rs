//! Files and folders, with errors that name them.
#![expect(
    clippy::disallowed_methods,
    reason = "the files of the repository, read by its recipes"
)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::tools::Trouble;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

/// What is in a folder, in order.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let unread = |error| Trouble::new(format!("{} cannot be read: {error}", folder.display()));
    let read = fs::read_dir(folder).map_err(unread)?;
    let paths = read.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = paths.collect::<Result<_, _>>().map_err(unread)?;
    paths.sort();
    Ok(paths)
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
