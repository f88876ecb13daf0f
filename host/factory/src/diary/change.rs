//! Changes: a pull request with its commits, or a commit of its own. What a text tells of.

use super::body::Reason;
use super::bundle::{Bundle, Commit, PullRequest};
use super::rules::bonus;
use super::subject::{self, Subject};
use super::theme::Theme;

/// One thing to tell.
#[derive(Debug, Clone)]
pub struct Change<'b> {
    pub theme: Theme,
    /// The scope, or the folder at the top that holds most of its files.
    pub area: Option<String>,
    pub title: String,
    pub reason: Reason,
    pub breaking: bool,
    pub source: Source,
    /// Short ids of further commits that are the same change.
    pub also: Vec<String>,
    commits: Vec<&'b Commit>,
}

/// What a change is cited by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    PullRequest(u64),
    Commit(String),
}

impl<'b> Change<'b> {
    /// The changes of a day, oldest first.
    pub fn all(bundle: &'b Bundle) -> Vec<Self> {
        let requests = bundle.pull_requests.iter();
        let requests = requests.map(|request| Self::of_request(bundle, request));
        let alone = bundle.commits.iter().filter(|commit| {
            let known = |number| {
                bundle
                    .pull_requests
                    .iter()
                    .any(|request| request.number == number)
            };
            !commit.pull_request.is_some_and(known)
        });
        let mut changes: Vec<Self> = requests.collect();
        for change in alone.map(Self::of_commit) {
            match changes.iter_mut().find(|other| other.is_same(&change)) {
                Some(other) => other
                    .also
                    .extend(change.commits.iter().map(|commit| commit.short.clone())),
                None => changes.push(change),
            }
        }
        changes.sort_by_key(|change| change.commits.first().map(|commit| &commit.committed_at));
        changes
    }

    /// Whether a commit tells the same again, e.g. picked onto another branch.
    fn is_same(&self, other: &Self) -> bool {
        !self.title.is_empty() && self.title.eq_ignore_ascii_case(&other.title)
    }

    /// The sources of the change, in the grammar that the verifier reads.
    pub fn citation(&self) -> String {
        let first = match &self.source {
            Source::PullRequest(number) => format!("PR #{number}"),
            Source::Commit(short) => format!("`{short}`"),
        };
        let also = self.also.iter().take(4).map(|short| format!(", `{short}`"));
        std::iter::once(first).chain(also).collect()
    }

    fn of_request(bundle: &'b Bundle, request: &'b PullRequest) -> Self {
        let commits: Vec<&Commit> = bundle.commits_of(request.number).collect();
        let own = subject::parse(&request.title);
        let best = commits.iter().map(|commit| subject::parse(&commit.subject));
        let typed = best
            .filter(|subject| subject.kind.is_some())
            .min_by_key(|s| Theme::of(s, [].iter()));
        let judged = if own.kind.is_some() {
            own.clone()
        } else {
            typed.unwrap_or_else(|| own.clone())
        };
        Self {
            theme: theme(&judged, &commits),
            area: area(&judged, &commits),
            reason: reason(request, &commits, &own.title),
            breaking: own.breaking || commits.iter().any(|commit| commit.breaking),
            title: own.title,
            source: Source::PullRequest(request.number),
            also: Vec::new(),
            commits,
        }
    }

    fn of_commit(commit: &'b Commit) -> Self {
        let subject = subject::parse(&commit.subject);
        let commits = vec![commit];
        Self {
            theme: theme(&subject, &commits),
            area: area(&subject, &commits),
            reason: Reason::of(&commit.body).beside(&subject.title),
            breaking: commit.breaking,
            title: subject.title,
            source: match commit.pull_request {
                Some(number) => Source::PullRequest(number),
                None => Source::Commit(commit.short.clone()),
            },
            also: Vec::new(),
            commits,
        }
    }

    /// What it weighs in the substance of a day.
    pub fn weight(&self) -> u32 {
        let reviewed = matches!(self.source, Source::PullRequest(_));
        self.theme.weight() + bonus(self.commits.iter().copied(), reviewed)
    }

    /// How much room it deserves: its weight, then how much it says of itself and its size.
    pub fn rank(&self) -> (bool, u32, usize, u64) {
        let lines = self
            .commits
            .iter()
            .map(|c| c.insertions + c.deletions)
            .sum();
        (self.breaking, self.weight(), self.reason.len(), lines)
    }
}

fn theme(subject: &Subject, commits: &[&Commit]) -> Theme {
    Theme::of(subject, commits.iter().flat_map(|commit| &commit.paths))
}

/// The reason in the request, in its commits, or their subjects as a list.
fn reason(request: &PullRequest, commits: &[&Commit], title: &str) -> Reason {
    let own = Reason::of(&request.body).beside(title);
    if !own.is_empty() {
        return own;
    }
    let spoken = commits
        .iter()
        .map(|commit| Reason::of(&commit.body).beside(title));
    if let Some(said) = spoken
        .max_by_key(Reason::len)
        .filter(|said| !said.is_empty())
    {
        return said;
    }
    let subjects = commits
        .iter()
        .map(|commit| subject::parse(&commit.subject).title);
    let others = subjects.filter(|subject| !subject.eq_ignore_ascii_case(title));
    Reason {
        sentences: Vec::new(),
        bullets: others.take(5).collect(),
    }
}

fn area(subject: &Subject, commits: &[&Commit]) -> Option<String> {
    let scopes = commits.iter().filter_map(|commit| commit.scope.clone());
    let scope = subject.scope.clone().or_else(|| scopes.into_iter().next());
    scope.or_else(|| top_folder(commits))
}

/// The folder at the top that holds more than half of the files.
fn top_folder(commits: &[&Commit]) -> Option<String> {
    let paths: Vec<&String> = commits.iter().flat_map(|commit| &commit.paths).collect();
    let folders = paths
        .iter()
        .filter_map(|path| path.split_once('/').map(|(folder, _)| folder));
    let folders: Vec<&str> = folders.collect();
    let common = folders.iter().copied().max_by_key(|folder| {
        (
            folders.iter().filter(|other| *other == folder).count(),
            std::cmp::Reverse(*folder),
        )
    })?;
    let share = folders.iter().filter(|folder| **folder == common).count();
    (share * 2 > paths.len()).then(|| common.to_owned())
}
