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
}

/// Write all that is committed into a new file, whether or not something works on the database.
pub async fn write(app: &App, file: &Path) -> Result<WrittenBackup, OperationError> {
    if app.is_nowhere() {
        let problem = "there is no database yet, so there is nothing to back up";
        return Err(OperationError::new(ErrorKind::Unavailable, problem));
    }
    let bytes = app.store().back_up(file).await?;
    let file = file.to_owned();
    Ok(WrittenBackup { file, bytes })
}
