//! What is told of a unit: sentences of its message, and what it is made of.

use super::super::bundle::{Change, Point};
use super::super::forge::Forge;
use super::super::headline::Headline;
use super::super::log::LogEntry;
use super::super::message::{List, Message, is_private};
use super::super::prose::Prose;
use super::super::rules::DiaryRules;
use super::super::theme::Theme;
use super::points::{POINT, PointCandidate, points, repeats};
use super::sentences::{fitting, is_untold};
use super::weigh::{self, ChangeWeight};
use super::{Unit, commit};

/// The words of a message that are told.
#[derive(Debug, Default)]
pub(super) struct ToldMessage {
    pub(super) reasons: Vec<String>,
    pub(super) points: Vec<Point>,
    /// Whether they have an order.
    pub(super) numbered: bool,
    /// How many more there are.
    pub(super) more: u64,
    pub(super) note: Vec<String>,
}

impl Unit {
    /// The change that it is.
    pub(super) fn change(self, rules: &DiaryRules, counts: bool) -> Change {
        let (theme, typed) = (self.theme(), self.is_typed());
        let told = ToldMessage::of(&self, rules);
        let says = !told.is_empty();
        let ChangeWeight { lines, importance } = weigh::weigh(&self, says, rules, counts);
        let headline = self.headline;
        let mut issues = headline.issues;
        issues.extend(&self.message.closes);
        issues.sort_unstable();
        issues.dedup();
        issues.retain(|issue| Some(*issue) != headline.request);
        Change {
            id: String::new(),
            theme,
            typed,
            title: headline.title,
            reasons: told.reasons,
            points: told.points,
            numbered: told.numbered,
            more: told.more,
            undoes: None,
            note: told.note,
            breaking: headline.breaking || self.message.breaking.is_some(),
            request: headline.request,
            issues,
            commit: commit(self.entry),
            parts: self.parts.into_iter().map(commit).collect(),
            also: self.also.into_iter().map(commit).collect(),
            lines,
            importance,
        }
    }
}

impl ToldMessage {
    pub(super) fn of(unit: &Unit, rules: &DiaryRules) -> Self {
        let mut told = Self::said(&unit.message, &unit.headline.title, rules);
        if told.is_empty() {
            told = Self::brought(unit, rules);
        }
        told.note = unit
            .message
            .breaking
            .iter()
            .flat_map(|note| fitting(std::slice::from_ref(note), "", true))
            .collect();
        told
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reasons.is_empty() && self.points.is_empty()
    }

    /// What a message says itself. A list is told with what announces it, and not without.
    fn said(message: &Message, title: &str, rules: &DiaryRules) -> Self {
        let (mut reasons, lists) = announced(message, title).unwrap_or_else(|| {
            let lists = message.lists.iter();
            let lists = lists.filter(|list| announcing(message, list).is_none());
            (fitting(&message.paragraphs, title, false), lists.collect())
        });
        let mut candidates = Vec::new();
        for part in &message.parts {
            let said = fitting(&part.paragraphs, &part.headline.title, false);
            // The first of a squashed branch often is its title.
            if repeats(&part.headline.title, title) && reasons.is_empty() {
                reasons = said;
            } else {
                candidates.push(PointCandidate::of(part.headline.clone(), said, None));
            }
        }
        let items = lists.iter().flat_map(|list| &list.items);
        candidates.extend(items.filter_map(PointCandidate::item));
        let (points, more) = points(candidates, title, rules);
        let announces = |line: &String| Prose::line(line).announces();
        if points.is_empty() && reasons.last().is_some_and(announces) {
            reasons.pop();
        }
        Self {
            reasons,
            points,
            more,
            numbered: message.parts.is_empty()
                && !lists.is_empty()
                && lists.iter().all(|list| list.is_numbered),
            note: Vec::new(),
        }
    }

    /// What the commits of a merge say: all that the only one does, or their titles.
    fn brought(unit: &Unit, rules: &DiaryRules) -> Self {
        let title = &unit.headline.title;
        if let [only] = unit.parts.as_slice() {
            let message = Message::read(&only.body, &only.trailers, Forge::Unknown, false);
            return Self::said(&message, title, rules);
        }
        let is_minor = unit.theme().is_minor();
        let candidates = unit.parts.iter().filter_map(|part| {
            let headline = Headline::read(&part.subject, Forge::Unknown);
            // A reader of a feature does not want to know how its tests came about.
            let aside = Theme::of(&headline, part.paths.iter()).is_minor() && !is_minor;
            (!aside).then(|| PointCandidate::of(headline, Vec::new(), Some(part)))
        });
        let (points, more) = points(candidates.collect(), title, rules);
        Self {
            points,
            more,
            ..Self::default()
        }
    }
}

impl PointCandidate {
    /// A commit of a branch.
    fn of(headline: Headline, reasons: Vec<String>, entry: Option<&LogEntry>) -> Self {
        let paths = entry.map_or(&[][..], |entry| &entry.paths);
        let theme = Theme::of(&headline, paths.iter());
        Self {
            reasons,
            is_commit: true,
            weight: theme.weight(),
            undo: headline.undo,
            title: headline.title,
        }
    }

    /// An item of an author's list.
    fn item(item: &Prose) -> Option<Self> {
        let (item, is_cut) = item.cut(POINT);
        let headline = Headline::read(&item.source(), Forge::Unknown);
        let told = !is_cut && !is_private(&item.plain()) && !item.announces() && !is_untold(&item);
        told.then_some(Self {
            title: headline.title,
            reasons: Vec::new(),
            undo: None,
            is_commit: false,
            weight: 0,
        })
    }
}

/// The paragraph that announces a list, as how many there are up to it.
fn announcing(message: &Message, list: &List) -> Option<usize> {
    let above = message.paragraphs.get(..list.after)?;
    above.last()?.announces().then_some(list.after)
}

/// What is said up to the first list that is announced, and that list.
fn announced<'m>(message: &'m Message, title: &str) -> Option<(Vec<String>, Vec<&'m List>)> {
    let mut lists = message.lists.iter();
    let (list, end) = lists.find_map(|list| announcing(message, list).map(|end| (list, end)))?;
    let reasons = fitting(&message.paragraphs[..end], title, true);
    let is_told = Prose::line(reasons.last()?).announces();
    is_told.then_some((reasons, vec![list]))
}
