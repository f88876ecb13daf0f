//! What was taken back on another day than it was made: its title and its day, from the history.

use std::collections::BTreeSet;

use super::super::bundle::UndoneCommit;
use super::super::day::day_of_seconds;
use super::super::forge::Forge;
use super::super::headline::{Headline, Merge};
use super::super::landed::History;
use super::super::log::LogEntry;
use super::super::message::undone;
use super::super::text::bare;
use super::unit::Unit;

/// So many are looked up.
const MOST: usize = 100;

/// The ids of the commits that some commits take back and that are none of them.
pub(super) fn of(entries: &[LogEntry], history: &History) -> Vec<String> {
    let names: BTreeSet<String> = entries
        .iter()
        .flat_map(|entry| [&entry.subject, &entry.body])
        .flat_map(|text| undone(text))
        .filter(|name| !name.starts_with('#'))
        .take(MOST)
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let read: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let ids = history.commits.iter().map(|commit| commit.id.as_str());
    let named = |id: &&str| names.iter().any(|name| id.starts_with(name.as_str()));
    ids.filter(|id| !read.contains(id))
        .filter(named)
        .take(MOST)
        .map(str::to_owned)
        .collect()
}

/// What a unit takes back, if it is one of these.
pub(super) fn find(unit: &Unit, undone: &[LogEntry]) -> Option<UndoneCommit> {
    let names = unit.reverts().then_some(&unit.message.undoes)?;
    let named = |entry: &&LogEntry| names.iter().any(|name| entry.id.starts_with(name.as_str()));
    let entry = undone.iter().find(named)?;
    let says_something = Merge::read(&entry.subject).is_none();
    let title = Headline::read(&entry.subject, Forge::Unknown).title;
    let is_new = says_something && !bare(&unit.headline.title).contains(&bare(&title));
    Some(UndoneCommit {
        commit: entry.id.clone(),
        short: String::new(),
        day: day_of_seconds(entry.committed_at).to_string(),
        title: if is_new { title } else { String::new() },
    })
}
