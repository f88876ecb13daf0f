//! Take the files that count from a folder, and name what else is there.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ignore::gitignore::Gitignore;

use super::unread::{self, Unread};
use super::{CONTRACTS, Files, WorkspaceError, folders, stays_inside};
use crate::config;
use crate::plugin::manifest;

/// The largest text.
const TEXT: u64 = 1 << 20;
/// The largest component, and the largest file of a tenant's that is no text.
const BINARY: u64 = 64 << 20;
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

/// The workspace in `folder`.
pub fn read(folder: &Path) -> Result<Folder, WorkspaceError> {
    let mut reader = Reader::new(folder)?;
    if !folder.join(config::FILE).exists() {
        return Err(WorkspaceError::new(
            config::FILE,
            format!("is not in {}, so this is no workspace", folder.display()),
            "make one with `callboard init`, or name the folder with `--workspace`",
        ));
    }
    reader.text(config::FILE)?;
    if folder.join("settings.toml").exists() {
        reader.text("settings.toml")?;
    }
    for (inner, ending) in [
        ("pipelines", "toml"),
        ("policies", "toml"),
        ("prompts", "md"),
    ] {
        reader.texts(inner, ending)?;
    }
    for plugin in reader.names("plugins")? {
        reader.plugin(&format!("plugins/{plugin}"))?;
    }
    for folder in folders() {
        reader.whole(folder, 0)?;
    }
    let unread = unread::list(&reader)?;
    let files = reader.files;
    Ok(Folder { files, unread })
}

pub(super) struct Reader {
    pub(super) folder: PathBuf,
    /// The folder with every link followed, which no file may leave.
    root: PathBuf,
    /// What is left alone.
    ignored: Gitignore,
    pub(super) files: Files,
}

impl Reader {
    fn new(folder: &Path) -> Result<Self, WorkspaceError> {
        let root = folder.canonicalize().map_err(|error| {
            let mend = "name an existing folder with `--workspace`";
            WorkspaceError::new(folder.display().to_string(), error.to_string(), mend)
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            root,
            ignored: unread::ignored(folder)?,
            files: Files::new(),
        })
    }

    /// Names in a folder of the workspace, sorted, without those that are left alone; none if
    /// it is absent.
    pub(super) fn names(&self, inner: &str) -> Result<Vec<String>, WorkspaceError> {
        let path = self.folder.join(inner);
        if !path.is_dir() {
            return Ok(Vec::new());
        }
        self.inside(inner)?;
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| unreadable(inner, &error))? {
            let entry = entry.map_err(|error| unreadable(inner, &error))?;
            let name = entry.file_name().into_string().map_err(|name| {
                let file = format!("{inner}/{}", name.display());
                WorkspaceError::new(file, "has a name that is not UTF-8", "rename it")
            })?;
            let path = Path::new(inner).join(&name);
            let is_folder = self.folder.join(&path).is_dir();
            if !self.ignored.matched(path, is_folder).is_ignore() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Every text of one ending in a folder.
    fn texts(&mut self, inner: &str, ending: &str) -> Result<(), WorkspaceError> {
        for name in self.names(inner)? {
            if ends_with(&name, ending) {
                self.text(&format!("{inner}/{name}"))?;
            }
        }
        Ok(())
    }

    /// A manifest and the component it names. What is wrong with either is for
    /// `Definitions::parse` and the roll call to say.
    fn plugin(&mut self, inner: &str) -> Result<(), WorkspaceError> {
        let file = format!("{inner}/{}", manifest::FILE);
        if !self.folder.join(&file).exists() {
            return Ok(());
        }
        self.text(&file)?;
        let component = self.files.get(&file).and_then(|bytes| component(bytes));
        if let Some(component) = component {
            let path = format!("{inner}/{component}");
            if self.folder.join(&path).exists() {
                self.binary(&path)?;
            }
        }
        Ok(())
    }

    /// All that is in a folder, texts and others.
    fn whole(&mut self, inner: &str, depth: usize) -> Result<(), WorkspaceError> {
        if depth > DEPTH {
            let problem = format!("is more than {DEPTH} folders deep");
            return Err(WorkspaceError::new(
                inner,
                problem,
                "remove the link that leads upwards",
            ));
        }
        for name in self.names(inner)? {
            let path = format!("{inner}/{name}");
            if self.folder.join(&path).is_dir() {
                self.whole(&path, depth + 1)?;
            } else if TEXTS.iter().any(|ending| ends_with(&name, ending)) {
                self.text(&path)?;
            } else {
                self.binary(&path)?;
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

    fn bytes(&self, file: &str, limit: u64) -> Result<Vec<u8>, WorkspaceError> {
        let path = self.inside(file)?;
        let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
        if !is_file {
            return Err(WorkspaceError::new(
                file,
                "is not a file",
                "remove it, or put a file there",
            ));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|opened| opened.take(limit + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(file, &error))?;
        if bytes.len() as u64 > limit {
            let problem = format!("is larger than {} MiB", limit >> 20);
            return Err(WorkspaceError::new(
                file,
                problem,
                "make it smaller, or move it away",
            ));
        }
        Ok(bytes)
    }

    /// The path with every link followed, which has to be inside the workspace.
    fn inside(&self, file: &str) -> Result<PathBuf, WorkspaceError> {
        let path = self.folder.join(file).canonicalize();
        let path = path.map_err(|error| unreadable(file, &error))?;
        if path.starts_with(&self.root) {
            Ok(path)
        } else {
            let problem = format!("is a link out of the workspace, to {}", path.display());
            Err(WorkspaceError::new(
                file,
                problem,
                "copy what it links to into the workspace",
            ))
        }
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

fn unreadable(file: &str, error: &std::io::Error) -> WorkspaceError {
    WorkspaceError::new(
        file,
        error.to_string(),
        "check that it is there and may be read",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_folder_without_a_configuration_is_no_workspace() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = read(folder.path()).expect_err("empty").to_string();
        assert!(error.contains("callboard init"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_may_not_leave_the_folder() {
        let folder = workspace();
        let outside = tempfile::NamedTempFile::new().expect("a file");
        let link = folder.path().join("prompts/out.md");
        std::os::unix::fs::symlink(outside.path(), &link).expect("a link");
        let error = read(folder.path()).expect_err("a link out").to_string();
        assert!(
            error.starts_with("prompts/out.md: is a link out of the workspace"),
            "{error}"
        );
        fs::remove_file(&link).expect("removed");
        std::os::unix::fs::symlink("p.md", &link).expect("a link");
        assert!(
            read(folder.path()).is_ok(),
            "a link that stays inside is a file"
        );
        std::os::unix::fs::symlink(folder.path().join("site"), folder.path().join("site/up"))
            .expect("a link");
        let error = read(folder.path()).expect_err("a circle").to_string();
        assert!(error.contains("folders deep"), "{error}");
    }
}
