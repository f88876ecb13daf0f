//! A workspace as an operator edits it: a folder, the files of it that count, and what they
//! define.
//!
//! [`read`] takes the files that count from a folder, [`digest`] names their contents, and
//! [`Definitions::parse`] makes sense of them, whether they come from a folder or from a
//! revision in the store. Mistakes are collected, never only the first, each as a [`Misread`]
//! with its place and its mend.

mod carried;
mod definitions;
mod expectation;
mod folders;
mod headers;
mod misplaced;
mod mistakes;
mod place;
mod plugins;
mod prompt;
mod read;
mod reader;
mod test_case;
mod test_settings;
mod unread;
mod write;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

pub use self::carried::{carried, carried_over};
pub use self::definitions::Definitions;
pub use self::expectation::Expectation;
pub use self::folders::Folders;
use self::folders::folders;
pub use self::place::{Defined, Misread, Place};
pub use self::plugins::{CONTRACTS, Component, PluginFiles};
pub use self::prompt::Prompt;
pub use self::read::{Folder, configuration, lies_in, read};
pub use self::test_case::{
    CASSETTES, ExpectedRun, SaidDecision, StageOutcome, TABLES, TestCase, TestDecision,
    is_folder_name,
};
pub use self::test_settings::{STAND_IN, group};
pub use self::unread::{UnreadFile, folders_read, is_own_name};
pub use self::write::{refuse_taken, write};
use crate::config::{self, Config};
use crate::relative_path::stays_inside;
use crate::settings::hex;

/// The file of the declared settings.
const SETTINGS: &str = "settings.toml";

/// Contents by path; paths are relative to the workspace and written with `/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Why a folder is not read or written: the file, what is wrong with it, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}; {mend}")]
pub struct WorkspaceError {
    pub file: String,
    pub problem: String,
    pub mend: String,
    /// What kept it from being written, if that is why.
    pub unwritten: Option<std::io::ErrorKind>,
}

impl WorkspaceError {
    fn new(file: impl Into<String>, problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            problem: problem.into(),
            mend: mend.into(),
            unwritten: None,
        }
    }
}

/// What `callboard.toml` says, for a process that has no database open yet.
pub fn parse_config(text: &str) -> Result<Config, Vec<Misread>> {
    match mistakes::parse_with(config::FILE, text, Config::of) {
        (Some(config), misreads) if misreads.is_empty() => Ok(config),
        (_, misreads) => Err(misreads),
    }
}

/// SHA-256 over every path and the SHA-256 of its content in hexadecimal digits, in the order of the paths.
pub fn digest(files: &Files) -> String {
    digest_with(files, &BTreeMap::new())
}

/// The same with components, of which digests in hexadecimal digits are known.
pub fn digest_with(files: &Files, components: &BTreeMap<String, String>) -> String {
    let here = files.iter();
    let here = here.map(|(path, content)| (path, hex(&Sha256::digest(content))));
    let stored = components.iter();
    let stored = stored.map(|(path, digest)| (path, digest.clone()));
    let all: BTreeMap<_, _> = here.chain(stored).collect();
    let mut hasher = Sha256::new();
    for (path, digest) in all {
        hasher.update(path.as_bytes());
        hasher.update([0]);
        hasher.update(digest);
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_paths_and_contents_apart() {
        let files = |path: &str, text: &str| Files::from([(path.to_owned(), text.into())]);
        assert_eq!(digest(&files("a", "x")), digest(&files("a", "x")));
        assert_ne!(digest(&files("a", "x")), digest(&files("a", "y")));
        assert_ne!(digest(&files("a", "x")), digest(&files("b", "x")));
    }
}
