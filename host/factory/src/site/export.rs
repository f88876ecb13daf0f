//! The whole site as files. They are written aside first and then moved into place one by one,
//! so that a reader never meets half a file, and a crash leaves whole files that the list knows. A folder that is
//! new is written beside its place and comes there as a whole, or not at all.

mod files;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use super::{Site, SiteError};
use crate::tables::posts::Post;

/// The file that lists what an export wrote, so that the next one touches nothing else.
pub const LIST: &str = ".callboard-export";

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    pub files: usize,
    pub bytes: u64,
    /// Addresses of before that lead on.
    pub redirects: usize,
    /// The slugs of posts that can't be shown, and why; nothing else of the site shows them.
    pub left_out: Vec<(String, SiteError)>,
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Site(#[from] SiteError),
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
}

/// The file in which hosts of static files read which addresses lead to which.
pub const REDIRECTS: &str = "_redirects";

/// The file that says what an export that is kept was written of.
const STATE: &str = ".callboard-export.state";
/// The right to write an export into a folder, which is made: whoever else would waits until it is dropped. Where a file
/// system has no locks, nobody waits.
pub fn hold(folder: &Path) -> Result<fs::File, ExportError> {
    fs::create_dir_all(folder).map_err(|cause| failed(folder, cause))?;
    let held = fs::File::open(folder).map_err(|cause| failed(folder, cause))?;
    held.lock().ok();
    Ok(held)
}

/// What the export in a folder was written of, if that is known.
pub fn written_of(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(STATE)).ok()
}

/// Say what the export in a folder was written of.
pub fn note_written(folder: &Path, state: &str) -> Result<(), ExportError> {
    write(&folder.join(STATE), state)
}

/// Write the published site into `folder`, with addresses that posts had before, each with the one it leads
/// to. What an earlier export wrote there is replaced;
/// other files are never touched, and a folder that no export made must be empty.
pub fn export(
    site: &Site,
    posts: &[Post],
    moved: &[(String, String)],
    folder: &Path,
) -> Result<Exported, ExportError> {
    let (posts, left_out) = files::showable(site, posts);
    let moved = files::leading_on(&posts, moved);
    let files = files::all(site, posts, &moved)?;
    let exported = Exported {
        files: files.len(),
        redirects: moved.len(),
        bytes: files.values().map(|content| content.len() as u64).sum(),
        left_out,
    };
    let target = Target::open(folder)?;
    let names: BTreeSet<String> = files.keys().cloned().collect();
    if let Some(name) = names.iter().find(|name| !is_inside(name)) {
        let name = name.clone();
        return Err(ExportError::Outside { name });
    }
    target.refuse_foreign(&names)?;
    let aside = target.aside()?;
    for (name, content) in &files {
        write(&aside.path().join(name), content)?;
    }
    if target.is_new {
        write_list(aside.path(), names.iter())?;
        target.begin(aside)?;
        return Ok(exported);
    }
    target.write_list(target.own.union(&names))?;
    target.move_in(aside.path(), &names)?;
    target.remove(target.own.difference(&names))?;
    target.write_list(names.iter())?;
    Ok(exported)
}

/// The folder and what an earlier export wrote into it.
struct Target<'f> {
    folder: &'f Path,
    own: BTreeSet<String>,
    /// Whether it was not there yet.
    is_new: bool,
    _above: MadeFolders,
}

impl<'f> Target<'f> {
    fn open(folder: &'f Path) -> Result<Self, ExportError> {
        let is_new = folder.symlink_metadata().is_err();
        let above = MadeFolders::above(folder)?;
        let list = folder.join(LIST);
        let own = match fs::read_to_string(&list) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(cause) => return Err(failed(&list, cause)),
        };
        if let Some(entry) = own.iter().find(|entry| !is_inside(entry)) {
            let entry = entry.clone();
            return Err(ExportError::List { list, entry });
        }
        let target = Self {
            folder,
            own,
            is_new,
            _above: above,
        };
        if !is_new && !list.exists() {
            target.refuse_full()?;
        }
        Ok(target)
    }

    fn refuse_full(&self) -> Result<(), ExportError> {
        for entry in fs::read_dir(self.folder).map_err(|cause| failed(self.folder, cause))? {
            let entry = entry.map_err(|cause| failed(self.folder, cause))?;
            // What an export left that was cut off is no reason to refuse the next one.
            if !entry.file_name().to_string_lossy().starts_with(LIST) {
                return Err(ExportError::Foreign { path: entry.path() });
            }
        }
        Ok(())
    }

    /// A file of the same name that no export wrote, or a link that leads elsewhere.
    fn refuse_foreign(&self, names: &BTreeSet<String>) -> Result<(), ExportError> {
        for name in names.union(&self.own) {
            let path = self.folder.join(name);
            let exists = path.symlink_metadata().is_ok();
            if exists && (!self.own.contains(name) || path.is_dir()) {
                return Err(ExportError::Foreign { path });
            }
            let mut parents = Path::new(name).ancestors().skip(1);
            if let Some(parent) = parents.find(|parent| self.is_link(parent)) {
                let path = self.folder.join(parent);
                return Err(ExportError::Foreign { path });
            }
        }
        Ok(())
    }

    fn is_link(&self, parent: &Path) -> bool {
        !parent.as_os_str().is_empty() && self.folder.join(parent).is_symlink()
    }

    /// A folder to write in that is on the same file system; it goes away by itself.
    fn aside(&self) -> Result<tempfile::TempDir, ExportError> {
        let place = if self.is_new {
            above(self.folder)
        } else {
            self.folder
        };
        tempfile::Builder::new()
            .prefix(".callboard-export-")
            // As any folder is that this person makes.
            .permissions(fs::Permissions::from_mode(0o777))
            .tempdir_in(place)
            .map_err(|cause| failed(place, cause))
    }

    /// Bring the whole to its place, where there is nothing yet.
    fn begin(&self, aside: tempfile::TempDir) -> Result<(), ExportError> {
        fs::rename(aside.path(), self.folder).map_err(|cause| failed(self.folder, cause))?;
        // It is where it was not made.
        drop(aside.keep());
        Ok(())
    }

    /// Deep files first, so that nothing links to a page that is not there yet.
    fn move_in(&self, aside: &Path, names: &BTreeSet<String>) -> Result<(), ExportError> {
        let mut names: Vec<_> = names.iter().collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.matches('/').count()));
        for name in names {
            let place = self.folder.join(name);
            create_parent(&place)?;
            fs::rename(aside.join(name), &place).map_err(|cause| failed(&place, cause))?;
        }
        Ok(())
    }

    fn remove<'n>(&self, names: impl Iterator<Item = &'n String>) -> Result<(), ExportError> {
        for name in names {
            let path = self.folder.join(name);
            match fs::remove_file(&path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(&path, cause));
                }
                _ => self.remove_empty(Path::new(name)),
            }
        }
        Ok(())
    }

    fn remove_empty(&self, name: &Path) {
        let parents = name.ancestors().skip(1);
        for parent in parents.filter(|parent| !parent.as_os_str().is_empty()) {
            // A folder that still holds something stays.
            fs::remove_dir(self.folder.join(parent)).ok();
        }
    }

    fn write_list<'n>(&self, names: impl Iterator<Item = &'n String>) -> Result<(), ExportError> {
        write_list(self.folder, names)
    }
}

fn write_list<'n>(
    folder: &Path,
    names: impl Iterator<Item = &'n String>,
) -> Result<(), ExportError> {
    let text: String = names.flat_map(|name| [name.as_str(), "\n"]).collect();
    let list = folder.join(LIST);
    let fresh = folder.join(format!("{LIST}.new"));
    let written = write(&fresh, &text);
    let written =
        written.and_then(|()| fs::rename(&fresh, &list).map_err(|cause| failed(&list, cause)));
    if written.is_err() {
        fs::remove_file(&fresh).ok();
    }
    written
}

/// The folder that a folder is in.
fn above(folder: &Path) -> &Path {
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
        let parent = above(folder);
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

/// Whether a file of this name stays inside the folder.
fn is_inside(entry: &str) -> bool {
    let path = Path::new(entry);
    !entry.is_empty()
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), ExportError> {
    create_parent(path)?;
    fs::write(path, text).map_err(|cause| failed(path, cause))
}

fn create_parent(path: &Path) -> Result<(), ExportError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|cause| failed(parent, cause))
}

fn failed(path: &Path, cause: io::Error) -> ExportError {
    let path = path.to_owned();
    ExportError::Write { path, cause }
}
