//! A file that a person hands over: read beside the threads that serve, and never more of it than it may have.

use std::io;
use std::path::Path;

use super::OperationError;
use crate::{blocking, bounded};

/// The text of a file of `most` bytes at most.
///
/// # Errors
/// If it cannot be read, has more bytes or is no UTF-8; each names the file.
pub async fn text(path: &Path, most: u64) -> Result<String, OperationError> {
    let (name, file) = (path.display().to_string(), path.to_owned());
    let read = blocking::wait(move || bounded::text_of(&file, most)).await;
    let read = read.map_err(|lost| io::Error::other(lost.to_string()));
    read.flatten()
        .map_err(|error| OperationError::usage(format!("{name}: {error}")))
}
