//! What is told of a unit: sentences of its message, cut where a sentence ends, by characters.

use super::super::bundle::{Change, Point};
use super::super::forge::Forge;
use super::super::headline::Headline;
use super::super::log::Entry;
use super::super::message::{Message, is_for_tools, is_private, is_reference};
use super::super::prose::Prose;
use super::super::rules::Rules;
use super::super::text::bare;
use super::super::theme::Theme;
use super::weigh::{self, Weighed};
use super::{Unit, commit};

/// Characters, those of a script without spaces twice, of the first paragraph, of all of them, of a first sentence that is longer than
/// that, and of a point.
const FIRST: usize = 340;
const ALL: usize = 620;
const LONGEST: usize = 700;
const POINT: usize = 240;
/// How many points are told.
const POINTS: usize = 6;

/// The words of a message that are told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) reasons: Vec<String>,
    pub(super) points: Vec<Point>,
    pub(super) note: Vec<String>,
}

impl Unit {
    /// The change that it is.
    pub(super) fn change(self, rules: &Rules, counts: bool) -> Change {
        let theme = self.theme();
        let told = Told::of(&self, rules);
        let says = !told.is_empty();
        let Weighed { lines, importance } = weigh::weigh(&self, says, rules, counts);
        let headline = self.headline;
        let mut issues = headline.issues;
        issues.extend(&self.message.closes);
        issues.sort_unstable();
        issues.dedup();
        issues.retain(|issue| Some(*issue) != headline.request);
        Change {
            id: String::new(),
            theme,
            title: headline.title,
            reasons: told.reasons,
            points: told.points,
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

impl Told {
    pub(super) fn of(unit: &Unit, rules: &Rules) -> Self {
        let mut told = Self::said(&unit.message, &unit.headline.title, rules);
        if told.is_empty() {
            told = Self::brought(unit, rules);
        }
        told.note = unit
            .message
            .breaking
            .iter()
            .flat_map(|note| fitting(std::slice::from_ref(note), true))
            .collect();
        told
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reasons.is_empty() && self.points.is_empty()
    }

    /// What a message says itself.
    fn said(message: &Message, title: &str, rules: &Rules) -> Self {
        let mut told = Self {
            reasons: fitting(&message.paragraphs, !message.items.is_empty()),
            ..Self::default()
        };
        for part in &message.parts {
            let reasons = fitting(&part.paragraphs, false);
            // The first of a squashed branch often is its title.
            if repeats(&part.headline.title, title) && told.reasons.is_empty() {
                told.reasons = reasons;
            } else {
                told.point(part.headline.title.clone(), reasons, rules);
            }
        }
        for item in &message.items {
            let (item, is_cut) = item.cut(POINT);
            if !is_cut && !is_private(&item.plain()) && !item.announces() {
                told.point(
                    Headline::read(&item.source(), Forge::Unknown).title,
                    Vec::new(),
                    rules,
                );
            }
        }
        told.points.retain(|point| !repeats(&point.title, title));
        if told.points.is_empty()
            && told
                .reasons
                .last()
                .is_some_and(|last| Prose::line(last).announces())
        {
            told.reasons.pop();
        }
        told
    }

    /// What the commits of a merge say: all that the only one does, the reasons of the first that
    /// gives some, or their titles.
    fn brought(unit: &Unit, rules: &Rules) -> Self {
        let title = &unit.headline.title;
        let said = |part: &Entry| {
            let message = Message::read(&part.body, &part.trailers, Forge::Unknown, false);
            Self::said(&message, title, rules)
        };
        if let [only] = unit.parts.as_slice() {
            return said(only);
        }
        let mut told = Self::default();
        let is_minor = unit.theme().is_minor();
        for part in &unit.parts {
            let headline = Headline::read(&part.subject, Forge::Unknown);
            // A reader of a feature does not want to know how its tests came about.
            if Theme::of(&headline, part.paths.iter()).is_minor() && !is_minor {
                continue;
            }
            told.point(headline.title, Vec::new(), rules);
        }
        told.points.retain(|point| !repeats(&point.title, title));
        told
    }

    fn point(&mut self, title: String, reasons: Vec<String>, rules: &Rules) {
        let line = Prose::line(&title);
        let known = self.points.iter().any(|point| point.title == title);
        let noise = reasons.is_empty() && (rules.is_bookkeeping(&title) || !line.says_something());
        if !noise && !known && self.points.len() < POINTS && line.width() <= POINT {
            self.points.push(Point {
                title,
                reasons: reasons.into_iter().take(2).collect(),
            });
        }
    }
}

/// Whether one says no more than the other.
fn repeats(one: &str, other: &str) -> bool {
    let (one, other) = (bare(one), bare(other));
    one.is_empty() || other.contains(&one) || (!other.is_empty() && one.contains(&other))
}

/// The first sentences of each paragraph, as many as fit: of the first one why, of those behind it
/// how. What only announces something stays if that is told.
fn fitting(paragraphs: &[Prose], announced: bool) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut length = 0;
    for (index, paragraph) in paragraphs.iter().enumerate() {
        let last = index + 1 == paragraphs.len();
        let limit = if index == 0 && !last { FIRST } else { ALL };
        for sentence in paragraph.sentences() {
            let plain = sentence.plain();
            if is_for_tools(&plain) || is_reference(&plain) {
                continue;
            }
            if is_private(&plain) || (sentence.announces() && !(announced && last)) {
                break;
            }
            length += sentence.width();
            if told.is_empty() && length > LONGEST {
                let (beginning, _) = sentence.cut(limit);
                return vec![beginning.source() + "\u{2026}"];
            }
            if length > limit && !told.is_empty() {
                break;
            }
            told.push(sentence.source());
        }
        if length > ALL {
            break;
        }
    }
    told
}
