//! What landed when: the branch as its own commits, each with what it brought.

use std::collections::HashMap;

/// No commit of the history.
const NONE: u32 = u32::MAX;

/// All commits that HEAD has, newest first, and how they follow from one another.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub commits: Vec<CommitLine>,
    /// Whether older commits are missing because the repository is a shallow clone.
    pub is_shallow: bool,
    pub tags: Vec<Tag>,
    parents: Parents,
}

/// A tag of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    /// The full id of its commit.
    pub commit: String,
    /// When it was set, in seconds since 1970; a tag without a message does not say.
    pub set_at: Option<i64>,
}

impl Tag {
    /// A line of `git for-each-ref`: the ids of tag and commit, the time and the name.
    pub fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (own, peeled, time) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            commit: if peeled.is_empty() { own } else { peeled }.to_owned(),
            set_at: time.parse().ok(),
            name: words.next()?.to_owned(),
        })
    }
}

/// One line of the list of all commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitLine {
    pub id: String,
    pub committed_at: i64,
}

/// A commit of a branch, with those that it brought, as places in the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Landing {
    pub commit: usize,
    pub brought: Vec<usize>,
}

/// The parents of all commits in one list.
#[derive(Debug, Clone, Default)]
struct Parents {
    of: Vec<u32>,
    ends: Vec<usize>,
}

impl Parents {
    fn of(&self, commit: usize) -> &[u32] {
        let start = commit.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.of[start..self.ends[commit]]
    }
}

/// Lines of `git rev-list --timestamp --parents`, as they come.
#[derive(Debug, Default)]
pub struct Lister {
    commits: Vec<CommitLine>,
    parents: Vec<String>,
    ends: Vec<usize>,
}

impl Lister {
    pub fn take(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let (Some(Ok(committed_at)), Some(id)) = (words.next().map(str::parse), words.next())
        else {
            return;
        };
        self.commits.push(CommitLine {
            id: id.to_owned(),
            committed_at,
        });
        self.parents.extend(words.map(str::to_owned));
        self.ends.push(self.parents.len());
    }

    pub fn finish(self, is_shallow: bool) -> History {
        let place = |index| u32::try_from(index).unwrap_or(NONE);
        let known: HashMap<&str, u32> = self
            .commits
            .iter()
            .enumerate()
            .map(|(index, commit)| (commit.id.as_str(), place(index)))
            .collect();
        let of = self
            .parents
            .iter()
            .map(|id| known.get(id.as_str()).copied().unwrap_or(NONE));
        let parents = Parents {
            of: of.collect(),
            ends: self.ends,
        };
        History {
            parents,
            is_shallow,
            tags: Vec::new(),
            commits: self.commits,
        }
    }
}

impl History {
    /// The commits of the branch, oldest first, each with what it brought: what is reachable from
    /// it and from none before it.
    pub fn landings(&self) -> Vec<Landing> {
        if self.commits.is_empty() {
            return Vec::new();
        }
        self.chain(0, &mut vec![true; self.commits.len()])
    }

    /// What a merge brought as a branch of its own: its commits with what they brought.
    pub fn within(&self, landing: &Landing) -> Vec<Landing> {
        let mut free = vec![false; self.commits.len()];
        for commit in &landing.brought {
            free[*commit] = true;
        }
        let others = self.parents.of(landing.commit).iter().skip(1);
        let mut all = Vec::new();
        for tip in others.filter(|tip| **tip != NONE) {
            all.extend(self.chain(*tip as usize, &mut free));
        }
        all
    }

    /// The first of all commits.
    pub fn root(&self) -> Option<&str> {
        let mut at = (!self.commits.is_empty()).then_some(0)?;
        while let Some(first) = self.parents.of(at).first().filter(|first| **first != NONE) {
            at = *first as usize;
        }
        Some(&self.commits[at].id)
    }

    /// The first parents of a commit as far as they are free, oldest first; takes what they brought.
    fn chain(&self, tip: usize, free: &mut [bool]) -> Vec<Landing> {
        let mut chain = Vec::new();
        let mut at = Some(tip);
        while let Some(commit) = at.filter(|commit| std::mem::take(&mut free[*commit])) {
            chain.push(commit);
            let first = self
                .parents
                .of(commit)
                .first()
                .filter(|first| **first != NONE);
            at = first.map(|first| *first as usize);
        }
        chain.reverse();
        let landings = chain.into_iter().map(|commit| {
            let brought = self.brought(commit, free);
            Landing { commit, brought }
        });
        landings.collect()
    }

    /// What is free and reachable from the other parents of a commit, newest first.
    fn brought(&self, commit: usize, free: &mut [bool]) -> Vec<usize> {
        let mut open: Vec<u32> = self.parents.of(commit).iter().skip(1).copied().collect();
        let mut brought = Vec::new();
        while let Some(next) = open.pop() {
            if next != NONE && std::mem::take(&mut free[next as usize]) {
                brought.push(next as usize);
                open.extend(self.parents.of(next as usize));
            }
        }
        brought.sort_unstable();
        brought
    }

    pub fn is_merge(&self, commit: usize) -> bool {
        self.parents.of(commit).len() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history of lines `id parents`, newest first.
    fn history(lines: &[&str]) -> History {
        let mut lister = Lister::default();
        for line in lines {
            lister.take(&format!("1 {line}"));
        }
        lister.finish(false)
    }

    fn named(history: &History, landings: &[Landing]) -> Vec<String> {
        let id = |commit: &usize| history.commits[*commit].id.as_str();
        let name = |landing: &Landing| {
            let brought: Vec<&str> = landing.brought.iter().map(id).collect();
            format!("{}:{}", id(&landing.commit), brought.join(","))
        };
        landings.iter().map(name).collect()
    }

    #[test]
    fn each_commit_lands_once_with_what_it_brought() {
        // m2 merges a branch that had merged the main branch and another one.
        let history = history(&[
            "m2 m1 b3", "b3 b2 c1", "c1 r", "b2 b1 m1", "m1 r a1", "a1 r", "b1 r", "r",
        ]);
        let landings = history.landings();
        assert_eq!(
            named(&history, &landings),
            ["r:", "m1:a1", "m2:b3,c1,b2,b1"]
        );
        assert_eq!(history.root(), Some("r"));
        let within = history.within(&landings[2]);
        assert_eq!(named(&history, &within), ["b1:", "b2:", "b3:c1"]);
    }

    #[test]
    fn what_a_shallow_clone_lacks_ends_the_branch() {
        let history = history(&["b a", "a gone other"]);
        assert_eq!(named(&history, &history.landings()), ["a:", "b:"]);
        assert_eq!(History::default().landings(), []);
    }
}
