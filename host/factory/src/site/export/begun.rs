//! An export into a folder that is not there yet: written beside its place, and brought there as a whole.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{ExportError, failed};

/// What `fill` writes, at its place; of what it cannot write nothing stays.
pub(super) fn in_place<T>(
    folder: &Path,
    fill: impl FnOnce(&Path) -> Result<T, ExportError>,
) -> Result<T, ExportError> {
    let above = MadeFolders::above(folder)?;
    let parent = parent(folder);
    let aside = tempfile::Builder::new()
        .prefix(".callboard-export-")
        // As any folder is that this person makes.
        .permissions(fs::Permissions::from_mode(0o777))
        .tempdir_in(parent)
        .map_err(|cause| failed(parent, cause))?;
    let filled = fill(aside.path())?;
    fs::rename(aside.path(), folder).map_err(|cause| failed(folder, cause))?;
    // It is where it was not made.
    drop(aside.keep());
    drop(above);
    Ok(filled)
}

/// The folder that a folder is in.
pub(super) fn parent(folder: &Path) -> &Path {
    let parent = folder.parent().unwrap_or(folder);
    if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    }
}

/// Folders that were made for one that is to come into them. Those that nothing came into go away.
struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    fn above(folder: &Path) -> Result<Self, ExportError> {
        let parent = parent(folder);
        let missing = parent
            .ancestors()
            .take_while(|path| !path.as_os_str().is_empty() && path.symlink_metadata().is_err());
        let made = Self(missing.map(Path::to_owned).collect());
        fs::create_dir_all(parent).map_err(|cause| failed(parent, cause))?;
        Ok(made)
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // One that holds something stays.
            fs::remove_dir(folder).ok();
        }
    }
}
