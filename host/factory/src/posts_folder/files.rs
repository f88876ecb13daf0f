//! What lies in a folder of documents: read within a bound and through no link, and where a path leads.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::Seal;

/// The largest document that is read: no post is larger.
const LARGEST: u64 = 8 << 20;

/// The text of a regular file; of what is none, of a link and of what is too large, an error.
pub fn text(path: &Path) -> io::Result<String> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        let told = "it is no file, and links are not followed";
        return Err(io::Error::other(told));
    }
    let mut text = String::new();
    let read = fs::File::open(path)?.take(LARGEST + 1);
    let bytes = { read }.read_to_string(&mut text)?;
    if bytes as u64 > LARGEST {
        let told = format!("it has more than {} MiB, as no post has", LARGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidData, told));
    }
    Ok(text)
}

/// Whose a document is, if it was written here. A folder, a link, what is no text and what is too large were not.
pub fn sealed(path: &Path) -> io::Result<Option<Seal>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    match text(path) {
        Ok(text) => Ok(Seal::of(&text)),
        Err(cause) if cause.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Where a path leads, whatever links are in it; of what is not there yet, the rest as it is written.
pub(super) fn resolved(path: &Path) -> io::Result<PathBuf> {
    for there in path.ancestors() {
        match fs::canonicalize(there) {
            Ok(real) => {
                let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
                return Ok(real.join(rest));
            }
            // A link that leads nowhere yet would lead somewhere later.
            Err(cause) if fs::symlink_metadata(there).is_ok() => return Err(cause),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
    }
    fs::canonicalize(".").map(|here| here.join(path))
}
