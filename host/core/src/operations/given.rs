//! A file that a person hands over: read beside the threads that serve, and never more of it than it may have.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::OperationError;
use crate::blocking;

/// The text of a file of `most` bytes at most.
///
/// # Errors
/// If it cannot be read, has more bytes or is no UTF-8; each names the file.
pub async fn text(path: &Path, most: u64) -> Result<String, OperationError> {
    let (name, file) = (path.display().to_string(), path.to_owned());
    let read = blocking::wait(move || File::open(file).and_then(|file| bounded(file, most)));
    let read = read
        .await
        .map_err(|lost| io::Error::other(lost.to_string()));
    read.flatten()
        .map_err(|error| OperationError::usage(format!("{name}: {error}")))
}

/// The text of a source of `most` bytes at most, such as standard input.
///
/// # Errors
/// If it cannot be read, has more bytes or is no UTF-8.
pub fn bounded(source: impl io::Read, most: u64) -> io::Result<String> {
    let mut text = Vec::new();
    source.take(most.saturating_add(1)).read_to_end(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    String::from_utf8(text).map_err(|_| io::Error::other("it is no text in UTF-8"))
}
