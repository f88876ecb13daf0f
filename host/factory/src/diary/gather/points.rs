//! What a change is made of: of the commits of a branch those that hold and say something, the
//! weightiest.

use std::cmp::Reverse;

use super::super::bundle::Point;
use super::super::headline::Undo;
use super::super::prose::Prose;
use super::super::rules::DiaryRules;
use super::super::text::bare;

/// Characters of a point, those of a script without spaces twice.
pub(super) const POINT: usize = 240;
/// How many points are told.
const POINTS: usize = 6;

/// What may be a point.
pub(super) struct PointCandidate {
    pub(super) title: String,
    pub(super) reasons: Vec<String>,
    /// What it takes back of those before it.
    pub(super) undo: Option<Undo>,
    /// Whether it is a commit, and no item of an author's list.
    pub(super) is_commit: bool,
    pub(super) weight: u32,
}

/// The points below a title, in their order, and how many more there are.
pub(super) fn points(
    candidates: Vec<PointCandidate>,
    title: &str,
    rules: &DiaryRules,
) -> (Vec<Point>, u64) {
    let mut kept: Vec<PointCandidate> = Vec::new();
    for candidate in held(candidates) {
        let known = kept.iter().any(|other| other.title == candidate.title);
        if !known && !repeats(&candidate.title, title) && candidate.says_something(rules) {
            kept.push(candidate);
        }
    }
    let more = kept.len().saturating_sub(POINTS);
    let mut places: Vec<usize> = (0..kept.len()).collect();
    places.sort_by_key(|place| Reverse((kept[*place].weight, !kept[*place].reasons.is_empty())));
    places.truncate(POINTS);
    let told = kept.into_iter().enumerate();
    let told = told.filter(|(place, _)| places.contains(place));
    let points = told.map(|(_, candidate)| Point {
        title: candidate.title,
        reasons: candidate.reasons.into_iter().take(2).collect(),
    });
    (points.collect(), more as u64)
}

/// Without what a later one takes back, and without what did so.
fn held(candidates: Vec<PointCandidate>) -> Vec<PointCandidate> {
    let mut stands = vec![true; candidates.len()];
    for (index, candidate) in candidates.iter().enumerate() {
        let Some(undo) = &candidate.undo else {
            continue;
        };
        stands[index] = false;
        let of = bare(&undo.of);
        let titles = candidates[..index].iter().map(|other| bare(&other.title));
        let same = |(place, title): (usize, String)| {
            let said = !title.is_empty() && (of == title || of.ends_with(&title));
            (candidates[place].undo.is_none() && said && stands[place] != undo.restores)
                .then_some(place)
        };
        if let Some(place) = titles.enumerate().filter_map(same).next_back() {
            stands[place] = undo.restores;
        }
    }
    let held = candidates.into_iter().zip(stands);
    held.filter_map(|(candidate, stands)| stands.then_some(candidate))
        .collect()
}

impl PointCandidate {
    fn says_something(&self, rules: &DiaryRules) -> bool {
        let line = Prose::line(&self.title);
        let is_noise = self.is_commit && is_noise(&self.title);
        let is_bare = self.reasons.is_empty()
            && (rules.is_bookkeeping(&self.title) || !line.says_something());
        !is_noise && !is_bare && line.width() <= POINT && !self.title.ends_with('?')
    }
}

/// Whether the title of a commit of a branch is about the work on that branch alone.
fn is_noise(title: &str) -> bool {
    pattern!(
        NOISE,
        r"(?ix)^(?:[\w/-]+:\s+)?(?:
            (?:revert|reapply|undo|un-?do|redo|wip|fix-?up|squash|rebase[ds]?|oops|nits?|merge[ds]?|try|attempt|polish|address|like\ this)\b
            | (?:fix|resolve)\w*\ (?:all\ |some\ |the\ |merge\ )*(?:conflicts?|tests?|ci|build|typing|types|mypy|it|this|that)\b[^\ ]*$
            | (?:minor|small|more|some|another|final|last)\ (?:[\w-]+\ )?(?:fix|clean-?up|tweak|change|edit|update|improvement|polish)\w*\b
            | (?:apply|incorporate|per|from|code|more)\ .*(?:suggestion|feedback|comment|review)s?\b
            | clean-?\ ?ups?\.?$
        )
        | \b(?:typos?|lint(?:er|ing|s)?|clippy|rustfmt|cargo\ fmt|flake8|ruff|black|pre-commit|re-?wrap\w*|reformat\w*|formatting|white-?space|indentation|spelling|wording|review(?:er)?(?:'s)?\ (?:comment|suggestion|feedback|note)s?|change-?log|changes(?:\.\w+)?\ (?:file|entry)|release\ notes|merge\ conflicts?|reduce\ noise|unnecessar\w+)\b"
    );
    NOISE.is_match(title)
}

/// Whether one says no more than the other.
pub(super) fn repeats(one: &str, other: &str) -> bool {
    let (one, other) = (bare(one), bare(other));
    one.is_empty() || other.contains(&one) || (!other.is_empty() && one.contains(&other))
}
