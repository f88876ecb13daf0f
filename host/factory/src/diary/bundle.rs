//! The material of one day: everything a diary may say is in here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forge::{Forge, Remote};
use super::forge::{ForgeNumber, NumberOf};
use super::release::Release;
use super::theme::Theme;

/// What landed in a repository on one day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// What people call the repository: `owner/name`, or the folder's name.
    pub repository: String,
    /// What it is known by, wherever it lies and whatever its folder is called.
    pub identity: String,
    pub remote: Option<Remote>,
    /// `YYYY-MM-DD`, in UTC.
    pub day: String,
    /// Whether the day was over when the repository was read.
    pub day_is_over: bool,
    /// Oldest first, without bots and bookkeeping, and without what was taken back on the day.
    pub changes: Vec<Change>,
    pub releases: Vec<Release>,
    pub dropped: Dropped,
    /// The ids of commits whose files are too much to be looked at: they are told by their messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlooked: Vec<String>,
    /// How many people wrote the changes.
    pub people: u64,
    /// What the changes weigh, all in all.
    pub substance: u32,
}

/// One thing that landed: a commit of the branch, with what it brought.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What claims name it by: `c1`.
    pub id: String,
    pub theme: Theme,
    /// Whether its headline says of what kind it is.
    pub typed: bool,
    /// Its headline with the scope; code stands in backticks.
    pub title: String,
    /// Why, and how it was mended: whole sentences of its message.
    pub reasons: Vec<String>,
    /// What it is made of, if it says so.
    pub points: Vec<Point>,
    /// Whether the points have an order.
    pub numbered: bool,
    /// How many more of them there are.
    pub more: u64,
    /// What it takes back, if that is of another day and in the history.
    pub undoes: Option<UndoneCommit>,
    pub breaking: bool,
    /// What breaks, in the words of its message.
    pub note: Vec<String>,
    /// The pull request that it is.
    pub request: Option<u64>,
    /// The issues that it closes or names.
    pub issues: Vec<u64>,
    pub commit: Commit,
    /// What a merge brought.
    pub parts: Vec<Commit>,
    /// Other commits of the day that are the same change again.
    pub also: Vec<Commit>,
    /// Lines written or removed, those of generated files left out; absent where git does not say.
    pub lines: Option<u64>,
    /// How much room it deserves.
    pub importance: u32,
}

/// A commit of another day that a change takes back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UndoneCommit {
    /// The full id.
    pub commit: String,
    pub short: String,
    /// `YYYY-MM-DD`, in UTC.
    pub day: String,
    /// Its title; empty if the change names it.
    pub title: String,
}

/// A part of a change, as its message tells it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    pub title: String,
    pub reasons: Vec<String>,
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
    /// The message without its subject and trailers, cut to a limit.
    pub body: String,
    /// What the trailers say, as git reads them.
    pub trailers: Vec<(String, String)>,
    /// The changed files, cut to a limit.
    pub paths: Vec<String>,
    /// How many files changed.
    pub files: u64,
    pub insertions: u64,
    pub deletions: u64,
}

impl Commit {
    /// What it says: message, paths and author.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let trailers = self.trailers.iter().flat_map(|(key, value)| [key, value]);
        let texts = [&self.subject, &self.body, &self.author];
        let texts = texts.into_iter().chain(trailers).chain(&self.paths);
        texts.map(String::as_str)
    }
}

/// Whether a path is a file, the end of its path, or a folder above it.
pub(super) fn is_of(path: &str, whole: &str) -> bool {
    let below = whole
        .strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('/'));
    let end = whole
        .strip_suffix(path)
        .is_some_and(|rest| rest.ends_with('/'));
    whole == path || below || end
}

/// What the rules left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dropped {
    /// Commits by bots.
    pub bots: u64,
    /// Headlines that are no news.
    pub bookkeeping: u64,
    /// Changes that were made and taken back on the day, and what took them back.
    pub undone: u64,
    /// Commits past the limit of one bundle.
    pub over_limit: u64,
}

impl Bundle {
    /// The repository's name without its owner.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// What it is about, once: two tasks or posts never have the same subject.
    pub fn subject(&self) -> String {
        subject(&self.identity, &self.day)
    }

    pub fn change(&self, id: &str) -> Option<&Change> {
        self.changes.iter().find(|change| change.id == id)
    }

    pub fn forge(&self) -> Forge {
        self.remote
            .as_ref()
            .map(|remote| remote.forge)
            .unwrap_or_default()
    }
}

impl Change {
    /// Its commit, what that brought, and what is the same again.
    pub fn commits(&self) -> impl Iterator<Item = &Commit> {
        std::iter::once(&self.commit)
            .chain(&self.parts)
            .chain(&self.also)
    }

    /// The number that it is cited by.
    pub fn number(&self) -> Option<ForgeNumber> {
        let what = NumberOf::Request;
        self.request.map(|value| ForgeNumber { value, what })
    }
}

/// The subject of a day of a repository.
pub fn subject(identity: &str, day: &str) -> String {
    format!("dev_diary:{identity}:{day}")
}
