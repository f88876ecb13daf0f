//! Files that belong to their owner alone: the database, the key, the locks. They are made so,
//! whatever the umask says, and one that others may reach is named with the mend.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// How to open a file that is made for its owner alone if it is not there.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Make an empty file for its owner alone. An error of the kind `AlreadyExists` if it is there.
pub fn make(path: &Path) -> io::Result<File> {
    options().write(true).create_new(true).open(path)
}

/// Whether others than its owner may read or change what is at `path`.
#[cfg(unix)]
pub fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

/// Whether others than its owner may read or change what is at `path`.
#[cfg(not(unix))]
pub fn is_open_to_others(_path: &Path) -> bool {
    false
}
