//! A backup of a SQLite database: all that is committed, in one file, while others write. PostgreSQL
//! has programs of its own for that.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _};

use super::{Backend, Store, StoreError, StoreErrorKind};
use crate::private;

impl Store {
    /// Write all that is committed into `file`, which is made; gives its bytes. What is in the log of
    /// the database counts as what is in its file does.
    pub async fn back_up(&self, file: &Path) -> Result<u64, StoreError> {
        let Backend::Sqlite(store) = self.backend() else {
            let message = "a backup of PostgreSQL is made by its own program, at any time: \
                `pg_dump -Fc -f FILE DATABASE`, and `pg_restore` for the way back";
            return Err(StoreError::new(StoreErrorKind::Address, message));
        };
        // For its owner alone, as the database is; SQLite takes a file that is empty.
        private::make(file).map_err(|error| unwritable(file, &error))?;
        let written = match store.copy_into(file).await {
            // What was read was the database at the path, to the end.
            Ok(()) => self.in_place().await,
            failed => failed,
        };
        let kept = written.and_then(|()| kept(file).map_err(|error| unwritable(file, &error)));
        if kept.is_err() {
            // A part of a backup is none.
            std::fs::remove_file(file).ok();
        }
        kept
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

/// See to it that a file survives the machine; gives its bytes.
fn kept(file: &Path) -> std::io::Result<u64> {
    let written = std::fs::File::open(file)?;
    written.sync_all()?;
    Ok(written.metadata()?.len())
}

fn unwritable(file: &Path, error: &std::io::Error) -> StoreError {
    let mend = match error.kind() {
        std::io::ErrorKind::AlreadyExists => "name another file, or move it away",
        _ => "see that its folder is there and can be written",
    };
    let message = format!("{} cannot be written: {error}; {mend}", file.display());
    StoreError::new(StoreErrorKind::Unavailable, message)
}
