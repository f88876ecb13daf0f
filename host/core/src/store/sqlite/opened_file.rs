//! A file that this process has open is the one at its path, or has been replaced: then what is
//! written to it is lost, and a process that opens the path sees another.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::store::{StoreError, StoreErrorKind};

/// A file, and its number where it lies.
#[derive(Debug)]
pub(in crate::store) struct OpenedFile {
    path: PathBuf,
    file: Option<(u64, u64)>,
}

impl OpenedFile {
    /// Where a file that has just been opened is found.
    pub(in crate::store) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: number(path),
        }
    }

    /// The places of a database that is open, and of its log.
    pub(in crate::store) fn of_database(path: &Path) -> Vec<Self> {
        let files = ["", "-wal", "-shm"].map(|ending| {
            let mut file = path.as_os_str().to_owned();
            file.push(ending);
            Self::of(Path::new(&file))
        });
        files
            .into_iter()
            .filter(|place| place.file.is_some())
            .collect()
    }

    /// Refused once another file is at its path, or none.
    pub(in crate::store) fn check(&self) -> Result<(), StoreError> {
        if self.file == number(&self.path) {
            return Ok(());
        }
        let path = self.path.display();
        Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!(
                "{path} was replaced or removed under this process, and what it writes would be \
                 lost: start it again, and stop it before you restore a backup"
            ),
        ))
    }
}

fn number(path: &Path) -> Option<(u64, u64)> {
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}
