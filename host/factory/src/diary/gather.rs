//! From the commits that git lists to the bundle of one day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::bundle::{Bundle, Commit, Dropped, PullRequest};
use super::day::{begins_at, ends_at, is_over};
use super::git::{Git, GitError, History};
use super::log::{self, Entry};
use super::rules::{Rules, substance};
use super::subject;

/// Where and how to look.
pub struct Gatherer<'g> {
    pub git: &'g Git,
    pub repository: &'g str,
    pub rules: &'g Rules,
    /// The most commits that one bundle holds.
    pub limit: usize,
    pub now: Timestamp,
}

/// A merge of a pull request with the commits it brought in.
struct Merge {
    request: PullRequest,
    commits: Vec<Entry>,
    by_bot: bool,
}

impl Merge {
    /// The commits that there was no room for.
    fn unread(&self) -> &[String] {
        self.request
            .commits
            .get(self.commits.len()..)
            .unwrap_or_default()
    }
}

impl Gatherer<'_> {
    /// The bundle of a day. Its commits are those that were committed on the day, and those
    /// that a pull request merged on the day brought in.
    pub async fn bundle(&self, history: &History, day: Date) -> Result<Bundle, GitError> {
        let listed = history.commits.iter();
        let on_day = listed.filter(|c| (begins_at(day)..ends_at(day)).contains(&c.committed_at));
        let ids: Vec<String> = on_day.map(|commit| commit.id.clone()).collect();
        if history.is_shallow
            && !history
                .commits
                .iter()
                .any(|c| c.committed_at < begins_at(day))
        {
            return Err(GitError::Shallow);
        }
        // For those that were merged on the day as well.
        let mut room = log::ROOM;
        let wanted = &ids[..ids.len().min(self.limit)];
        let entries = self.git.commits(wanted, &mut room).await?;
        let over_limit = ids.len() - entries.len();
        let merges = self.merges(&entries, &mut room).await?;
        let on_day = BTreeSet::from_iter(&ids);
        let unread = merges.iter().flat_map(Merge::unread);
        let over_limit = over_limit + unread.filter(|id| !on_day.contains(id)).count();
        let mut bundle = self.assemble(entries, merges);
        bundle.dropped.over_limit = over_limit as u64;
        bundle.day = day.to_string();
        bundle.day_is_over = is_over(day, self.now);
        bundle.substance = substance(&bundle);
        Ok(bundle)
    }

    async fn merges(&self, entries: &[Entry], room: &mut usize) -> Result<Vec<Merge>, GitError> {
        let mut merges = Vec::new();
        for entry in entries.iter().filter(|entry| entry.is_merge()) {
            let Some((number, title)) = subject::merged(&entry.subject, &entry.body) else {
                continue;
            };
            let ids = self.git.merged(entry, self.limit).await?;
            let commits = self.git.commits(&ids, room).await?;
            let by_bot = self.rules.is_bots_branch(&entry.subject)
                || (!commits.is_empty() && commits.iter().all(|commit| self.rules.is_bot(commit)));
            let body = entry.body.replacen(&title, "", 1);
            let merge = Some(entry.id.clone());
            let request = PullRequest {
                number,
                title,
                body,
                merge,
                commits: ids,
            };
            merges.push(Merge {
                request,
                commits,
                by_bot,
            });
        }
        Ok(merges)
    }

    fn assemble(&self, entries: Vec<Entry>, merges: Vec<Merge>) -> Bundle {
        let mut sorter = Sorter {
            rules: self.rules,
            seen: BTreeSet::new(),
            dropped: Dropped::default(),
            tags: Vec::new(),
            kept: Vec::new(),
        };
        let mut requests = BTreeMap::new();
        for merge in merges {
            let number = (!merge.by_bot).then_some(merge.request.number);
            for entry in merge.commits {
                sorter.take(entry, number, merge.by_bot);
            }
            if let Some(number) = number {
                requests.insert(number, merge.request);
            }
        }
        for entry in entries {
            sorter.take(entry, None, false);
        }
        sorter.finish(self.repository, requests)
    }
}

/// Takes commits in, each once, and drops what the rules say.
struct Sorter<'r> {
    rules: &'r Rules,
    seen: BTreeSet<String>,
    dropped: Dropped,
    tags: Vec<String>,
    kept: Vec<(Entry, Option<u64>)>,
}

impl Sorter<'_> {
    fn take(&mut self, mut entry: Entry, request: Option<u64>, by_bot: bool) {
        if !self.seen.insert(entry.id.clone()) {
            return;
        }
        self.tags.append(&mut entry.tags);
        let is_request = entry.is_merge() && subject::merged(&entry.subject, &entry.body).is_some();
        if by_bot || self.rules.is_bot(&entry) {
            self.dropped.bots += u64::from(!is_request);
        } else if entry.is_merge() || self.rules.is_bookkeeping(&entry.subject) {
            self.dropped.bookkeeping += u64::from(!is_request);
        } else {
            self.kept.push((entry, request));
        }
    }

    fn finish(mut self, repository: &str, mut requests: BTreeMap<u64, PullRequest>) -> Bundle {
        self.kept
            .sort_by(|(a, _), (b, _)| (a.committed_at, &a.id).cmp(&(b.committed_at, &b.id)));
        let ids: Vec<String> = self
            .kept
            .iter()
            .map(|(entry, _)| entry.id.clone())
            .collect();
        let commits: Vec<Commit> = self
            .kept
            .into_iter()
            .map(|(entry, request)| commit(entry, request, &ids))
            .collect();
        for commit in &commits {
            squashed(commit, &mut requests);
        }
        requests.retain(|number, request| {
            request.merge.is_some() || commits.iter().any(|c| c.pull_request == Some(*number))
        });
        self.tags.sort();
        Bundle {
            repository: repository.to_owned(),
            commits,
            pull_requests: requests.into_values().collect(),
            dropped: self.dropped,
            tags: self.tags,
            ..Bundle::default()
        }
    }
}

fn commit(entry: Entry, request: Option<u64>, ids: &[String]) -> Commit {
    let parsed = subject::parse(&entry.subject);
    let breaking = parsed.breaking || entry.body.contains("BREAKING CHANGE");
    let time = Timestamp::from_second(entry.committed_at).unwrap_or(Timestamp::UNIX_EPOCH);
    Commit {
        short: short(&entry.id, ids),
        committed_at: time.to_string(),
        kind: parsed.kind,
        scope: parsed.scope,
        breaking,
        pull_request: request.or(parsed.pull_request),
        id: entry.id,
        author: entry.author,
        subject: entry.subject,
        body: entry.body,
        paths: entry.paths,
        files: entry.files,
        insertions: entry.insertions,
        deletions: entry.deletions,
    }
}

/// Eight characters, or as many as tell it from the other commits.
fn short(id: &str, ids: &[String]) -> String {
    let unique = |length: &usize| {
        ids.iter()
            .filter(|other| other.starts_with(&id[..*length]))
            .count()
            < 2
    };
    let length = (8..id.len()).find(unique).unwrap_or(id.len());
    id[..length].to_owned()
}

/// A commit that is a squashed pull request stands for it.
fn squashed(commit: &Commit, requests: &mut BTreeMap<u64, PullRequest>) {
    let Some(number) = commit.pull_request else {
        return;
    };
    let request = requests.entry(number).or_insert_with(|| PullRequest {
        number,
        title: commit.subject.clone(),
        ..PullRequest::default()
    });
    if !request.commits.contains(&commit.id) {
        request.commits.push(commit.id.clone());
    }
}
