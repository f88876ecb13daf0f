//! The material of one day: everything a diary may say is in here.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The commits and pull requests of one day of one repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// `owner/name` of the remote, or the folder's name.
    pub repository: String,
    /// `YYYY-MM-DD`, in UTC.
    pub day: String,
    /// Whether the day was over when the repository was read.
    pub day_is_over: bool,
    /// Oldest first, without bots, bookkeeping and merges.
    pub commits: Vec<Commit>,
    pub pull_requests: Vec<PullRequest>,
    pub dropped: Dropped,
    /// What the commits weigh, all in all.
    pub substance: u32,
    /// Tags on commits of the day.
    pub tags: Vec<String>,
}

/// One commit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// The full id.
    pub id: String,
    /// The first characters of the id, unique in the bundle.
    pub short: String,
    pub author: String,
    /// RFC 3339, in UTC.
    pub committed_at: String,
    pub subject: String,
    /// The message without its subject, cut to a limit.
    pub body: String,
    /// The conventional type: `feat`, `fix` …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub scope: Option<String>,
    pub breaking: bool,
    pub pull_request: Option<u64>,
    /// The changed files, cut to a limit.
    pub paths: Vec<String>,
    /// How many files changed.
    pub files: u64,
    pub insertions: u64,
    pub deletions: u64,
}

/// One merged pull request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PullRequest {
    pub number: u64,
    pub title: String,
    /// The message of the merge without its title.
    pub body: String,
    /// The commit that merged it, if that is a merge.
    pub merge: Option<String>,
    /// Full ids of its commits.
    pub commits: Vec<String>,
}

/// What the rules left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dropped {
    /// Commits by bots.
    pub bots: u64,
    /// Releases, version bumps and plain merges.
    pub bookkeeping: u64,
    /// Commits past the limit of one bundle.
    pub over_limit: u64,
}

impl Bundle {
    /// The repository's name without its owner.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// How many people the commits are by.
    pub fn authors(&self) -> usize {
        let names: BTreeSet<_> = self.commits.iter().map(|commit| &commit.author).collect();
        names.len()
    }

    /// The commits of a pull request.
    pub fn commits_of(&self, number: u64) -> impl Iterator<Item = &Commit> {
        let mine = move |commit: &&Commit| commit.pull_request == Some(number);
        self.commits.iter().filter(mine)
    }

    /// What it is about, once: two tasks or posts never have the same subject.
    pub fn subject(&self) -> String {
        subject(&self.repository, &self.day)
    }
}

/// The subject of a day of a repository.
pub fn subject(repository: &str, day: &str) -> String {
    format!("dev_diary:{repository}:{day}")
}
