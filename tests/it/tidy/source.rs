//! Reading the repository: its files, and the modules of the host that they are.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the repository.
pub(crate) struct Source {
    /// From the top of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(super) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|it| it == extension)
    }

    /// The package and the path inside it of a file of the host: `core` and `engine/worker.rs`.
    pub(super) fn inside(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("host/")?.split_once("/src/")
    }

    /// The module that a file of the host is: `engine/worker.rs` is `engine`, `worker`. The root of
    /// a package has no name.
    pub(super) fn module(&self) -> Option<Vec<&str>> {
        let (_, inside) = self.inside()?;
        let names = inside.strip_suffix(".rs")?.split('/').collect();
        Some(if names == ["lib"] { Vec::new() } else { names })
    }

    /// The layer a file of the host belongs to: `host/core/src/engine/worker.rs` is of `engine`.
    /// `lib.rs` is the map and belongs to none.
    pub(super) fn layer(&self) -> Option<&str> {
        self.module()?.first().copied()
    }
}

pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every text file that a person wrote, in order of their paths.
pub(crate) fn sources() -> Vec<Source> {
    let top = repository();
    let mut found = Vec::new();
    collect(&top, &top, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(
        found.len() > 10,
        "the repository was not found at {}",
        top.display()
    );
    found
}

fn collect(top: &Path, folder: &Path, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !is_skipped(&path, &name) {
                collect(top, &path, found);
            }
        } else if is_written_by_hand(&path, &name) {
            let text = fs::read_to_string(&path).expect("a text file in UTF-8");
            let inside = path.strip_prefix(top).expect("a path below the top");
            let path = inside.to_string_lossy().replace('\\', "/");
            found.push(Source { path, text });
        }
    }
}

/// Hidden folders but our own two, and what was built: cargo marks its folders as a cache.
fn is_skipped(path: &Path, folder: &str) -> bool {
    let hidden = folder.starts_with('.') && folder != ".ci" && folder != ".config";
    hidden || ["target", "node_modules"].contains(&folder) || path.join("CACHEDIR.TAG").exists()
}

fn is_written_by_hand(path: &Path, name: &str) -> bool {
    let kinds = ["rs", "md", "toml", "wit", "sql", "html", "snap"];
    let by_kind = path
        .extension()
        .is_some_and(|it| kinds.iter().any(|kind| it == *kind));
    by_kind || ["just", "justfile", "run"].contains(&name)
}
