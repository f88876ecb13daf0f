//! The whole site as files. They are written aside first and then moved into place one by one,
//! so that a reader never meets half a file, and a crash leaves whole files that the list knows.

mod begun;
mod files;
mod held;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use callboard_core::confined_folder::{ASIDE, ConfinedFolder, FileKind, FolderProblem, Refusal};

pub use self::held::{hold, note_written, written_of};
use super::{Site, SiteError};
use crate::media::{Unstored, WaitedPieces};
use crate::tables::posts::Post;

/// The file that lists what an export wrote, so that the next one touches nothing else.
pub const LIST: &str = ".callboard-export";
/// The most bytes of it.
const LISTED: u64 = 16 << 20;

/// Gives a picture piece by piece; `None` if it is not there.
pub type Pictures = dyn Fn(&str) -> Result<Option<WaitedPieces>, Unstored> + Send;

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenSite {
    pub files: usize,
    pub bytes: u64,
    /// Addresses of before that lead on.
    pub redirects: usize,
    /// The slugs of posts that can't be shown, and why; nothing else of the site shows them.
    pub left_out: Vec<(String, SiteError)>,
    /// Pictures that are shown and not there.
    pub no_pictures: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Picture(#[from] Unstored),
    #[error("the slug `{slug}` is no name of a folder; leave the post out, or remove it")]
    Slug { slug: String },
    #[error(
        "{} is not from an export and would be in the way; export into an empty folder or move it away",
        path.display()
    )]
    Foreign { path: PathBuf },
    #[error("the list {} names `{entry}`, which is outside its folder; delete the list", list.display())]
    List { list: PathBuf, entry: String },
    #[error("the site has a file `{name}`, which would be outside its folder; rename it")]
    Outside { name: String },
    #[error("cannot write {}: {cause}; check that the folder can be written", path.display())]
    Write { path: PathBuf, cause: io::Error },
    #[error("{} {problem}; {}", path.display(), problem.mend())]
    Refused {
        path: PathBuf,
        problem: FolderProblem,
    },
}

/// The file in which hosts of static files read which addresses lead to which.
pub const REDIRECTS: &str = "_redirects";

/// Write the published site into `folder`, with addresses that posts had before, each with the one it leads
/// to. What an earlier export wrote there is replaced; other files are never touched, no link is followed, and a
/// folder that no export made must be empty. One that is not there comes to its place as a whole or not at all.
/// Of pictures one piece is in memory at a time.
pub fn export(
    site: &Site,
    posts: &[Post],
    moved: &[(String, String)],
    folder: &Path,
    pictures: &Pictures,
) -> Result<WrittenSite, ExportError> {
    if folder.symlink_metadata().is_ok() {
        return write(site, posts, moved, folder, pictures);
    }
    begun::in_place(folder, |aside| write(site, posts, moved, aside, pictures))
}

/// Write it into a folder that is there.
fn write(
    site: &Site,
    posts: &[Post],
    moved: &[(String, String)],
    folder: &Path,
    pictures: &Pictures,
) -> Result<WrittenSite, ExportError> {
    let (posts, left_out) = files::showable(site, posts);
    let moved = files::leading_on(&posts, moved);
    let shown = files::pictures(&posts);
    let files = files::all(site, posts, &moved)?;
    let mut exported = WrittenSite {
        files: files.len(),
        redirects: moved.len(),
        bytes: files.values().map(|content| content.len() as u64).sum(),
        left_out,
        no_pictures: Vec::new(),
    };
    let target = ExportTarget::open(folder)?;
    let mut names: BTreeSet<String> = files.keys().cloned().collect();
    if let Some(name) = names.iter().find(|name| !is_inside(name)) {
        let name = name.clone();
        return Err(ExportError::Outside { name });
    }
    let kept = shown.iter().map(|name| files::place(name));
    target.refuse_foreign(&names.iter().cloned().chain(kept).collect())?;
    let aside = target.aside()?;
    for (name, content) in &files {
        target.put(&aside.at(name), content)?;
    }
    for name in shown {
        let Some(pieces) = pictures(&name)? else {
            exported.no_pictures.push(name);
            continue;
        };
        let place = files::place(&name);
        exported.bytes += target.put_pieces(&aside.at(&place), pieces)?;
        exported.files += 1;
        names.insert(place);
    }
    target.write_list(target.own.union(&names))?;
    target.move_in(&aside, &names)?;
    target.remove(target.own.difference(&names))?;
    target.write_list(names.iter())?;
    Ok(exported)
}

/// The folder and what an earlier export wrote into it.
struct ExportTarget<'f> {
    folder: &'f Path,
    files: ConfinedFolder,
    own: BTreeSet<String>,
}

/// A folder to write in that is on the same file system; it goes away by itself.
struct Aside {
    name: String,
    _folder: tempfile::TempDir,
}

impl Aside {
    fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }
}

impl<'f> ExportTarget<'f> {
    fn open(folder: &'f Path) -> Result<Self, ExportError> {
        let files = ConfinedFolder::made(folder).map_err(|cause| failed(folder, cause))?;
        let mut target = Self {
            folder,
            files,
            own: BTreeSet::new(),
        };
        let text = match target.files.read(LIST, LISTED) {
            Err(refusal) if matches!(refusal.problem, FolderProblem::Absent) => {
                target.refuse_full()?;
                return Ok(target);
            }
            read => read.map_err(|refusal| target.refused(refusal))?,
        };
        let list = folder.join(LIST);
        let text =
            String::from_utf8(text).map_err(|error| failed(&list, io::Error::other(error)))?;
        target.own = text.lines().map(str::to_owned).collect();
        if let Some(entry) = target.own.iter().find(|entry| !is_inside(entry)) {
            let entry = entry.clone();
            return Err(ExportError::List { list, entry });
        }
        Ok(target)
    }

    fn refused(&self, refusal: Refusal) -> ExportError {
        let path = self.folder.join(refusal.path);
        let problem = refusal.problem;
        match problem {
            FolderProblem::Unwritten(cause) => ExportError::Write { path, cause },
            problem => ExportError::Refused { path, problem },
        }
    }

    fn refuse_full(&self) -> Result<(), ExportError> {
        let names = self.files.list("");
        for (name, _) in names.map_err(|refusal| self.refused(refusal))? {
            // What an export left that was cut off is no reason to refuse the next one.
            let name = name.to_string_lossy();
            if !name.starts_with(LIST) && !name.starts_with(ASIDE) {
                let path = self.folder.join(&*name);
                return Err(ExportError::Foreign { path });
            }
        }
        Ok(())
    }

    /// A file of the same name that no export wrote, or a link that leads elsewhere.
    fn refuse_foreign(&self, names: &BTreeSet<String>) -> Result<(), ExportError> {
        for name in names.union(&self.own) {
            let in_the_way = match self.files.kind(name) {
                Ok(None) => continue,
                Ok(Some(FileKind::File)) if self.own.contains(name) => continue,
                Ok(Some(_)) => name.clone(),
                Err(refusal) => match refusal.problem {
                    FolderProblem::Link | FolderProblem::Special => refusal.path,
                    _ => return Err(self.refused(refusal)),
                },
            };
            let path = self.folder.join(in_the_way);
            return Err(ExportError::Foreign { path });
        }
        Ok(())
    }

    fn aside(&self) -> Result<Aside, ExportError> {
        let made = tempfile::Builder::new()
            .prefix(".callboard-export-")
            .tempdir_in(self.folder);
        let folder = made.map_err(|cause| failed(self.folder, cause))?;
        let name = folder.path().file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(Aside {
            name,
            _folder: folder,
        })
    }

    fn create(&self, path: &str) -> Result<File, ExportError> {
        let made = self.files.create(path);
        made.map_err(|refusal| self.refused(refusal))
    }

    fn put(&self, path: &str, content: &[u8]) -> Result<(), ExportError> {
        let written = self.create(path)?.write_all(content);
        written.map_err(|cause| failed(&self.folder.join(path), cause))
    }

    /// The bytes of all pieces.
    fn put_pieces(&self, path: &str, pieces: WaitedPieces) -> Result<u64, ExportError> {
        let (mut file, mut bytes) = (self.create(path)?, 0);
        for piece in pieces {
            let piece = piece?;
            let written = file.write_all(&piece);
            written.map_err(|cause| failed(&self.folder.join(path), cause))?;
            bytes += piece.len() as u64;
        }
        Ok(bytes)
    }

    /// Deep files first, so that nothing links to a page that is not there yet.
    fn move_in(&self, aside: &Aside, names: &BTreeSet<String>) -> Result<(), ExportError> {
        let mut names: Vec<_> = names.iter().collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.matches('/').count()));
        for name in names {
            let moved = self.files.rename(&aside.at(name), name);
            moved.map_err(|refusal| self.refused(refusal))?;
        }
        Ok(())
    }

    fn remove<'n>(&self, names: impl Iterator<Item = &'n String>) -> Result<(), ExportError> {
        for name in names {
            let removed = self.files.remove(name);
            removed.map_err(|refusal| self.refused(refusal))?;
            let mut parent = name.as_str();
            while let Some((above, _)) = parent.rsplit_once('/') {
                // A folder that still holds something stays.
                self.files.remove_folder(above).ok();
                parent = above;
            }
        }
        Ok(())
    }

    fn write_list<'n>(&self, names: impl Iterator<Item = &'n String>) -> Result<(), ExportError> {
        let text: String = names.flat_map(|name| [name.as_str(), "\n"]).collect();
        let written = self.files.write(LIST, text.as_bytes());
        written.map_err(|refusal| self.refused(refusal))
    }
}

/// Whether a file of this name stays inside the folder.
fn is_inside(entry: &str) -> bool {
    let path = Path::new(entry);
    !entry.is_empty()
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

fn failed(path: &Path, cause: io::Error) -> ExportError {
    let path = path.to_owned();
    ExportError::Write { path, cause }
}
