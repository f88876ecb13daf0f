//! A bundle as a text for a model: whole changes, weightiest first, up to a limit.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::bundle::{Bundle, Commit};
use super::change::{Change, Source};

/// The longest material, in bytes.
const LIMIT: usize = 24_000;
/// The longest body of one commit, in bytes.
const BODY: usize = 1_600;

/// The material of a day. Changes that do not fit are counted in the last line.
pub fn material(bundle: &Bundle) -> String {
    let changes = Change::all(bundle);
    let mut leading: Vec<&Change> = changes.iter().collect();
    leading.sort_by_key(|change| Reverse(change.rank()));
    let mut text = format!("Repository {} on {} (UTC)\n", bundle.name(), bundle.day);
    let mut left_out = 0;
    for change in leading {
        let part = part(bundle, change);
        if text.len() + part.len() > LIMIT {
            left_out += 1;
        } else {
            text.push_str(&part);
        }
    }
    if left_out > 0 {
        writeln!(text, "\n{left_out} lighter changes are not listed.").ok();
    }
    text
}

fn part(bundle: &Bundle, change: &Change) -> String {
    let commits: Vec<&Commit> = match &change.source {
        Source::PullRequest(number) => bundle.commits_of(*number).collect(),
        Source::Commit(short) => bundle
            .commits
            .iter()
            .filter(|commit| commit.short == *short)
            .collect(),
    };
    let mut part = format!(
        "\n[{}] {}: {}\n",
        change.citation(),
        change.theme.heading(),
        change.title
    );
    for commit in commits {
        writeln!(part, "commit `{}`: {}", commit.short, commit.subject).ok();
        if commit.body.len() <= BODY && !commit.body.is_empty() {
            writeln!(part, "{}", commit.body).ok();
        }
        let paths: Vec<&str> = commit.paths.iter().take(8).map(String::as_str).collect();
        writeln!(part, "files: {}", paths.join(", ")).ok();
    }
    part
}
