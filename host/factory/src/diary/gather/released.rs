//! Releases of a day: what was tagged on it, and headlines of it that say nothing but a version.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::super::day::{begins_at, ends_at};
use super::super::landed::History;
use super::super::log::LogEntry;
use super::super::release::{self, Release};
use super::Landed;

/// What a tag releases.
pub(super) struct Released {
    name: String,
    commit: String,
    /// Seconds since 1970: when the tag was set, or its commit was made.
    at: i64,
}

/// What the tags of a history release.
pub(super) fn of(history: &History) -> Vec<Released> {
    let mut tags: BTreeMap<&str, Vec<(String, Option<i64>)>> = BTreeMap::new();
    for tag in &history.tags {
        if let Some(name) = release::in_tag(&tag.name) {
            let tags = tags.entry(&tag.commit).or_default();
            tags.push((name, tag.set_at));
        }
    }
    let mut released = Vec::new();
    for commit in &history.commits {
        let tags = tags.remove(commit.id.as_str());
        released.extend(tags.into_iter().flatten().map(|(name, set_at)| Released {
            name,
            commit: commit.id.clone(),
            at: set_at.unwrap_or(commit.committed_at),
        }));
    }
    released
}

/// Releases of a day, each by its name once.
pub(super) struct Releases<'l> {
    pub(super) told: Vec<Release>,
    landed: &'l Landed,
    day: Date,
}

impl<'l> Releases<'l> {
    pub(super) fn of(landed: &'l Landed, day: Date) -> Self {
        let mut releases = Self {
            told: Vec::new(),
            landed,
            day,
        };
        for released in &landed.released {
            if releases.is_of_day(released.at) {
                releases.add(&released.name, &released.commit);
            }
        }
        releases
    }

    /// Whether a commit is a release, which is told as one if it is of the day, and is no change.
    pub(super) fn take(&mut self, headline: &str, entry: &LogEntry) -> bool {
        let tagged = || entry.tags.iter().any(|tag| release::in_tag(tag).is_some());
        let Some(name) = release::in_headline(headline) else {
            return !entry.paths.is_empty() && tagged() && release::is_made_of(entry.paths.iter());
        };
        // What was tagged is of the day of its tag.
        let version = name.rsplit(' ').next().unwrap_or_default();
        let by_tag = self
            .landed
            .released
            .iter()
            .any(|it| it.name == name || (it.commit == entry.id && it.name.contains(version)));
        if !by_tag && self.is_of_day(entry.committed_at) {
            self.add(&name, &entry.id);
        }
        true
    }

    fn is_of_day(&self, seconds: i64) -> bool {
        (begins_at(self.day)..ends_at(self.day)).contains(&seconds)
    }

    fn add(&mut self, name: &str, commit: &str) {
        if !self.told.iter().any(|release| release.name == name) {
            self.told.push(Release {
                name: name.to_owned(),
                commit: commit.to_owned(),
                ..Release::default()
            });
        }
    }
}
