//! A backup of a SQLite database: all that is committed, in one file, while others write. PostgreSQL
//! has programs of its own for that.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::{TempDir, TempPath};

use super::{Backend, Store, StoreError, StoreErrorKind};
use crate::{fault, private_file};

/// What the folder is called, beside the backup, in which it is written.
const PART: &str = ".callboard-backup-";

impl Store {
    /// Write all that is committed into `file`, which is made once all of it is on the disk; gives its
    /// bytes. What is in the log of the database counts as what is in its file does.
    pub async fn back_up(&self, file: &Path) -> Result<u64, StoreError> {
        let Backend::Sqlite(store) = self.backend() else {
            let message = "a backup of PostgreSQL is made by its own program, at any time: \
                `pg_dump -Fc -f FILE DATABASE`, and `pg_restore` for the way back";
            return Err(StoreError::new(StoreErrorKind::Address, message));
        };
        let refused = |error: io::Error| unwritable(file, &error);
        // Before the work; what comes meanwhile is not written over either.
        if file.symlink_metadata().is_ok() {
            return Err(refused(io::ErrorKind::AlreadyExists.into()));
        }
        let (folder, part) = part(file).map_err(refused)?;
        store
            .copy_into(&part)
            .await
            .map_err(|error| match error.kind {
                StoreErrorKind::Unavailable | StoreErrorKind::Full => unwritable(file, &error),
                _ => error,
            })?;
        // What was read was the database at the path, to the end.
        self.in_place().await?;
        fault::point("before-backup");
        let bytes = named(part, file).map_err(refused)?;
        folder.close().map_err(refused)?;
        Ok(bytes)
    }
}

/// A folder beside `file` that goes with what is in it, a part of a backup and what SQLite makes
/// beside that; and the part, empty.
fn part(file: &Path) -> io::Result<(TempDir, PathBuf)> {
    let folder = tempfile::Builder::new()
        .prefix(PART)
        .tempdir_in(beside(file))?;
    let part = folder.path().join("part");
    // For its owner alone, as the database is; SQLite takes a file that is empty.
    private_file::make(&part)?;
    Ok((folder, part))
}

/// See to it that what is written survives the machine, under the name of the backup; gives its bytes.
fn named(part: PathBuf, file: &Path) -> io::Result<u64> {
    let written = std::fs::File::open(&part)?;
    written.sync_all()?;
    let bytes = written.metadata()?.len();
    TempPath::try_from_path(part)?.persist_noclobber(file)?;
    std::fs::File::open(beside(file))?.sync_all()?;
    Ok(bytes)
}

/// The folder that a file is in.
fn beside(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    }
}

impl super::sqlite::SqliteStore {
    async fn copy_into(&self, file: &Path) -> Result<(), StoreError> {
        let Some(path) = file.to_str() else {
            let message = format!("the name of {} is no text", file.display());
            return Err(StoreError::new(StoreErrorKind::Address, message));
        };
        let mut connection = self
            .options
            .clone()
            .create_if_missing(false)
            .connect()
            .await?;
        let copy = sqlx::query("VACUUM INTO $1").bind(path);
        copy.execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }
}

fn unwritable(file: &Path, error: &(dyn std::error::Error + 'static)) -> StoreError {
    let known = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let mend = match known {
        Some(io::ErrorKind::AlreadyExists) => "name another file, or move it away",
        _ => "see that its folder is there, can be written and has room",
    };
    let message = format!("{} cannot be written: {error}; {mend}", file.display());
    StoreError::new(StoreErrorKind::Unavailable, message)
}
