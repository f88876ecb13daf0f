//! Writing below a confined folder. Each part of a path is opened, or made, without following a link, and a file
//! is there as a whole or not at all. A link, a folder or a pipe where a file is to be is refused, and stays.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use uuid::Uuid;

use super::{ConfinedFolder, FOLDER, FileKind, FolderProblem, Refusal, kind, refused};

/// What the name of a file begins with until it is whole.
pub const ASIDE: &str = ".callboard-aside-";

const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl ConfinedFolder {
    /// The folder at `path`, to which links may lead; it is made if it is not there.
    pub fn made(path: &Path) -> io::Result<Self> {
        let here = path.as_os_str().is_empty();
        let path = if here { Path::new(".") } else { path };
        fs::create_dir_all(path)?;
        Self::open(path, &[])
    }

    /// A folder below, with those that it is in.
    pub fn make_folder(&self, folder: &str) -> Result<(), Refusal> {
        self.reach_or_make(folder).map(drop)
    }

    /// A file as a whole, in place of one that is there.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Refusal> {
        self.write_with(path, |file| {
            let written = file.write_all(bytes);
            written.map_err(|error| FolderProblem::Unwritten(error).of(path))
        })
    }

    /// The same of what `fill` writes, piece by piece.
    pub fn write_with<E: From<Refusal>>(
        &self,
        path: &str,
        fill: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<(), E> {
        let (folder, name) = parted(path);
        let at = self.reach_or_make(folder)?;
        replaceable(at.as_fd(), name).map_err(|problem| problem.of(path))?;
        let aside = format!("{folder}/{ASIDE}{}", Uuid::now_v7().simple());
        let filled = self.filled(&aside, fill);
        let kept = filled.and_then(|()| Ok(self.rename(&aside, path)?));
        if kept.is_err() {
            self.remove(&aside).ok();
        }
        kept
    }

    fn filled<E: From<Refusal>>(
        &self,
        path: &str,
        fill: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut file = self.create(path)?;
        fill(&mut file)?;
        let synced = file.sync_all();
        Ok(synced.map_err(|error| FolderProblem::Unwritten(error).of(path))?)
    }

    /// A new file, which is empty; nothing may be there.
    pub fn create(&self, path: &str) -> Result<File, Refusal> {
        let (folder, name) = parted(path);
        let at = self.reach_or_make(folder)?;
        let mode = Mode::from_raw_mode(0o666);
        let made = rustix::fs::openat(&at, name, NEW, mode);
        Ok(File::from(made.map_err(|error| unwritten(path, error))?))
    }

    /// Move a file, in place of one that is there.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Refusal> {
        let ((old_folder, old), (new_folder, new)) = (parted(from), parted(to));
        let old_at = self.reach(old_folder, FOLDER | OFlags::NOFOLLOW)?;
        let new_at = self.reach_or_make(new_folder)?;
        replaceable(new_at.as_fd(), new).map_err(|problem| problem.of(to))?;
        let moved = rustix::fs::renameat(&old_at, old, &new_at, new);
        moved.map_err(|error| unwritten(to, error))
    }

    /// Remove a file; whether one was there.
    pub fn remove(&self, path: &str) -> Result<bool, Refusal> {
        self.remove_as(path, FileKind::File, AtFlags::empty())
    }

    /// Remove a folder that holds nothing; whether one was there.
    pub fn remove_folder(&self, path: &str) -> Result<bool, Refusal> {
        self.remove_as(path, FileKind::Folder, AtFlags::REMOVEDIR)
    }

    fn remove_as(&self, path: &str, wanted: FileKind, flags: AtFlags) -> Result<bool, Refusal> {
        match self.kind(path)? {
            None => return Ok(false),
            Some(found) if found == wanted => {}
            Some(FileKind::Link) => return Err(FolderProblem::Link.of(path)),
            Some(_) => return Err(FolderProblem::Special.of(path)),
        }
        let (folder, name) = parted(path);
        let at = self.reach(folder, FOLDER | OFlags::NOFOLLOW)?;
        match rustix::fs::unlinkat(&at, name, flags) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(unwritten(path, error)),
        }
    }

    /// Open a folder part by part, and make those that are not there.
    fn reach_or_make(&self, folder: &str) -> Result<OwnedFd, Refusal> {
        let root = self.root.try_clone();
        let mut at = root.map_err(|error| FolderProblem::Failed(error).of(folder))?;
        let parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for (index, part) in parts.iter().enumerate() {
            let so_far = || parts[..=index].join("/");
            if *part == ".." {
                return Err(FolderProblem::Outside.of(folder));
            }
            match rustix::fs::mkdirat(&at, *part, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(unwritten(&so_far(), error)),
            }
            let flags = FOLDER | OFlags::NOFOLLOW;
            at = rustix::fs::openat(&at, *part, flags, Mode::empty())
                .map_err(|error| refused(at.as_fd(), part, so_far(), error))?;
        }
        Ok(at)
    }
}

/// The folder of a path, and the name in it.
fn parted(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn unwritten(path: &str, error: Errno) -> Refusal {
    FolderProblem::Unwritten(error.into()).of(path)
}

/// Whether a file may be put where this name is.
fn replaceable(at: BorrowedFd<'_>, name: &str) -> Result<(), FolderProblem> {
    match kind(at, name) {
        Ok(FileKind::File) | Err(Errno::NOENT) => Ok(()),
        Ok(FileKind::Link) => Err(FolderProblem::Link),
        Ok(FileKind::Folder | FileKind::Special) => Err(FolderProblem::Special),
        Err(error) => Err(FolderProblem::Unwritten(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder in one that has more.
    fn folder() -> (tempfile::TempDir, ConfinedFolder) {
        let home = tempfile::tempdir().expect("a folder");
        let files = ConfinedFolder::made(&home.path().join("a/b")).expect("it is made");
        (home, files)
    }

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let names = entries.map(|it| it.file_name().to_string_lossy().into_owned());
        names.collect()
    }

    #[test]
    fn a_file_is_written_whole_in_folders_that_are_made() {
        let (home, files) = folder();
        files.write("x/y/file", b"one").expect("written");
        files.write("x/y/file", b"two").expect("written over");
        assert_eq!(files.read("x/y/file", 9).expect("read"), b"two");
        let cut = files.write_with("x/y/file", |file| {
            file.write_all(b"thr").expect("a piece");
            Err(FolderProblem::Absent.of("its source"))
        });
        let told = cut.expect_err("cut off").to_string();
        assert_eq!(told, "its source is not there");
        assert_eq!(files.read("x/y/file", 9).expect("read"), b"two");
        assert_eq!(
            names(&home.path().join("a/b/x/y")),
            ["file".to_owned()].into()
        );
        files.create("z/new").expect("made");
        files.create("z/new").expect_err("it is there");
        files.rename("x/y/file", "z/new").expect("moved");
        assert_eq!(files.read("z/new", 9).expect("read"), b"two");
        assert!(files.remove("z/new").expect("removed"));
        assert!(!files.remove("z/new").expect("gone"));
        assert!(!files.remove("nowhere/new").expect("gone"));
        assert!(files.remove_folder("z").expect("removed"));
    }

    #[test]
    fn no_link_is_followed_or_replaced() {
        let (home, files) = folder();
        let at = |name: &str| home.path().join("a/b").join(name);
        fs::create_dir(home.path().join("outside")).expect("a folder");
        fs::write(home.path().join("outside/file"), "theirs").expect("a file");
        fs::create_dir(at("in")).expect("a folder");
        fs::write(at("file"), "ours").expect("a file");
        symlink(home.path().join("outside"), at("way")).expect("a link");
        symlink(home.path().join("outside/file"), at("in/leaf")).expect("a link");
        symlink(home.path().join("outside/new"), at("in/lost")).expect("a link");
        let refused = |came: Result<(), Refusal>, place: &str| {
            let told = came.expect_err(place).to_string();
            let link = format!("{place} is a link, and links are not followed");
            assert_eq!(told, link);
        };
        for (path, place) in [
            ("way/file", "way"),
            ("way/deep/file", "way"),
            ("in/leaf", "in/leaf"),
            ("in/lost", "in/lost"),
        ] {
            refused(files.write(path, b"x"), place);
            refused(files.rename("file", path), place);
        }
        refused(files.create("way/new").map(drop), "way");
        refused(files.make_folder("way/deep"), "way");
        refused(files.remove("way/file").map(drop), "way");
        refused(files.remove("in/leaf").map(drop), "in/leaf");
        refused(files.remove_folder("way").map(drop), "way");
        files.create("in/lost").expect_err("a link is there");
        for path in ["../file", "in/../../file"] {
            files.write(path, b"x").expect_err(path);
        }
        files.write("in", b"x").expect_err("a folder is there");
        let outside = names(&home.path().join("outside"));
        assert_eq!(outside, ["file".to_owned()].into());
        assert_eq!(files.read("file", 9).expect("read"), b"ours");
        let inside = ["leaf", "lost"].map(str::to_owned);
        assert_eq!(names(&at("in")), inside.into());
    }
}
