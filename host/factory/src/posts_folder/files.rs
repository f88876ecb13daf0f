//! The files of such a folder, and where a path leads. No link below the folder that the operator named is followed, and what has more
//! bytes than any document that is written here is none of them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use callboard_core::bounded;
use callboard_core::confined_folder::{ConfinedFolder, FileKind, FolderProblem, Refusal};

use super::{FolderPlace, Seal};
use crate::documents::LARGEST;

/// The folder of the pictures.
pub const PICTURES: &str = "media";

/// A folder of documents, opened.
#[derive(Debug)]
pub struct PostsFiles {
    files: ConfinedFolder,
    folder: String,
}

/// What is at the place of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum There {
    Nothing,
    /// One that was written here, with its text.
    Ours(Seal, String),
    /// What is not known as such, and why.
    Other(String),
}

impl PostsFiles {
    /// The folder is there, and says whose it is.
    pub fn made(place: &FolderPlace) -> Result<Self, Refusal> {
        let files = ConfinedFolder::made(&place.root).map_err(|error| Refusal {
            path: String::new(),
            problem: FolderProblem::Unwritten(error),
        })?;
        let own = Self {
            files,
            folder: place.folder.clone(),
        };
        own.files.make_folder(&own.path(PICTURES))?;
        if own.files.kind(&place.mark)? != Some(FileKind::File) {
            let said = b"Posts as Markdown, written by callboard.\n";
            own.files.write(&place.mark, said)?;
        }
        Ok(own)
    }

    /// The path of a name in the folder, below what the operator named.
    pub fn path(&self, name: &str) -> String {
        match self.folder.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        }
    }

    /// What is at the name of a document. A link is refused.
    pub fn there(&self, name: &str) -> Result<There, Refusal> {
        let read = self.files.read(&self.path(name), LARGEST);
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(refusal) => {
                return match refusal.problem {
                    FolderProblem::Absent => Ok(There::Nothing),
                    problem @ FolderProblem::Large(_) => Ok(There::Other(format!("it {problem}"))),
                    _ => Err(refusal),
                };
            }
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(There::Other("it is not UTF-8".to_owned()));
        };
        Ok(match Seal::of(&text) {
            Ok(Some(seal)) => There::Ours(seal, text),
            Ok(None) => There::Other("its head does not say that Callboard wrote it".to_owned()),
            Err(why) => There::Other(why),
        })
    }

    /// The addresses whose documents are there, each with what is; of what is no file, that.
    pub fn all(&self) -> Result<Vec<(String, There)>, Refusal> {
        let mut all = Vec::new();
        for (name, kind) in self.files.list(&self.folder)? {
            let Some(slug) = name.to_str().and_then(|name| name.strip_suffix(".md")) else {
                continue;
            };
            let there = match kind {
                FileKind::File => match self.there(&format!("{slug}.md"))? {
                    // Of a text nothing but its seal is wanted.
                    There::Ours(seal, _) => There::Ours(seal, String::new()),
                    there => there,
                },
                _ => There::Other("it is no file, and links are not followed".to_owned()),
            };
            all.push((slug.to_owned(), there));
        }
        all.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(all)
    }

    /// A document as a whole or not at all.
    pub fn write(&self, name: &str, text: &str) -> Result<(), Refusal> {
        self.files.write(&self.path(name), text.as_bytes())
    }

    /// Remove a document.
    pub fn remove(&self, name: &str) -> Result<bool, Refusal> {
        self.files.remove(&self.path(name))
    }

    /// Whether a picture is there, whose name says what it is.
    pub fn has_picture(&self, name: &str) -> Result<bool, Refusal> {
        let found = self.files.kind(&self.path(&format!("{PICTURES}/{name}")))?;
        Ok(found == Some(FileKind::File))
    }

    /// A picture as a whole or not at all, of what `fill` writes.
    pub fn write_picture<E: From<Refusal>>(
        &self,
        name: &str,
        fill: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.path(&format!("{PICTURES}/{name}"));
        self.files.write_with(&path, fill)
    }
}

/// Whose a document is, if it was written here. A folder, a link, what is no text and what is too large were not.
pub(super) fn sealed(path: &Path) -> io::Result<Option<Seal>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    match bounded::text_of(path, LARGEST) {
        Ok(text) => Ok(Seal::of(&text).ok().flatten()),
        Err(cause)
            if matches!(
                cause.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge
            ) =>
        {
            Ok(None)
        }
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
