//! Why a repository could not be read, with the mend. None of it is a quiet day.

use std::path::Path;

use callboard_core::outcome::{FailureKind, Stop};
use callboard_core::shown::cut;

/// The most characters of what git says that are quoted.
const QUOTED: usize = 200;

/// Why `git` did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    #[error("the program `git` is not installed, or not in PATH; install it")]
    NotInstalled,
    #[error("no such folder; give the path of a repository on this machine")]
    NoFolder,
    #[error("it begins nowhere; give a path from the root of this machine")]
    Relative,
    #[error("it is a file; give the folder that holds `.git`")]
    NoDirectory,
    #[error("it is not a git repository; give the folder that holds `.git`, not one inside it")]
    NoRepository,
    #[error(
        "it belongs to somebody else, so git does not read it; allow it with `git config --global --add safe.directory {0}`"
    )]
    Ownership(String),
    #[error(
        "HEAD names a branch without commits while other branches have some; check one of them out, e.g. `git switch main`"
    )]
    UnbornHead,
    #[error(
        "it is a shallow clone, so the history of that day may be missing; get it with `git fetch --unshallow`"
    )]
    Shallow,
    #[error("git refused: {0}; see what `git fsck` says")]
    Refused(String),
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    #[error(
        "git takes more memory for it than it may have ({0}); a commit of that day or the number of all is made to harm, or far too large"
    )]
    Memory(String),
    #[error("git took longer than the stage has left; give the stage a longer `timeout`")]
    Timeout,
}

impl GitError {
    /// The error behind what git says.
    pub(super) fn of(words: &str, folder: &Path) -> Self {
        if words.contains("dubious ownership") {
            GitError::Ownership(folder.display().to_string())
        } else if words.contains("not a git repository") {
            GitError::NoRepository
        } else if let Some(line) = words.lines().find(|line| line.contains("ut of memory")) {
            GitError::Memory(cut(line.trim(), QUOTED))
        } else {
            let lines = words.lines().filter(|line| !line.starts_with("hint:"));
            let words: Vec<&str> = lines
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .take(3)
                .collect();
            GitError::Refused(if words.is_empty() {
                "it gave no reason".to_owned()
            } else {
                words.join("; ")
            })
        }
    }

    /// The outcome for the repository at `path`: unavailable, or out of time.
    pub fn stop(self, path: &str) -> Stop {
        match self {
            GitError::Timeout => {
                Stop::retryable(FailureKind::Timeout, format!("repository {path}: {self}"))
            }
            _ => Stop::unavailable(format!("repository {path}"), self),
        }
    }
}

pub(super) fn unreadable(error: std::io::Error) -> GitError {
    GitError::Unreadable(error.to_string())
}
