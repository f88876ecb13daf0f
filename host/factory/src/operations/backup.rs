//! A backup of the database, and of the pictures that it names, which are kept elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use callboard_core::app::App;
use callboard_core::blocking;
use callboard_core::operations::{OperationError, backup};
use schemars::JsonSchema;
use serde::Serialize;

use crate::media::{Media, Unstored};
use crate::tables::media;

/// A backup that was written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Backup {
    /// Where it is.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The file with the key that opens the secrets in it, which it does not have; absent if there is none.
    pub key: Option<PathBuf>,
    /// The pictures that it names, and does not have.
    pub pictures: PicturesBeside,
}

/// Pictures beside a backup.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct PicturesBeside {
    /// The folder that has them; none, if they were not copied.
    pub folder: Option<PathBuf>,
    /// How many there are.
    pub kept: usize,
    /// How many were copied now; the others were there.
    pub copied: usize,
    /// Those that the media store does not have.
    pub missing: Vec<String>,
}

/// Write all that is committed into a new file, and the pictures that it names into a folder, if one is named. A folder
/// that has some of them gets the others.
pub async fn write(
    app: &App,
    file: &Path,
    pictures: Option<&Path>,
) -> Result<Backup, OperationError> {
    let written = backup::write(app, file).await?;
    let names = app.store().read(media::paths()).await?;
    let pictures = match pictures {
        Some(folder) => copied(app, names, folder).await?,
        None => PicturesBeside {
            kept: names.len(),
            ..PicturesBeside::default()
        },
    };
    Ok(Backup {
        file: written.file,
        bytes: written.bytes,
        key: written.key,
        pictures,
    })
}

async fn copied(
    app: &App,
    names: Vec<String>,
    folder: &Path,
) -> Result<PicturesBeside, OperationError> {
    let unstored = |error: Unstored| OperationError::from(error);
    let media = Media::of(app).await.map_err(unstored)?;
    let to = folder.to_owned();
    in_folder(folder, move || fs::create_dir_all(to)).await?;
    let mut beside = PicturesBeside {
        folder: Some(folder.to_owned()),
        kept: names.len(),
        ..PicturesBeside::default()
    };
    for name in names {
        let path = folder.join(&name);
        let size = path.clone();
        // A name says what the picture is, and a file is there as a whole or not at all.
        if in_folder(folder, move || Ok(size.is_file())).await? {
            continue;
        }
        let kept = match &media {
            Some(media) => media.get(&name).await.map_err(unstored)?,
            None => None,
        };
        let Some(bytes) = kept else {
            beside.missing.push(name);
            continue;
        };
        in_folder(folder, move || put(&path, &bytes)).await?;
        beside.copied += 1;
    }
    Ok(beside)
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// What is done in the folder, beside the threads that serve.
async fn in_folder<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, OperationError> {
    let failed = |error: &dyn std::fmt::Display| {
        let problem = format!("cannot write pictures into {}: {error}", folder.display());
        OperationError::failed(problem)
    };
    let done = blocking::wait(work).await.map_err(|lost| failed(&lost))?;
    done.map_err(|cause| failed(&cause))
}
