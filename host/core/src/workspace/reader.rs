//! Reading in the folder of a workspace: each file within its bounds, and nothing of what is left alone.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::{CONTRACTS, Files, WorkspaceError, stays_inside};
use crate::confined_folder::{Allowance, ConfinedFolder, FileKind, Refusal};
use crate::plugin::manifest;

/// The largest text.
const TEXT: u64 = 1 << 20;
/// The largest component, and the largest file of a tenant's that is no text.
const BINARY: u64 = 64 << 20;
/// What all files may have together: they are in memory at once, and stored with each revision.
const ALL: u64 = 256 << 20;
/// How many files and folders may be read.
pub(super) const COUNT: usize = 10_000;
/// How many folders deep a folder of a tenant may go; a link to a folder above would go for ever.
const DEPTH: usize = 16;
/// Endings of texts in the folders of tenants.
const TEXTS: [&str; 8] = ["html", "xml", "css", "js", "txt", "svg", "json", "md"];

/// The file that names what is left alone.
pub(super) const IGNORED: &str = ".callboardignore";
/// The most that it may hold, in bytes.
const IGNORING: u64 = 64 << 10;
/// Left alone in every workspace.
const EXCEPTED: [&str; 5] = [".*", "*~", "\\#*\\#", "README*", "LICENSE*"];
/// Files that are read at the top.
pub(super) const TOP: [&str; 2] = [crate::config::FILE, "settings.toml"];
/// Reads what counts, file after file.
pub(super) struct WorkspaceReader {
    pub(super) folder: ConfinedFolder,
    /// What is left alone.
    ignored: Gitignore,
    pub(super) files: Files,
    /// Files and folders that were read so far.
    count: usize,
    allowance: Allowance,
}

impl WorkspaceReader {
    pub(super) fn new(path: &Path, private: &[PathBuf]) -> Result<Self, WorkspaceError> {
        let folder = ConfinedFolder::open(path, private).map_err(|error| {
            let mend = "name an existing folder with `--workspace`";
            WorkspaceError::new(path.display().to_string(), error.to_string(), mend)
        })?;
        Ok(Self {
            ignored: ignored(path, &folder)?,
            folder,
            files: Files::new(),
            count: 0,
            allowance: Allowance::new(ALL),
        })
    }

    /// What a path of the workspace stands for; `None` if nothing is there.
    pub(super) fn kind(&self, path: &str) -> Result<Option<FileKind>, WorkspaceError> {
        Ok(self.folder.kind(path)?)
    }

    /// What is in a folder of the workspace, sorted, without what is left alone; nothing if it is
    /// no folder. A link to one is refused.
    pub(super) fn entries(&self, inner: &str) -> Result<Vec<(String, FileKind)>, WorkspaceError> {
        if !inner.is_empty()
            && !matches!(self.kind(inner)?, Some(FileKind::Folder | FileKind::Link))
        {
            return Ok(Vec::new());
        }
        // A folder that is left alone has nothing, also where a part of it is asked for.
        let is_left_alone = |path| {
            let found = self.ignored.matched_path_or_any_parents(path, true);
            found.is_ignore()
        };
        if !inner.is_empty() && is_left_alone(inner) {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        for (name, kind) in self.folder.list(inner)? {
            let name = name.into_string().map_err(|name| {
                let file = format!("{inner}/{}", name.display());
                WorkspaceError::new(file, "has a name that is not UTF-8", "rename it")
            })?;
            let path = Path::new(inner).join(&name);
            let is_folder = kind == FileKind::Folder;
            if !self.ignored.matched(path, is_folder).is_ignore() {
                entries.push((name, kind));
            }
        }
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(entries)
    }

    /// Every text of one ending in a folder.
    pub(super) fn texts(&mut self, inner: &str, ending: &str) -> Result<(), WorkspaceError> {
        for (name, kind) in self.entries(inner)? {
            if kind == FileKind::File && ends_with(&name, ending) {
                self.text(&format!("{inner}/{name}"))?;
            }
        }
        Ok(())
    }

    /// A manifest and the component it names. What is wrong with either is for
    /// `Definitions::parse` and the roll call to say.
    pub(super) fn plugin(&mut self, inner: &str) -> Result<(), WorkspaceError> {
        let file = format!("{inner}/{}", manifest::FILE);
        let is_plugin = self.kind(inner)? == Some(FileKind::Folder);
        if !is_plugin || self.kind(&file)?.is_none() {
            return Ok(());
        }
        self.text(&file)?;
        let component = self.files.get(&file).and_then(|bytes| component(bytes));
        if let Some(component) = component {
            let path = format!("{inner}/{component}");
            if self.kind(&path)?.is_some() {
                self.binary(&path)?;
            }
        }
        Ok(())
    }

    /// All that is in a folder, texts and others.
    pub(super) fn whole(&mut self, inner: &str, depth: usize) -> Result<(), WorkspaceError> {
        if depth > DEPTH {
            let problem = format!("is more than {DEPTH} folders deep");
            return Err(WorkspaceError::new(inner, problem, "move it up"));
        }
        for (name, kind) in self.entries(inner)? {
            let path = format!("{inner}/{name}");
            match kind {
                FileKind::Folder => {
                    self.count(&path)?;
                    self.whole(&path, depth + 1)?;
                }
                FileKind::File if TEXTS.iter().any(|ending| ends_with(&name, ending)) => {
                    self.text(&path)?;
                }
                FileKind::File => self.binary(&path)?,
                FileKind::Link | FileKind::Special => {}
            }
        }
        Ok(())
    }

    pub(super) fn text(&mut self, file: &str) -> Result<(), WorkspaceError> {
        let bytes = self.bytes(file, TEXT)?;
        if let Err(error) = std::str::from_utf8(&bytes) {
            let problem = format!("is not UTF-8 from byte {} on", error.valid_up_to());
            return Err(WorkspaceError::new(file, problem, "save it as UTF-8"));
        }
        self.files.insert(file.to_owned(), bytes);
        Ok(())
    }

    fn binary(&mut self, file: &str) -> Result<(), WorkspaceError> {
        let bytes = self.bytes(file, BINARY)?;
        self.files.insert(file.to_owned(), bytes);
        Ok(())
    }

    /// A file of `limit` bytes at most, and of what all may still have.
    fn bytes(&mut self, file: &str, limit: u64) -> Result<Vec<u8>, WorkspaceError> {
        self.count(file)?;
        Ok(self.allowance.read(&self.folder, file, limit)?)
    }

    /// One more file or folder.
    fn count(&mut self, path: &str) -> Result<(), WorkspaceError> {
        self.count += 1;
        if self.count > COUNT {
            let problem = format!(
                "is one too many: a workspace has at most {COUNT} files and folders that are read"
            );
            return Err(WorkspaceError::new(
                path,
                problem,
                "move away what does not belong to it",
            ));
        }
        Ok(())
    }
}

impl From<Refusal> for WorkspaceError {
    fn from(refusal: Refusal) -> Self {
        let problem = refusal.problem;
        Self::new(refusal.path, problem.to_string(), problem.mend())
    }
}

/// The component that a manifest names, if it can be a file beside it.
fn component(manifest: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(manifest).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let component = table.get("component")?.as_str()?;
    let reserved = [manifest::FILE, CONTRACTS];
    (stays_inside(component) && !reserved.contains(&component)).then(|| component.to_owned())
}

fn ends_with(name: &str, ending: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == ending)
}

/// What is left alone in a folder.
fn ignored(path: &Path, folder: &ConfinedFolder) -> Result<Gitignore, WorkspaceError> {
    let wrong = |error: ignore::Error| {
        WorkspaceError::new(IGNORED, error.to_string(), "write it as a .gitignore")
    };
    let mut builder = GitignoreBuilder::new(path);
    builder.allow_unclosed_class(false);
    for line in EXCEPTED {
        builder.add_line(None, line).map_err(wrong)?;
    }
    if folder.kind(IGNORED)?.is_some() {
        let written = folder.read(IGNORED, IGNORING)?;
        let text = std::str::from_utf8(&written).map_err(|error| {
            let problem = format!("it is not UTF-8: {error}");
            WorkspaceError::new(IGNORED, problem, "save it as UTF-8")
        })?;
        for line in text.lines() {
            builder.add_line(None, line).map_err(wrong)?;
        }
    }
    let ignored = builder.build().map_err(wrong)?;
    let mut needed = TOP.into_iter();
    if let Some(file) = needed.find(|file| ignored.matched(file, false).is_ignore()) {
        let problem = format!("it names {file}, and no workspace is without it");
        let mend = format!("remove the line, or write `!{file}` below it");
        return Err(WorkspaceError::new(IGNORED, problem, mend));
    }
    Ok(ignored)
}
