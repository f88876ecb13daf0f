//! What a merge brought that is no news: it was on the branch before as another commit, or nothing
//! of it is left in what the merge changes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::super::day::begins_at;
use super::super::forge::Forge;
use super::super::git::{Detail, Git, GitError};
use super::super::headline::Headline;
use super::super::landed::Landing;
use super::super::log::LogEntry;
use super::super::text::bare;
use super::{Landed, Messages};

/// So many merges of a day are looked at against the branch.
const MERGES: usize = 20;

/// Time, author and headline of what the branch had before some merge of a day that brought older
/// commits, where they are those of what it brought.
pub(super) async fn known(
    git: &Git,
    landed: &Landed,
    day: Date,
    entries: &BTreeMap<String, LogEntry>,
) -> Result<Vec<(i64, String, String)>, GitError> {
    let mut known = Vec::new();
    for landing in landed.on(day).into_iter().take(MERGES) {
        let brought = parts(landed, landing, entries);
        let times: BTreeSet<i64> = brought.iter().map(|part| part.written_at).collect();
        // What was made on the day itself is hardly there twice.
        if times.first().is_none_or(|first| *first >= begins_at(day)) {
            continue;
        }
        let merge = entries.get(&landed.history.commits[landing.commit].id);
        if let Some(before) = merge.and_then(|merge| merge.parents.first()) {
            known.extend(git.written(before, &times).await?);
        }
    }
    Ok(known)
}

/// Take what merges of a day brought and is no news; gives how many commits that were.
pub(super) fn take_stale(landed: &Landed, day: Date, read: &mut Messages) -> u64 {
    let known: BTreeSet<(i64, &str, String)> = read
        .known
        .iter()
        .map(|(at, author, subject)| (*at, author.as_str(), headline(subject)))
        .collect();
    let mut stale = BTreeSet::new();
    for landing in landed.on(day) {
        let brought = parts(landed, landing, &read.entries);
        for part in &brought {
            if known.contains(&(
                part.written_at,
                part.author.as_str(),
                headline(&part.subject),
            )) {
                stale.insert(part.id.clone());
            }
        }
        let merge = read.entries.get(&landed.history.commits[landing.commit].id);
        if let Some(merge) = merge
            .filter(|merge| read.detail != Detail::Nothing && !read.unlooked.contains(&merge.id))
        {
            stale.extend(lost(merge, &brought));
        }
        // What took back on the branch what is no news is none either.
        let gone: BTreeSet<String> = brought
            .iter()
            .filter(|part| stale.contains(&part.id))
            .map(|part| bare(&part.subject))
            .collect();
        let takes_back = |part: &&&LogEntry| {
            let undo = Headline::read(&part.subject, Forge::Unknown).undo;
            undo.is_some_and(|undo| !undo.restores && gone.contains(&bare(&undo.of)))
        };
        stale.extend(
            brought
                .iter()
                .filter(takes_back)
                .map(|part| part.id.clone()),
        );
    }
    for id in &stale {
        read.entries.remove(id);
    }
    stale.len() as u64
}

/// The commits that a landing brought, without merges, newest first.
fn parts<'e>(
    landed: &Landed,
    landing: &Landing,
    entries: &'e BTreeMap<String, LogEntry>,
) -> Vec<&'e LogEntry> {
    let brought = landing.brought.iter();
    let brought = brought.filter(|commit| !landed.history.is_merge(**commit));
    let entries = brought.map(|commit| entries.get(&landed.history.commits[*commit].id));
    entries.flatten().collect()
}

/// What only touched files that the merge does not change. A file that a later commit made another
/// of, or changed together with one that is changed, counts as changed.
fn lost(merge: &LogEntry, brought: &[&LogEntry]) -> Vec<String> {
    let is_whole = |entry: &LogEntry| entry.files == entry.paths.len() as u64;
    if !is_whole(merge) {
        return Vec::new();
    }
    let mut changed: BTreeSet<&String> = merge.paths.iter().collect();
    let mut lost = Vec::new();
    for part in brought {
        let is_there = part.paths.iter().any(|path| changed.contains(path));
        if is_there || !is_whole(part) {
            changed.extend(&part.paths);
        } else if !part.paths.is_empty() {
            lost.push(part.id.clone());
        }
    }
    lost
}

/// A headline without the numbers that a forge puts to its end.
fn headline(subject: &str) -> String {
    pattern!(NUMBERS, r"(?:\s*\(#\d+\))+$");
    bare(&NUMBERS.replace(subject, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, paths: &[&str]) -> LogEntry {
        LogEntry {
            id: id.to_owned(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            files: paths.len() as u64,
            ..LogEntry::default()
        }
    }

    #[test]
    fn what_a_merge_does_not_change_it_did_not_bring() {
        let merge = entry("m", &["CHANGES", "new.rs"]);
        let parts = [
            entry("renames", &["old.rs", "new.rs"]),
            entry("draws", &["old.rs"]),
            entry("drops", &["gone.rs"]),
            entry("tries", &["gone.rs"]),
            entry("says", &[]),
        ];
        let brought: Vec<&LogEntry> = parts.iter().collect();
        assert_eq!(lost(&merge, &brought), ["drops", "tries"]);
        // Where not all files are known, nothing is left out.
        let many = LogEntry {
            files: 200,
            ..merge
        };
        assert_eq!(lost(&many, &brought), [""; 0]);
    }

    #[test]
    fn numbers_at_the_end_of_a_headline_make_no_other_change() {
        assert_eq!(headline("Fix it (#3) (#4)"), headline("fix it"));
    }
}
