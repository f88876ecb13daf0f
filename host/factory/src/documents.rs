//! The Markdown documents of a folder, as they lie in it: no link is followed, each has a bound and all have one
//! together, and what cannot be read is told with its cause.

use std::ffi::OsString;
use std::path::Path;

use callboard_core::confined_folder::{Allowance, ConfinedFolder, FileKind};

use crate::research::MissedSource;

/// The largest document that is read or written, in bytes.
pub const LARGEST: u64 = 1 << 20;
/// What all that are read of a folder may have together: they are in memory at once.
const ALL: u64 = 256 << 20;
/// How deep folders are looked into.
const DEPTH: usize = 8;

/// The paths of the documents below a folder, in their order, and what cannot be looked into.
pub fn listed(files: &ConfinedFolder) -> (Vec<String>, Vec<MissedSource>) {
    let (mut documents, mut missed) = (Vec::new(), Vec::new());
    below(files, ("", DEPTH), &mut documents, &mut missed);
    documents.sort();
    (documents, missed)
}

fn below(
    files: &ConfinedFolder,
    (folder, deeper): (&str, usize),
    documents: &mut Vec<String>,
    missed: &mut Vec<MissedSource>,
) {
    let shown = if folder.is_empty() { "." } else { folder };
    let names: Vec<(OsString, FileKind)> = match files.list(folder) {
        Ok(names) => names,
        Err(refusal) => return missed.push(MissedSource::new(shown, refusal.problem)),
    };
    for (name, kind) in names {
        let Some(name) = name.to_str() else {
            missed.push(MissedSource::new(
                name.to_string_lossy(),
                "its name is not UTF-8",
            ));
            continue;
        };
        let path = match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        match kind {
            _ if name.starts_with('.') => {}
            FileKind::Folder if deeper == 0 => {
                missed.push(MissedSource::new(
                    path,
                    format!("folders are read {DEPTH} deep"),
                ));
            }
            FileKind::Folder => below(files, (&path, deeper - 1), documents, missed),
            FileKind::File if is_document(name) => documents.push(path),
            FileKind::Link | FileKind::Special if is_document(name) => {
                missed.push(MissedSource::new(
                    path,
                    "it is no file, and links are not followed",
                ));
            }
            _ => {}
        }
    }
}

fn is_document(name: &str) -> bool {
    let ending = Path::new(name).extension();
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("md"))
}

/// The texts of a folder's documents.
#[derive(Debug)]
pub struct Documents<'f> {
    files: &'f ConfinedFolder,
    allowance: Allowance,
}

impl<'f> Documents<'f> {
    pub fn of(files: &'f ConfinedFolder) -> Self {
        Self {
            files,
            allowance: Allowance::new(ALL),
        }
    }

    /// The text of one of at most so many bytes, and of what all may still have.
    pub fn read(&mut self, path: &str, most: u64) -> Result<String, String> {
        let bytes = self.allowance.read(self.files, path, most);
        let bytes = bytes.map_err(|refusal| refusal.problem.to_string())?;
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
    }
}
