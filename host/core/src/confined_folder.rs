//! A folder whose files are read, and written, as they lie in it: each part of a path is opened without
//! following a link, only a regular file is read, and never more of it than is asked for. A process
//! that may put a file into the folder can thus neither lead out of it, nor hold its reader up.

mod write;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::bounded;

pub use self::write::ASIDE;

/// The most names of one folder.
const NAMES: usize = 20_000;

/// A folder that is read, and what of the system's files it never gives away.
#[derive(Debug)]
pub struct ConfinedFolder {
    root: OwnedFd,
    /// Files that are not read under any name, and what each is called.
    private: BTreeMap<FileIdentity, PathBuf>,
}

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    File,
    Folder,
    Link,
    /// A pipe, a socket, a device.
    Special,
}

/// A file itself, whatever names lead to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct FileIdentity {
    device: u64,
    inode: u64,
}

/// Why something is not read, or not written.
#[derive(Debug, thiserror::Error)]
#[error("{path} {problem}")]
pub struct Refusal {
    /// What was asked for, or the part of it at which that failed.
    pub path: String,
    pub problem: FolderProblem,
}

#[derive(Debug, thiserror::Error)]
pub enum FolderProblem {
    #[error("is not there")]
    Absent,
    #[error("is a link, and links are not followed")]
    Link,
    #[error("is not a file")]
    Special,
    #[error("leads out of its folder")]
    Outside,
    #[error("has more than {NAMES} names in it")]
    Crowded,
    #[error("is larger than {}", size(*.0))]
    Large(u64),
    #[error("is too large with what was read before it: all files may have {}", size(*.0))]
    Together(u64),
    #[error("is another name of {}, which is kept private", .0.display())]
    Private(PathBuf),
    #[error("cannot be read: {0}")]
    Failed(#[from] io::Error),
    #[error("cannot be written: {0}")]
    Unwritten(io::Error),
}

fn size(bytes: u64) -> String {
    match bytes {
        0..0x400 => format!("{bytes} bytes"),
        0x400..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

impl FolderProblem {
    /// What to do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            FolderProblem::Link => "put what it links to in its place",
            FolderProblem::Special => "remove it, or put a file there",
            FolderProblem::Crowded => "move what does not belong there away",
            FolderProblem::Outside => "name what is in the folder",
            FolderProblem::Large(_) | FolderProblem::Together(_) => {
                "make it smaller, or move it away"
            }
            FolderProblem::Private(_) => "remove this name of it",
            FolderProblem::Absent | FolderProblem::Failed(_) => {
                "check that it is there and may be read"
            }
            FolderProblem::Unwritten(_) => "check that the folder may be written",
        }
    }

    fn of(self, path: impl Into<String>) -> Refusal {
        Refusal {
            path: path.into(),
            problem: self,
        }
    }
}

impl ConfinedFolder {
    /// The folder at `path`, to which links may lead. Of `private` no file is read, by whatever
    /// name; those that are not there are passed over.
    pub fn open(path: &Path, private: &[PathBuf]) -> io::Result<Self> {
        let known = |path: &PathBuf| Some((identity(&path.metadata().ok()?), path.clone()));
        Ok(Self {
            root: rustix::fs::open(path, FOLDER, Mode::empty())?,
            private: private.iter().filter_map(known).collect(),
        })
    }

    /// What is in a folder below, `""` for this one, in no order.
    pub fn list(&self, folder: &str) -> Result<Vec<(OsString, FileKind)>, Refusal> {
        let opened;
        let at = if folder.is_empty() {
            self.root.as_fd()
        } else {
            opened = self.reach(folder, FOLDER | OFlags::NOFOLLOW)?;
            opened.as_fd()
        };
        let mut found = Vec::new();
        let failed = |error: Errno| FolderProblem::Failed(error.into()).of(folder);
        for entry in Dir::read_from(at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match kind_of(entry.file_type()) {
                Some(kind) => kind,
                // Not every file system says it with the name.
                None => kind(at, name).map_err(failed)?,
            };
            if found.len() == NAMES {
                return Err(FolderProblem::Crowded.of(folder));
            }
            found.push((OsString::from_vec(name.to_bytes().to_vec()), kind));
        }
        Ok(found)
    }

    /// What a path stands for; `None` if nothing is there.
    pub fn kind(&self, path: &str) -> Result<Option<FileKind>, Refusal> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let at = match self.reach(folder, FOLDER | OFlags::NOFOLLOW) {
            Err(refusal) if matches!(refusal.problem, FolderProblem::Absent) => return Ok(None),
            reached => reached?,
        };
        match kind(at.as_fd(), name) {
            Ok(kind) => Ok(Some(kind)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(FolderProblem::Failed(error.into()).of(path)),
        }
    }

    /// A whole file of `limit` bytes at most.
    pub fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, Refusal> {
        let bytes = self.beginning(path, limit + 1)?;
        if bytes.len() as u64 > limit {
            return Err(FolderProblem::Large(limit).of(path));
        }
        Ok(bytes)
    }

    /// The first bytes of a file, `limit` at most.
    pub fn beginning(&self, path: &str, limit: u64) -> Result<Vec<u8>, Refusal> {
        self.refuse_private(path)?;
        let file = File::from(self.reach(path, FILE)?);
        let read = || {
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(FolderProblem::Special);
            }
            if let Some(known) = self.private.get(&identity(&metadata)) {
                return Err(FolderProblem::Private(known.clone()));
            }
            Ok(bounded::beginning(&file, limit)?)
        };
        read().map_err(|problem| problem.of(path))
    }

    /// A private file is not even opened: the locks that this process has on a database end when
    /// any descriptor of the file is closed (<https://www.sqlite.org/howtocorrupt.html>, 2.2).
    fn refuse_private(&self, path: &str) -> Result<(), Refusal> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let at = self.reach(folder, FOLDER | OFlags::NOFOLLOW)?;
        let found = rustix::fs::statat(&at, name, AtFlags::SYMLINK_NOFOLLOW);
        let identity = found.map(|found| FileIdentity {
            device: found.st_dev,
            inode: found.st_ino,
        });
        match identity.ok().and_then(|it| self.private.get(&it)) {
            Some(known) => Err(FolderProblem::Private(known.clone()).of(path)),
            // Opening it says what else is wrong.
            None => Ok(()),
        }
    }

    /// Open a path part by part; `flags` are for the last one.
    fn reach(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Refusal> {
        let root = self.root.try_clone();
        let mut at = root.map_err(|error| FolderProblem::Failed(error).of(path))?;
        let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
        for (index, part) in parts.iter().enumerate() {
            let last = index + 1 == parts.len();
            let flags = if last {
                flags
            } else {
                FOLDER | OFlags::NOFOLLOW
            };
            let so_far = || parts[..=index].join("/");
            if *part == ".." {
                return Err(FolderProblem::Outside.of(path));
            }
            at = rustix::fs::openat(&at, *part, flags, Mode::empty())
                .map_err(|error| refused(at.as_fd(), part, so_far(), error))?;
        }
        Ok(at)
    }
}

/// What may be read of a folder as a whole: so many bytes of all files together, counted while they are read.
#[derive(Debug)]
pub struct Allowance {
    all: u64,
    left: u64,
}

impl Allowance {
    pub fn new(all: u64) -> Self {
        Self { all, left: all }
    }

    /// A whole file of `limit` bytes at most, and of what all may still have.
    pub fn read(
        &mut self,
        folder: &ConfinedFolder,
        path: &str,
        limit: u64,
    ) -> Result<Vec<u8>, Refusal> {
        let read = folder.read(path, limit.min(self.left));
        let bytes = read.map_err(|refusal| match refusal.problem {
            FolderProblem::Large(_) if limit > self.left => {
                FolderProblem::Together(self.all).of(path)
            }
            problem => problem.of(refusal.path),
        })?;
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }
}

/// Opening does not wait for the process at the other end of a pipe.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// What the system means by its error, which each one says in another way of a link.
fn refused(at: BorrowedFd<'_>, part: &str, path: String, error: Errno) -> Refusal {
    let problem = match (kind(at, part), error) {
        (Ok(FileKind::Link), _) => FolderProblem::Link,
        (Ok(FileKind::Special), _) | (Ok(_), Errno::NOTDIR) => FolderProblem::Special,
        (Err(Errno::NOENT), _) => FolderProblem::Absent,
        _ => FolderProblem::Failed(error.into()),
    };
    problem.of(path)
}

fn kind(at: BorrowedFd<'_>, name: impl rustix::path::Arg) -> Result<FileKind, Errno> {
    let found = rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let file_type = FileType::from_raw_mode(found.st_mode);
    Ok(kind_of(file_type).unwrap_or(FileKind::Special))
}

fn kind_of(file_type: FileType) -> Option<FileKind> {
    match file_type {
        FileType::RegularFile => Some(FileKind::File),
        FileType::Directory => Some(FileKind::Folder),
        FileType::Symlink => Some(FileKind::Link),
        FileType::Unknown => None,
        _ => Some(FileKind::Special),
    }
}

fn identity(metadata: &std::fs::Metadata) -> FileIdentity {
    FileIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).expect("a folder");
        fs::write(at("inner/file"), "text").expect("a file");
        fs::write(at("key"), "secret").expect("a file");
        symlink("file", at("inner/link")).expect("a link");
        symlink("inner", at("way")).expect("a link");
        symlink("nowhere", at("lost")).expect("a link");
        fs::hard_link(at("key"), at("inner/key")).expect("a link");
        let pipe = rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), Mode::RUSR | Mode::WUSR);
        pipe.expect("a pipe");
        folder
    }

    #[test]
    fn only_what_lies_in_the_folder_is_read() {
        let folder = folder();
        let read = |path: &str| {
            let private = [folder.path().join("key"), folder.path().join("absent")];
            let enclosed = ConfinedFolder::open(folder.path(), &private).expect("a folder");
            let read = enclosed
                .read(path, 4)
                .map_err(|refusal| refusal.to_string());
            read.map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
        };
        assert_eq!(read("inner/file").as_deref(), Ok("text"));
        for (path, refusal) in [
            (
                "inner/link",
                "inner/link is a link, and links are not followed",
            ),
            ("way/file", "way is a link, and links are not followed"),
            ("lost", "lost is a link, and links are not followed"),
            ("pipe", "pipe is not a file"),
            ("pipe/file", "pipe is not a file"),
            ("inner", "inner is not a file"),
            ("inner/file/x", "inner/file is not a file"),
            ("inner/gone", "inner/gone is not there"),
            ("inner/../key", "inner/.. leads out of its folder"),
        ] {
            assert_eq!(read(path).expect_err(path), refusal);
        }
        for path in ["key", "inner/key"] {
            let refusal = read(path).expect_err(path);
            assert!(refusal.contains("is another name of"), "{refusal}");
        }
        fs::write(folder.path().join("inner/file"), "texts").expect("a file");
        let refusal = read("inner/file").expect_err("large");
        assert_eq!(refusal, "inner/file is larger than 4 bytes");
    }

    #[test]
    fn all_files_of_a_folder_have_a_bound_together() {
        let folder = folder();
        let files = ConfinedFolder::open(folder.path(), &[]).expect("a folder");
        let mut allowance = Allowance::new(9);
        let mut read = |limit| {
            let read = allowance.read(&files, "inner/file", limit);
            read.map_err(|refusal| refusal.to_string())
        };
        assert_eq!(read(4).expect("the first"), b"text");
        let refusal = read(3).expect_err("too large by itself");
        assert_eq!(refusal, "inner/file is larger than 3 bytes");
        assert_eq!(read(4).expect("the second"), b"text");
        let refusal = read(4).expect_err("too much");
        let said =
            "inner/file is too large with what was read before it: all files may have 9 bytes";
        assert_eq!(refusal, said);
    }

    #[test]
    fn a_list_says_what_each_name_stands_for() {
        let folder = folder();
        let enclosed = ConfinedFolder::open(folder.path(), &[]).expect("a folder");
        let mut list = enclosed.list("").expect("a list");
        list.sort_by(|one, other| one.0.cmp(&other.0));
        let kinds = [
            ("inner", FileKind::Folder),
            ("key", FileKind::File),
            ("lost", FileKind::Link),
            ("pipe", FileKind::Special),
            ("way", FileKind::Link),
        ];
        assert_eq!(list, kinds.map(|(name, kind)| (name.into(), kind)));
        for (name, kind) in kinds {
            assert_eq!(enclosed.kind(name).expect("a kind"), Some(kind));
        }
        assert_eq!(enclosed.kind("gone/file").expect("nothing"), None);
        let refusal = enclosed.list("way").expect_err("a link");
        assert!(matches!(refusal.problem, FolderProblem::Link));
    }
}
