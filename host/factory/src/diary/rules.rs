//! What does not count: bots and bookkeeping, and the weight of what does.

use super::body::Reason;
use super::bundle::{Bundle, Commit};
use super::change::Change;
use super::log::Entry;

/// A rule of [`Rules::bookkeeping`] that is no prefix: a subject that says a version only.
pub const VERSION_ONLY: &str = "<version>";

/// The rules of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Parts of the name or address of authors that are programs.
    pub bots: Vec<String>,
    /// Beginnings of subjects that are no work, or [`VERSION_ONLY`].
    pub bookkeeping: Vec<String>,
}

impl Rules {
    /// Whether a program made the commit.
    pub fn is_bot(&self, entry: &Entry) -> bool {
        let author = format!("{} <{}>", entry.author, entry.email).to_lowercase();
        let named = |bot: &String| !bot.is_empty() && author.contains(&bot.to_lowercase());
        self.bots.iter().any(named)
    }

    /// Whether a merge brought in the branch of a program.
    pub fn is_bots_branch(&self, subject: &str) -> bool {
        let branch = subject
            .rsplit_once(" from ")
            .map_or("", |(_, branch)| branch);
        let parts = || branch.split('/').map(str::to_lowercase);
        let named = |bot: &String| parts().any(|part| part == bot.to_lowercase());
        self.bots.iter().any(named)
    }

    /// Whether the commit does nothing but keep the books.
    pub fn is_bookkeeping(&self, subject: &str) -> bool {
        let lower = subject.trim().to_lowercase();
        lower.is_empty() || self.bookkeeping.iter().any(|rule| matches(rule, &lower))
    }
}

fn matches(rule: &str, subject: &str) -> bool {
    if rule == VERSION_ONLY {
        return says_only_a_version(subject);
    }
    let rule = rule.to_lowercase();
    let Some(rest) = subject.strip_prefix(&rule) else {
        return false;
    };
    let in_a_word = |text: &str, at_end: bool| {
        let c = if at_end {
            text.chars().next_back()
        } else {
            text.chars().next()
        };
        c.is_some_and(char::is_alphanumeric)
    };
    !(rule.is_empty() || in_a_word(&rule, true) && in_a_word(rest, false))
}

/// `v1.2.3`, `Release 1.2.3`, `chore: release v1.2.3`, `Bump version to 2.0.0-rc.1`.
fn says_only_a_version(subject: &str) -> bool {
    const FILLERS: [&str; 14] = [
        "release", "releases", "version", "bump", "bumps", "prepare", "tag", "to", "from", "for",
        "the", "chore", "build", "new",
    ];
    let words = subject.split(|c: char| c.is_whitespace() || ":()".contains(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let is_version = |word: &&str| {
        let digits = word.strip_prefix('v').unwrap_or(word);
        digits.starts_with(|c: char| c.is_ascii_digit()) && digits.contains('.')
    };
    let is_filler = |word: &&str| FILLERS.contains(word);
    words.iter().any(is_version) && words.iter().all(|word| is_version(word) || is_filler(word))
}

/// What a bundle weighs: each change by its theme, more with a reason, size or review.
pub fn substance(bundle: &Bundle) -> u32 {
    let changes = Change::all(bundle);
    changes.iter().map(Change::weight).sum()
}

/// What is said and done in commits, beyond their theme.
pub fn bonus<'c>(commits: impl Iterator<Item = &'c Commit> + Clone, reviewed: bool) -> u32 {
    let lines: u64 = commits.clone().map(|c| c.insertions + c.deletions).sum();
    let said: usize = commits.map(|commit| Reason::of(&commit.body).len()).sum();
    u32::from(lines >= 50) + u32::from(said >= 80) + u32::from(reviewed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            bots: vec!["[bot]".into(), "dependabot".into()],
            bookkeeping: vec![
                "chore(release)".into(),
                "wip".into(),
                "release:".into(),
                VERSION_ONLY.into(),
            ],
        }
    }

    #[test]
    fn bots_are_known_by_name_address_and_branch() {
        let by = |author: &str, email: &str| {
            rules().is_bot(&Entry {
                author: author.into(),
                email: email.into(),
                ..Entry::default()
            })
        };
        assert!(by("renovate[bot]", "x@y"));
        assert!(by("Someone", "49699333+Dependabot@users"));
        assert!(!by("Bott Robot", "robot@x"));
        assert!(rules().is_bots_branch("Merge pull request #3 from org/dependabot/npm/a-1.2"));
        assert!(!rules().is_bots_branch("Merge pull request #3 from org/fix"));
    }

    #[test]
    fn bookkeeping_matches_whole_words() {
        for subject in [
            "WIP",
            "wip: more",
            "chore(release): 1.2.0",
            "release: x",
            "v1.2.3",
            "Bump version to 2.0.0-rc.1",
            "chore: release v1.0",
            "",
        ] {
            assert!(rules().is_bookkeeping(subject), "{subject}");
        }
        for subject in [
            "Wipe the cache",
            "Release the lock",
            "Use sqlite 3.50",
            "feat: x",
        ] {
            assert!(!rules().is_bookkeeping(subject), "{subject}");
        }
    }
}
