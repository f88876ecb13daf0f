//! What lies in the folder of a workspace and is not read. An unknown key is an error, and so is
//! a file or folder that the program does not look at: `pipeline/` for `pipelines/`, `Plugin.toml`
//! for `plugin.toml`, a folder of a later release.
//!
//! These are left alone:
//!
//! * names that begin with a dot: version control and its files, editors' files;
//! * backups of editors (`x~`, `#x#`), and texts for people (`README`, `LICENSE`);
//! * what the program itself keeps there: its databases with their companions, its key, and
//!   folders that a tenant wrote;
//! * whatever `.callboardignore` names, in the language of `.gitignore`.

use std::collections::BTreeSet;

use super::reader::{IGNORED, TOP, WorkspaceReader};
use super::{CONTRACTS, WorkspaceError, folders};
use crate::config::Config;
use crate::confined_folder::{FileKind, FolderProblem};
use crate::plugin::manifest;
use crate::registry::nearest;

/// Folders that are read; the rest follows from the files in them.
const FOLDERS: [&str; 5] = ["pipelines", "plugins", "policies", "prompts", "tests"];
/// What tests are given and answered with: files that tests read, and no revision keeps.
const MATERIAL: [&str; 2] = ["tests/cassettes/", "tests/fixtures/"];

/// The same with those of tenants.
pub fn folders_read() -> impl Iterator<Item = &'static str> {
    FOLDERS.into_iter().chain(super::folders())
}

/// What `SQLite` writes beside a database, and the host's own lock.
const COMPANIONS: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// Whether something of this name in the folder of a workspace is the program's own, there or to come: its
/// configuration, its key, the file of its database and what lies beside that.
pub fn is_own_name(config: &Config, name: &str) -> bool {
    let database = config.database.rsplit(['/', ':']).next();
    let database = database.filter(|file| !file.is_empty());
    let mut bases = COMPANIONS.iter().filter_map(|end| name.strip_suffix(end));
    let beside = bases.any(|base| database == Some(base));
    let own = TOP.into_iter().chain([IGNORED, crate::secrets::FILE]);
    own.chain(database).any(|own| own == name) || beside
}

/// A file, or a folder as a whole, that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadFile {
    /// Relative to the workspace; a folder ends in `/`.
    pub path: String,
    pub problem: String,
    /// What to do, besides naming it in `.callboardignore`.
    pub mend: String,
}

/// What in the folder is not among the files that were read.
pub(super) fn list(reader: &WorkspaceReader) -> Result<Vec<UnreadFile>, WorkspaceError> {
    let mut search = UnreadSearch {
        reader,
        unread: Vec::new(),
    };
    search.walk("")?;
    Ok(search.unread)
}

struct UnreadSearch<'a> {
    reader: &'a WorkspaceReader,
    unread: Vec<UnreadFile>,
}

impl UnreadSearch<'_> {
    /// Look at what is in a folder, `""` or ending in `/`. A folder of which nothing is read is
    /// named as a whole.
    fn walk(&mut self, inner: &str) -> Result<(), WorkspaceError> {
        let all = self.reader.entries(inner.trim_end_matches('/'))?;
        let names: Vec<_> = all.iter().map(|(name, _)| name.clone()).collect();
        for (name, kind) in &all {
            let path = format!("{inner}{name}");
            match kind {
                FileKind::Folder => self.folder(inner, name)?,
                FileKind::Link => self.unread.push(never(path, &FolderProblem::Link)),
                FileKind::Special => self.unread.push(never(path, &FolderProblem::Special)),
                FileKind::File if self.reader.files.contains_key(&path) || self.is_own(&path) => {}
                FileKind::File => self.unread.push(unread_file(inner, &path, &names)),
            }
        }
        Ok(())
    }

    fn folder(&mut self, inner: &str, name: &str) -> Result<(), WorkspaceError> {
        let below = format!("{inner}{name}/");
        // What tests take from there are files of their own, which are no part of a revision.
        if MATERIAL.contains(&below.as_str()) {
            return Ok(());
        }
        for mark in folders::marks() {
            if self.reader.kind(&format!("{below}{mark}"))? == Some(FileKind::File) {
                return Ok(());
            }
        }
        let mut files = self.reader.files.keys();
        if (inner.is_empty() && folders_read().any(|folder| folder == name))
            || files.any(|file| file.starts_with(&below))
        {
            return self.walk(&below);
        }
        if !self.is_left_alone(&below)? {
            let unread = self.whole(inner, &below)?;
            self.unread.push(unread);
        }
        Ok(())
    }

    /// Whether a folder holds something, and all of it is left alone.
    fn is_left_alone(&self, path: &str) -> Result<bool, WorkspaceError> {
        let path = path.trim_end_matches('/');
        let some = !self.reader.folder.list(path)?.is_empty();
        Ok(some && self.reader.entries(path)?.is_empty())
    }

    /// A database, what belongs to one, or the key of the secrets. What belongs to one is known by
    /// the database beside it, and not opened: it may have been made since the folder was opened.
    fn is_own(&self, path: &str) -> bool {
        let mut bases = COMPANIONS.iter().filter_map(|end| path.strip_suffix(end));
        path == crate::secrets::FILE
            || bases.any(|base| self.is_database(base))
            || self.is_database(path)
    }

    fn is_database(&self, path: &str) -> bool {
        const MAGIC: &[u8; 16] = b"SQLite format 3\0";
        let head = self.reader.folder.beginning(path, MAGIC.len() as u64);
        match head {
            Ok(head) => head == *MAGIC,
            // Of this workspace, in use.
            Err(refusal) => matches!(refusal.problem, FolderProblem::Private(_)),
        }
    }

    fn whole(&self, inner: &str, path: &str) -> Result<UnreadFile, WorkspaceError> {
        let name = path.trim_end_matches('/');
        let inside = self.reader.entries(name)?;
        let mut inside = inside.iter().map(|(file, _)| file);
        let manifest = inside.find(|file| likely(file, [manifest::FILE].into_iter()).is_some());
        let (problem, mend) = match (inner, manifest) {
            ("", _) => {
                let problem = "nothing of the folder is read".to_owned();
                match likely(name, folders_read()) {
                    Some(near) if self.reader.kind(near)?.is_some() => {
                        let mend = format!(
                            "move what {near} lacks of it there, and the rest away, or name it in {IGNORED}"
                        );
                        (problem, mend)
                    }
                    Some(near) => (problem, renamed(name, near)),
                    None => (problem, moved(path)),
                }
            }
            ("plugins/", Some(file)) => {
                let problem = format!("it has no {}", manifest::FILE);
                (problem, renamed(&format!("{path}{file}"), manifest::FILE))
            }
            ("plugins/", None) => {
                let problem = format!("it has no {}", manifest::FILE);
                (
                    problem,
                    format!("write {path}{}, or remove it", manifest::FILE),
                )
            }
            _ => ("nothing of the folder is read".to_owned(), moved(path)),
        };
        Ok(UnreadFile {
            path: path.to_owned(),
            problem,
            mend,
        })
    }
}

/// What is read nowhere.
fn never(path: String, problem: &FolderProblem) -> UnreadFile {
    UnreadFile {
        path,
        problem: problem.to_string(),
        mend: format!("{}, or name it in {IGNORED}", problem.mend()),
    }
}

/// The known name that one was to be, whatever its case.
fn likely<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    nearest(&name.to_lowercase(), known)
}

fn renamed(path: &str, near: &str) -> String {
    format!("rename {path} to {near}, or name it in {IGNORED}")
}

fn moved(path: &str) -> String {
    format!("move {path} away, or name it in {IGNORED}")
}

fn ending(path: &str, ending: &str) -> (String, String) {
    let problem =
        format!("only files that end in .{ending} and are not in a folder below are read");
    (problem, format!("rename {path}, or name it in {IGNORED}"))
}

/// What is to be said of a file that nothing reads, in the folder `inner`.
fn unread_file(inner: &str, path: &str, beside: &[String]) -> UnreadFile {
    let name = path.rsplit('/').next().unwrap_or_default();
    let beside: BTreeSet<&str> = beside.iter().map(String::as_str).collect();
    let vacant = |known: &[&'static str]| {
        let known = known
            .iter()
            .copied()
            .filter(|known| !beside.contains(known));
        likely(name, known)
    };
    let (problem, mend) = match inner.split('/').next().unwrap_or_default() {
        "" => match vacant(&TOP) {
            Some(near) => ("the file is not read".to_owned(), renamed(path, near)),
            None => ("the file is not read".to_owned(), moved(path)),
        },
        "pipelines" | "policies" | "tests" => ending(path, "toml"),
        "prompts" => ending(path, "md"),
        "plugins" if inner == "plugins/" => {
            let stem = name.split('.').next().unwrap_or_default();
            let problem = "a plugin is a folder with its manifest and its component";
            let mend = format!(
                "move {path} to plugins/{stem}/, beside a {}, or name it in {IGNORED}",
                manifest::FILE
            );
            (problem.to_owned(), mend)
        }
        "plugins" if name == CONTRACTS => {
            let problem = "what a plugin says of itself is asked of it, and not read here";
            (problem.to_owned(), moved(path))
        }
        "plugins" => {
            if let Some(near) = vacant(&[manifest::FILE]) {
                ("the file is not read".to_owned(), renamed(path, near))
            } else {
                let problem = match name.strip_suffix(".wasm") {
                    Some(_) => "the manifest beside it names another component",
                    None => "of a plugin's folder only the manifest and its component are read",
                };
                (problem.to_owned(), moved(path))
            }
        }
        _ => ("the file is not read".to_owned(), moved(path)),
    };
    UnreadFile {
        path: path.to_owned(),
        problem,
        mend,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is named in a folder with these files beside a configuration.
    fn named(paths: &[&str], ignore: &str) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &[u8]| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        write("callboard.toml", b"name = \"x\"");
        for path in paths {
            write(path, b"x");
        }
        if !ignore.is_empty() {
            write(IGNORED, ignore.as_bytes());
        }
        let found = super::super::read(folder.path(), &[]).expect("a workspace");
        let unread = found.unread.into_iter();
        unread.map(|unread| (unread.path, unread.mend)).collect()
    }

    #[test]
    fn whatever_is_not_read_is_named_with_its_mend() {
        for (path, said, mend) in [
            (
                "pipeline/a.toml",
                "pipeline/",
                "rename pipeline to pipelines",
            ),
            (
                "pipelines/a.yaml",
                "pipelines/a.yaml",
                "rename pipelines/a.yaml",
            ),
            (
                "pipelines/deep/a.toml",
                "pipelines/deep/",
                "move pipelines/deep/ away",
            ),
            ("policies/a.toml.txt", "policies/a.toml.txt", "rename"),
            ("prompts/a.txt", "prompts/a.txt", "rename"),
            (
                "plugins/lost/Plugin.toml",
                "plugins/lost/",
                "rename plugins/lost/Plugin.toml to plugin.toml",
            ),
            (
                "plugins/lost/x.wasm",
                "plugins/lost/",
                "write plugins/lost/plugin.toml",
            ),
            ("plugins/x.wasm", "plugins/x.wasm", "to plugins/x/"),
            ("alerts/a.toml", "alerts/", "move alerts/ away"),
            ("templates/a.md", "templates/", "move templates/ away"),
            ("tests/a.yaml", "tests/a.yaml", "rename tests/a.yaml"),
            ("tests/deep/a.toml", "tests/deep/", "move tests/deep/ away"),
            (
                "setings.toml",
                "setings.toml",
                "rename setings.toml to settings.toml",
            ),
            ("notes.txt", "notes.txt", ".callboardignore"),
        ] {
            let named = named(&[path], "");
            assert_eq!(named.len(), 1, "{path}: {named:?}");
            assert_eq!(named[0].0, said);
            assert!(named[0].1.contains(mend), "{path}: {named:?}");
        }
    }

    #[test]
    fn what_is_excepted_is_not_named() {
        let files = [
            ".git/config",
            ".gitignore",
            "pipelines/.a.toml.swp",
            "pipelines/a.toml~",
            "#a#",
            "README.md",
            "LICENSE",
            "callboard.key",
            "notes/a.txt",
            "site/logo.png",
        ];
        assert_eq!(named(&files, "/notes\n"), []);
        assert_eq!(named(&files, "").len(), 1, "the notes");
        assert_eq!(named(&["docs/a.txt", "docs/deep/b.txt"], "docs/**\n"), []);
    }

    /// As a `.gitignore` is read: also a folder that is known, as a whole.
    #[test]
    fn a_known_folder_that_is_named_is_left_alone_and_what_is_needed_cannot_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).expect(path);
        write("callboard.toml", "name = \"x\"");
        fs::create_dir_all(folder.path().join("prompts")).expect("a folder");
        write("prompts/a.md", "+++\nvariables = []\n+++\nx");
        let read = || super::super::read(folder.path(), &[]);
        assert!(
            read()
                .expect("a workspace")
                .files
                .contains_key("prompts/a.md")
        );
        for line in ["prompts/", "prompts", "/prompts", "prompts/*", "prompts/**"] {
            write(IGNORED, line);
            let found = read().expect("a workspace");
            assert!(!found.files.contains_key("prompts/a.md"), "{line}");
            assert_eq!(found.unread, [], "{line}");
        }
        write(IGNORED, "*.toml");
        let error = read().expect_err("nothing is left").to_string();
        assert!(error.contains("it names callboard.toml"), "{error}");
    }

    /// A mend that says to move something on to what is there would lose that.
    #[test]
    fn nothing_is_renamed_to_what_is_there() {
        let named = named(&["prompt/a.md", "prompts/b.md"], "");
        let mend = &named
            .iter()
            .find(|(path, _)| path == "prompt/")
            .expect("named")
            .1;
        assert!(
            mend.starts_with("move what prompts lacks of it there"),
            "{mend}"
        );
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("callboard.toml"), "name = \"x\"").expect("a file");
        fs::write(folder.path().join(IGNORED), "[bad\n").expect("a file");
        let error = super::super::read(folder.path(), &[]).expect_err("no pattern");
        assert_eq!(error.file, IGNORED);
        assert!(error.problem.contains("[bad"), "{error}");
    }

    #[test]
    fn databases_and_what_belongs_to_them_are_the_programs_own() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("callboard.toml"), "name = \"x\"").expect("a file");
        for name in ["a.db", "saved.backup"] {
            let text = b"SQLite format 3\0 and the rest";
            fs::write(folder.path().join(name), text).expect("a file");
        }
        for name in ["a.db-wal", "a.db.lock", "b.db-wal"] {
            fs::write(folder.path().join(name), "x").expect("a file");
        }
        let found = super::super::read(folder.path(), &[]).expect("a workspace");
        let paths: Vec<_> = found
            .unread
            .iter()
            .map(|unread| unread.path.as_str())
            .collect();
        assert_eq!(paths, ["b.db-wal"]);
    }
}
