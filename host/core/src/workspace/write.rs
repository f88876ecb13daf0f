//! Write a new workspace: everything or nothing, and never over a file that is there.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Files, WorkspaceError, stays_inside};

/// Write `files` below `folder`, which is made if it is absent. Every file is written beside
/// its place first and then renamed; if one fails, those already renamed are removed.
pub fn write(folder: &Path, files: &Files) -> Result<(), WorkspaceError> {
    refuse_taken(folder, files)?;
    let mut staged = Vec::new();
    for (file, content) in files {
        staged.push((file, stage(folder, file, content)?));
    }
    let mut placed: Vec<PathBuf> = Vec::new();
    for (file, temporary) in staged {
        let path = folder.join(file);
        if let Err(error) = temporary.persist_noclobber(&path) {
            for path in &placed {
                fs::remove_file(path).ok();
            }
            return Err(unwritable(file, &error.error));
        }
        placed.push(path);
    }
    Ok(())
}

/// Refuse paths that leave the folder, and files that are there already.
pub fn refuse_taken(folder: &Path, files: &Files) -> Result<(), WorkspaceError> {
    for file in files.keys() {
        if !stays_inside(file) {
            return Err(WorkspaceError::new(
                file,
                "is a path out of the workspace",
                "rename it",
            ));
        }
        if folder.join(file).symlink_metadata().is_ok() {
            return Err(WorkspaceError::new(
                file,
                format!("is already in {}", folder.display()),
                "nothing was written: remove it, or name another folder",
            ));
        }
    }
    Ok(())
}

fn stage(folder: &Path, file: &str, content: &[u8]) -> Result<NamedTempFile, WorkspaceError> {
    let path = folder.join(file);
    let parent = path.parent().unwrap_or(folder);
    let write = || {
        fs::create_dir_all(parent)?;
        let mut temporary = temporary(parent)?;
        temporary.write_all(content)?;
        temporary.as_file().sync_all()?;
        Ok(temporary)
    };
    write().map_err(|error: std::io::Error| unwritable(file, &error))
}

fn temporary(parent: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".callboard-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any other file of the operator's; the process's mask takes away the rest.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(parent)
}

fn unwritable(file: &str, error: &std::io::Error) -> WorkspaceError {
    WorkspaceError {
        unwritten: Some(error.kind()),
        ..WorkspaceError::new(
            file,
            error.to_string(),
            "check that the folder can be written",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        Files::from([
            ("callboard.toml".to_owned(), b"name = \"x\"".to_vec()),
            ("site/base.html".to_owned(), b"<p>".to_vec()),
        ])
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("new");
        write(&inner, &files()).expect("written");
        assert_eq!(
            super::super::read(&inner, &[]).map(|folder| folder.files),
            Ok(files())
        );
        assert_eq!(
            fs::read_dir(&inner).expect("a folder").count(),
            2,
            "no temporary file stays"
        );
    }

    #[test]
    fn nothing_is_written_over_or_half() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("site")).expect("a folder");
        fs::write(folder.path().join("site/base.html"), "mine").expect("a file");
        let error = write(folder.path(), &files())
            .expect_err("refused")
            .to_string();
        assert!(
            error.starts_with("site/base.html: is already in"),
            "{error}"
        );
        assert!(!folder.path().join("callboard.toml").exists());
        let leaving = Files::from([("../x".to_owned(), Vec::new())]);
        assert!(write(folder.path(), &leaving).is_err());
    }
}
