//! A backup of the database.

use std::path::{Path, PathBuf};

use super::{ErrorKind, OperationError};
use crate::app::App;

/// A backup that was written.
#[derive(Debug)]
pub struct WrittenBackup {
    /// Where it is.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The file with the key that opens the secrets in it, which it does not have; absent if there is none.
    pub key: Option<PathBuf>,
}

/// Write all that is committed into a new file, whether or not something works on the database.
pub async fn write(app: &App, file: &Path) -> Result<WrittenBackup, OperationError> {
    if app.is_nowhere() {
        let problem = "there is no database yet, so there is nothing to back up";
        return Err(OperationError::new(ErrorKind::Unavailable, problem));
    }
    let bytes = app.store().back_up(file).await?;
    let (file, key) = (file.to_owned(), app.key_file());
    let key = key.exists().then_some(key);
    Ok(WrittenBackup { file, bytes, key })
}
