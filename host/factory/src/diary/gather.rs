//! From the history of a branch to the bundle of one day.

mod brought;
mod people;
mod points;
mod released;
mod sentences;
mod told;
mod undo;
mod undone;
mod unit;
mod weigh;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use self::people::People;
use self::released::{Released, Releases};
use self::unit::Unit;
use super::bundle::{Bundle, Change, Commit, Dropped};
use super::day::{begins_at, day_of_seconds, ends_at, is_over};
use super::forge::{Forge, Remote};
use super::git::{Detail, Git, GitError, Looked, RepositoryIdentity};
use super::landed::{History, Landing};
use super::log::{self, LogEntry};
use super::release::{self, Release};
use super::rules::{Author, DiaryRules};

/// Merges of merges are looked into so deep.
const DEPTH: usize = 8;

/// What is known of a repository before its messages are read.
pub struct Gatherer<'g> {
    pub identity: &'g RepositoryIdentity,
    pub rules: &'g DiaryRules,
    /// The forge, if the operator names it.
    pub forge: Option<Forge>,
    /// The most commits that one bundle holds.
    pub limit: usize,
    pub now: Timestamp,
}

/// A history by what landed.
pub struct Landed {
    history: History,
    landings: Vec<Landing>,
    released: Vec<Released>,
}

impl Landed {
    pub fn new(history: History) -> Self {
        let landings = history.landings();
        let released = released::of(&history);
        Self {
            history,
            landings,
            released,
        }
    }

    fn landed_at(&self, landing: &Landing) -> i64 {
        self.history.commits[landing.commit].committed_at
    }

    /// What landed on a day, oldest first.
    fn on(&self, day: Date) -> Vec<&Landing> {
        let times = begins_at(day)..ends_at(day);
        let all = self.landings.iter();
        all.filter(|landing| times.contains(&self.landed_at(landing)))
            .collect()
    }

    /// The UTC days on which something landed, oldest first.
    pub fn days(&self) -> BTreeSet<Date> {
        let times = self.landings.iter().map(|landing| self.landed_at(landing));
        times.map(day_of_seconds).collect()
    }

    /// What a repository is known by: its remote, or its first commit. A shallow clone without a
    /// remote is known by neither, so its name has to do.
    pub fn identity(&self, identity: &RepositoryIdentity) -> String {
        let first = self.history.root().filter(|_| !self.history.is_shallow);
        match (&identity.remote, first) {
            (Some(Remote { host, path, .. }), _) => format!("{host}/{path}").replace(':', "-"),
            (None, Some(first)) => first[..first.len().min(12)].to_owned(),
            (None, None) => identity.name.clone(),
        }
    }
}

/// The messages of a day that were read, by their id.
pub struct Messages {
    pub entries: BTreeMap<String, LogEntry>,
    /// What they take back and is of other days.
    pub undone: Vec<LogEntry>,
    /// What the branch had before a merge brought it again: when it was written, by whom, and its
    /// headline.
    pub known: Vec<(i64, String, String)>,
    pub detail: Detail,
    /// The ids of those without their files, which are too much.
    pub unlooked: Vec<String>,
    /// How many there was no room for.
    pub over_limit: u64,
}

impl Gatherer<'_> {
    /// The bundle of a day: what landed on the branch on it. A commit of another branch has landed
    /// with its merge, whenever it was made.
    pub async fn bundle(&self, git: &Git, landed: &Landed, day: Date) -> Result<Bundle, GitError> {
        let begins = begins_at(day);
        let before = |landing: &Landing| landed.landed_at(landing) < begins;
        if landed.history.is_shallow && !landed.landings.iter().any(before) {
            return Err(GitError::Shallow);
        }
        let messages = self.messages(git, landed, day).await?;
        Ok(self.assemble(landed, day, messages))
    }

    /// What landed, newest first, and then what it brought, as much as there is room for.
    async fn messages(&self, git: &Git, landed: &Landed, day: Date) -> Result<Messages, GitError> {
        let id = |commit: &usize| landed.history.commits[*commit].id.clone();
        let mut newest = landed.on(day);
        newest.reverse();
        let mut ids: Vec<String> = newest.iter().map(|landing| id(&landing.commit)).collect();
        ids.extend(newest.iter().flat_map(|landing| &landing.brought).map(id));
        let mut room = log::ROOM;
        let wanted = &ids[..ids.len().min(self.limit)];
        let looked = git.commits(wanted, &mut room).await?;
        let Looked {
            entries,
            detail,
            unlooked,
        } = looked;
        let over_limit = (ids.len() - entries.len()) as u64;
        let taken_back = undone::of(&entries, &landed.history);
        let undone = git.messages(&taken_back, &mut room).await?;
        let entries = entries
            .into_iter()
            .map(|entry| (entry.id.clone(), entry))
            .collect();
        let known = brought::known(git, landed, day, &entries).await?;
        Ok(Messages {
            entries,
            undone,
            known,
            detail,
            unlooked,
            over_limit,
        })
    }

    /// The bundle that some messages make.
    pub fn assemble(&self, landed: &Landed, day: Date, mut read: Messages) -> Bundle {
        let remote = self.remote(&read);
        let forge = remote
            .as_ref()
            .map(|remote| remote.forge)
            .unwrap_or_default();
        let stale = brought::take_stale(landed, day, &mut read);
        let mut units = Vec::new();
        for landing in landed.on(day) {
            unit::units(
                &landed.history,
                landing,
                (&mut read.entries, forge),
                DEPTH,
                &mut units,
            );
        }
        let mut sorter = Sorter {
            rules: self.rules,
            counts: read.detail == Detail::Lines,
            unlooked: read.unlooked.into_iter().collect(),
            dropped: Dropped {
                over_limit: read.over_limit,
                ..Dropped::default()
            },
            people: People::default(),
            releases: Releases::of(landed, day),
        };
        undo::join(&mut units);
        sorter.dropped.undone = stale + undo::undo(&mut units);
        let mut changes = Vec::new();
        for unit in units {
            let undoes = undone::find(&unit, &read.undone);
            let change = sorter.take(unit);
            changes.extend(change.map(|change| Change { undoes, ..change }));
        }
        let mut releases = sorter.releases.told;
        let unlooked = sorter.unlooked.into_iter().collect();
        name(&mut changes, &mut releases);
        Bundle {
            repository: self.identity.name.clone(),
            identity: landed.identity(self.identity),
            day: day.to_string(),
            day_is_over: is_over(day, self.now),
            remote,
            substance: substance(&changes),
            changes,
            releases,
            dropped: sorter.dropped,
            unlooked,
            people: sorter.people.count(),
        }
    }

    /// The remote with its forge, which messages may name where the address does not.
    fn remote(&self, read: &Messages) -> Option<Remote> {
        let mut remote = self.identity.remote.clone()?;
        let says = |text: &str| read.entries.values().any(|entry| entry.body.contains(text));
        if let Some(forge) = self.forge {
            remote.forge = forge;
        } else if remote.forge == Forge::Unknown && says("\nSee merge request ") {
            remote.forge = Forge::GitLab;
        }
        Some(remote)
    }
}

/// What changes weigh, all in all. What is about the work and not about what is made does not add
/// up: many small ones are no more to tell than the largest of them.
fn substance(changes: &[Change]) -> u32 {
    let is_minor = |change: &&Change| change.theme.is_minor() && !change.breaking;
    let minor = changes.iter().filter(is_minor);
    let others = changes.iter().filter(|change| !is_minor(change));
    let minor = minor.map(|change| change.importance).max();
    others.map(|change| change.importance).sum::<u32>() + minor.unwrap_or_default()
}

/// Makes changes of what is news, and counts the rest.
struct Sorter<'r> {
    rules: &'r DiaryRules,
    counts: bool,
    /// Whose lines nobody counted.
    unlooked: BTreeSet<String>,
    dropped: Dropped,
    people: People,
    releases: Releases<'r>,
}

impl Sorter<'_> {
    fn take(&mut self, unit: Unit) -> Option<Change> {
        let headline = unit.line();
        if self.releases.take(&headline, &unit.entry) {
            return None;
        }
        let by = unit.writers().map(|entry| self.rules.author(entry));
        let by: Vec<Author> = by.collect();
        if by.iter().all(|author| *author == Author::Bot) {
            self.dropped.bots += 1;
            return None;
        }
        if self.rules.is_bookkeeping(&headline) || release::begins(&headline) {
            self.dropped.bookkeeping += 1;
            return None;
        }
        self.people.wrote(&unit, self.rules);
        let counts = self.counts && !self.unlooked.contains(&unit.entry.id);
        Some(unit.change(self.rules, counts))
    }
}

/// Give each change and release its name for claims, and each commit its short id.
fn name(changes: &mut [Change], releases: &mut [Release]) {
    let commits = changes
        .iter()
        .flat_map(Change::commits)
        .map(|commit| commit.id.clone());
    let undone = changes.iter().filter_map(|change| change.undoes.as_ref());
    let mut ids: Vec<String> = commits
        .chain(undone.map(|undone| undone.commit.clone()))
        .chain(releases.iter().map(|it| it.commit.clone()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    for (index, change) in changes.iter_mut().enumerate() {
        change.id = format!("c{}", index + 1);
        let commits = std::iter::once(&mut change.commit);
        for commit in commits.chain(&mut change.parts).chain(&mut change.also) {
            commit.short = short(&commit.id, &ids);
        }
        if let Some(undone) = &mut change.undoes {
            undone.short = short(&undone.commit, &ids);
        }
    }
    releases.sort_by_key(|it| release::order(&it.name));
    for (index, release) in releases.iter_mut().enumerate() {
        release.id = format!("r{}", index + 1);
        release.short = short(&release.commit, &ids);
    }
}

/// Eight characters, or as many as tell it from the others, which are sorted.
fn short(id: &str, sorted: &[String]) -> String {
    let place = sorted.partition_point(|other| other.as_str() < id);
    let shared = |other: Option<&String>| {
        let other = other.filter(|other| other.as_str() != id);
        let same = |other: &String| {
            id.bytes()
                .zip(other.bytes())
                .take_while(|(a, b)| a == b)
                .count()
        };
        other.map_or(0, same)
    };
    let before = place.checked_sub(1).and_then(|place| sorted.get(place));
    let longest = shared(before).max(shared(sorted.get(place + 1)));
    id[..(longest + 1).max(8).min(id.len())].to_owned()
}

/// A commit as a bundle keeps it.
fn commit(entry: LogEntry) -> Commit {
    let time = Timestamp::from_second(entry.committed_at).unwrap_or(Timestamp::UNIX_EPOCH);
    Commit {
        short: String::new(),
        committed_at: time.to_string(),
        id: entry.id,
        author: entry.author,
        subject: entry.subject,
        body: entry.body,
        trailers: entry.trailers,
        paths: entry.paths,
        files: entry.files,
        insertions: entry.insertions,
        deletions: entry.deletions,
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn short_ids_tell_commits_apart() {
        let ids = ["1a2b3c4d5e6f", "1a2b3c4d5f00", "2b00000000"].map(str::to_owned);
        let short = |id: &str| short(id, &ids);
        assert_eq!(short("1a2b3c4d5e6f"), "1a2b3c4d5e");
        assert_eq!(short("1a2b3c4d5f00"), "1a2b3c4d5f");
        assert_eq!(short("2b00000000"), "2b000000");
    }
}
