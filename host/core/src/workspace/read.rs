//! Take the files that count from a folder, and name what else is there.

use std::path::{Path, PathBuf};

use ignore::gitignore::Gitignore;

use super::unread::{self, Unread};
use super::{CONTRACTS, Files, WorkspaceError, folders, stays_inside};
use crate::config;
use crate::enclosed::{Enclosed, FileKind, Problem, ReadRefusal};
use crate::plugin::manifest;

/// The largest text.
const TEXT: u64 = 1 << 20;
/// The largest component, and the largest file of a tenant's that is no text.
const BINARY: u64 = 64 << 20;
/// What all files may have together: they are in memory at once, and stored with each revision.
const ALL: u64 = 256 << 20;
/// How many files and folders may be read.
const COUNT: usize = 10_000;
/// How many folders deep a folder of a tenant may go; a link to a folder above would go for ever.
const DEPTH: usize = 16;
/// Endings of texts in the folders of tenants.
const TEXTS: [&str; 8] = ["html", "xml", "css", "js", "txt", "svg", "json", "md"];

/// A workspace as it lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The files that count.
    pub files: Files,
    /// What else is there.
    pub unread: Vec<Unread>,
}

/// The workspace in `folder`. No file of `private` becomes part of it, by whatever name.
pub fn read(folder: &Path, private: &[PathBuf]) -> Result<Folder, WorkspaceError> {
    let mut reader = Reader::new(folder, private)?;
    if reader.kind(config::FILE)?.is_none() {
        return Err(WorkspaceError::new(
            config::FILE,
            format!("is not in {}, so this is no workspace", folder.display()),
            "make one with `callboard init`, or name the folder with `--workspace`",
        ));
    }
    reader.text(config::FILE)?;
    if reader.kind("settings.toml")?.is_some() {
        reader.text("settings.toml")?;
    }
    for (inner, ending) in [
        ("pipelines", "toml"),
        ("policies", "toml"),
        ("prompts", "md"),
    ] {
        reader.texts(inner, ending)?;
    }
    for (plugin, _) in reader.entries("plugins")? {
        reader.plugin(&format!("plugins/{plugin}"))?;
    }
    for folder in folders() {
        reader.whole(folder, 0)?;
    }
    let unread = unread::list(&reader)?;
    let files = reader.files;
    Ok(Folder { files, unread })
}

/// The text of `callboard.toml` in `folder`, for a process that has no database open yet; `None`
/// if there is none.
pub fn configuration(folder: &Path) -> Result<Option<String>, WorkspaceError> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut reader = Reader::new(folder, &[])?;
    if reader.kind(config::FILE)?.is_none() {
        return Ok(None);
    }
    reader.text(config::FILE)?;
    let text = reader.files.remove(config::FILE).unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

/// What lies in a folder that may become a workspace, but for what is left alone in each of them;
/// the name of a folder ends in `/`.
pub fn lies_in(folder: &Path) -> Result<Vec<String>, WorkspaceError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let named = |(name, kind)| match kind {
        FileKind::Folder => format!("{name}/"),
        _ => name,
    };
    let entries = Reader::new(folder, &[])?.entries("")?;
    Ok(entries.into_iter().map(named).collect())
}

pub(super) struct Reader {
    pub(super) folder: Enclosed,
    /// What is left alone.
    ignored: Gitignore,
    pub(super) files: Files,
    /// What was read so far: files and folders, and their bytes.
    count: usize,
    bytes: u64,
}

impl Reader {
    fn new(path: &Path, private: &[PathBuf]) -> Result<Self, WorkspaceError> {
        let folder = Enclosed::open(path, private).map_err(|error| {
            let mend = "name an existing folder with `--workspace`";
            WorkspaceError::new(path.display().to_string(), error.to_string(), mend)
        })?;
        Ok(Self {
            ignored: unread::ignored(path, &folder)?,
            folder,
            files: Files::new(),
            count: 0,
            bytes: 0,
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
    fn texts(&mut self, inner: &str, ending: &str) -> Result<(), WorkspaceError> {
        for (name, kind) in self.entries(inner)? {
            if kind == FileKind::File && ends_with(&name, ending) {
                self.text(&format!("{inner}/{name}"))?;
            }
        }
        Ok(())
    }

    /// A manifest and the component it names. What is wrong with either is for
    /// `Definitions::parse` and the roll call to say.
    fn plugin(&mut self, inner: &str) -> Result<(), WorkspaceError> {
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
    fn whole(&mut self, inner: &str, depth: usize) -> Result<(), WorkspaceError> {
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

    fn text(&mut self, file: &str) -> Result<(), WorkspaceError> {
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
        let left = ALL - self.bytes;
        let bytes = self.folder.read(file, limit.min(left)).map_err(|refusal| {
            if limit > left && matches!(refusal.problem, Problem::Large(_)) {
                let problem = format!(
                    "is too large with what was read before it: all files may have {} MiB",
                    ALL >> 20
                );
                return WorkspaceError::new(file, problem, refusal.problem.mend());
            }
            refusal.into()
        })?;
        self.bytes += bytes.len() as u64;
        Ok(bytes)
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

impl From<ReadRefusal> for WorkspaceError {
    fn from(refusal: ReadRefusal) -> Self {
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(folder: &Path) -> Result<Folder, WorkspaceError> {
        super::read(folder, &[])
    }

    fn workspace() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, text) in [
            ("callboard.toml", "name = \"x\""),
            ("callboard.db", "no text"),
            ("README.md", "no"),
            ("pipelines/p.toml", ""),
            ("pipelines/.p.toml.swp", ""),
            ("pipelines/notes.txt", ""),
            ("prompts/p.md", ""),
            ("plugins/a/plugin.toml", "component = \"a.wasm\""),
            ("plugins/a/a.wasm", "\0asm"),
            ("plugins/a/contracts.json", "[]"),
            ("plugins/a/src/lib.rs", ""),
            ("plugins/b/plugin.toml", "component = \"../a/a.wasm\""),
            ("site/base.html", ""),
            ("site/fonts/a.woff", "\u{1}"),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    #[test]
    fn only_files_that_count_are_read() {
        let folder = workspace();
        let files = read(folder.path()).expect("a workspace").files;
        let paths: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "callboard.toml",
                "pipelines/p.toml",
                "plugins/a/a.wasm",
                "plugins/a/plugin.toml",
                "plugins/b/plugin.toml",
                "prompts/p.md",
                "site/base.html",
                "site/fonts/a.woff",
            ]
        );
    }

    #[test]
    fn an_error_names_the_file_and_the_mend() {
        let folder = workspace();
        let error = |file: &str, content: Vec<u8>| {
            let path = folder.path().join(file);
            fs::write(&path, content).expect("a file");
            let error = read(folder.path()).expect_err(file).to_string();
            fs::remove_file(path).expect("removed");
            error
        };
        let text = error("prompts/bad.md", vec![b'a', 0xff]);
        assert_eq!(
            text,
            "prompts/bad.md: is not UTF-8 from byte 1 on; save it as UTF-8"
        );
    }

    #[test]
    fn a_large_text_is_refused() {
        let folder = workspace();
        fs::write(
            folder.path().join("settings.toml"),
            vec![b' '; (1 << 20) + 1],
        )
        .expect("a file");
        let error = read(folder.path()).expect_err("large").to_string();
        assert!(
            error.starts_with("settings.toml: is larger than 1 MiB"),
            "{error}"
        );
    }

    #[test]
    fn all_files_together_are_bounded() {
        let folder = workspace();
        for number in 0..5 {
            let file = fs::File::create(folder.path().join(format!("site/{number}.bin")));
            // It takes no place on the disk.
            file.expect("a file").set_len(63 << 20).expect("a size");
        }
        let error = read(folder.path()).expect_err("too much").to_string();
        assert!(error.contains("all files may have 256 MiB"), "{error}");
    }

    #[test]
    fn files_and_names_are_counted() {
        let folder = workspace();
        let many = folder.path().join("site/many");
        fs::create_dir(&many).expect("a folder");
        for number in 0..COUNT {
            fs::create_dir(many.join(number.to_string())).expect("a folder");
        }
        let error = read(folder.path()).expect_err("too many").to_string();
        assert!(error.contains("is one too many"), "{error}");
        for number in COUNT..20_001 {
            fs::create_dir(many.join(number.to_string())).expect("a folder");
        }
        let error = read(folder.path()).expect_err("too many").to_string();
        assert!(
            error.contains("site/many: has more than 20000 names"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_without_a_configuration_is_no_workspace() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = read(folder.path()).expect_err("empty").to_string();
        assert!(error.contains("callboard init"), "{error}");
    }

    #[test]
    fn a_link_is_not_followed_wherever_it_leads() {
        let folder = workspace();
        let link = folder.path().join("prompts/out.md");
        for to in ["/etc/hostname", "p.md", "../nowhere"] {
            symlink(to, &link).expect("a link");
            let found = read(folder.path()).expect("a workspace");
            assert!(!found.files.contains_key("prompts/out.md"));
            let named = |unread: &&Unread| unread.path == "prompts/out.md";
            let unread = found.unread.iter().find(named).expect("it is named");
            assert!(unread.problem.contains("is a link"), "{unread:?}");
            assert!(unread.mend.contains("in its place"), "{unread:?}");
            fs::remove_file(&link).expect("removed");
        }
    }

    #[test]
    fn what_has_to_be_read_and_is_a_link_is_refused() {
        for file in [
            "callboard.toml",
            "settings.toml",
            "site",
            "plugins/a/a.wasm",
            "plugins/a/plugin.toml",
        ] {
            let folder = workspace();
            let path = folder.path().join(file);
            fs::rename(&path, folder.path().join(".moved")).ok();
            symlink(folder.path().join(".moved"), &path).expect("a link");
            let error = read(folder.path()).expect_err(file).to_string();
            assert!(error.starts_with(&format!("{file}: is a link")), "{error}");
        }
    }

    #[test]
    fn a_private_file_is_read_under_no_name() {
        let folder = workspace();
        let database = folder.path().join("callboard.db");
        fs::hard_link(&database, folder.path().join("site/dump.bin")).expect("a link");
        let error = super::read(folder.path(), &[database]).expect_err("private");
        assert_eq!(error.file, "site/dump.bin");
        assert!(error.problem.contains("callboard.db"), "{error}");
    }
}
