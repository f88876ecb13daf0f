//! How much room a change deserves: by what it is, what it breaks and mends, and how much of it is
//! not generated. How long its message is says nothing of that.

use super::super::log::LogEntry;
use super::super::prose::Prose;
use super::super::rules::DiaryRules;
use super::unit::Unit;

/// The most that a change of documentation, tests or the build weighs.
const MINOR: u32 = 2;
/// Lines from which on a change is larger than small, and what that weighs.
const SIZES: [(u64, u32); 3] = [(300, 3), (50, 2), (10, 1)];

/// What a change weighs.
pub(super) struct ChangeWeight {
    /// Lines written or removed, those of generated files left out, where they are counted.
    pub(super) lines: Option<u64>,
    pub(super) importance: u32,
}

/// Weigh a unit that gives a reason, or none.
pub(super) fn weigh(unit: &Unit, said: bool, rules: &DiaryRules, counts: bool) -> ChangeWeight {
    let lines = counts.then(|| written(&unit.entry, rules));
    let theme = unit.theme();
    let size = SIZES
        .iter()
        .find(|(least, _)| lines.is_some_and(|lines| lines >= *least));
    let size = size.map_or(0, |(_, weight)| *weight);
    let breaking = unit.headline.breaking || unit.message.breaking.is_some();
    let issue = !unit.headline.issues.is_empty() || !unit.message.closes.is_empty();
    let extra =
        3 * u32::from(breaking) + u32::from(issue) + u32::from(said) + u32::from(is_severe(unit));
    let title = Prose::line(&unit.headline.title);
    let importance = match theme.is_minor() && !breaking {
        // A title that says nothing, with no reason, leaves nothing to tell.
        _ if !title.says_something() && !said => 0,
        true => (theme.weight() + size).min(MINOR),
        false => theme.weight() + size + extra,
    };
    ChangeWeight { lines, importance }
}

/// Lines without those of generated files. What is past the limit of paths is as the others are.
fn written(entry: &LogEntry, rules: &DiaryRules) -> u64 {
    let files = entry.paths.iter().zip(&entry.changed);
    let known: u64 = entry.changed.iter().sum();
    let mine = files
        .filter(|(path, _)| !rules.generated.fit(path))
        .map(|(_, lines)| lines);
    let mine: u64 = mine.sum();
    let rest = (entry.insertions + entry.deletions).saturating_sub(known);
    let share = u128::from(rest) * u128::from(mine) / u128::from(known.max(1));
    mine + u64::try_from(share).unwrap_or(u64::MAX)
}

/// Whether it mends what people lose sleep over.
fn is_severe(unit: &Unit) -> bool {
    pattern!(
        SEVERE,
        r"(?i)\b(?:crash\w*|panic\w*|segfault\w*|deadlock\w*|hang[s]?|hung|data[ -]loss|los[et]\w*|corrupt\w*|leak\w*|race|vulnerab\w*|cve-\d+|injection|regression\w*|outage\w*|infinite loop)\b"
    );
    let title = &unit.headline.title;
    let paragraphs = unit.message.paragraphs.iter();
    SEVERE.is_match(title) || paragraphs.take(1).any(|it| SEVERE.is_match(&it.plain()))
}
