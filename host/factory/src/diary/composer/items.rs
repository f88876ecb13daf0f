//! Changes as they are told: those of one title together, and no text twice.

use super::super::bundle::Change;
use super::super::page::{Cited, CitedSource, PageItem, PageSection, PageUndone};
use super::super::prose::{Prose, is_ended};
use super::super::text::bare;
use super::super::theme::Theme;
use super::{Composer, LINE, WORDS, day, says, shortened, sources};
use crate::draft::ClaimKind;
use std::collections::BTreeMap;

/// Shorter sentences may be said again.
const SHORT: usize = 24;

/// Changes in the same order, those of one title with the first of them.
pub(super) fn joined<'b>(ranked: &[&'b Change]) -> Vec<Vec<&'b Change>> {
    let mut groups: Vec<Vec<&Change>> = Vec::with_capacity(ranked.len());
    let mut places = BTreeMap::new();
    for change in ranked.iter().copied() {
        let place = *places
            .entry(bare(&change.title))
            .or_insert_with(|| groups.len());
        match groups.get_mut(place).filter(|_| says(change)) {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    groups
}

/// What changes are known by.
fn ids(group: &[&Change]) -> Vec<String> {
    group.iter().map(|change| change.id.clone()).collect()
}

impl Composer<'_> {
    /// Whether nothing is left to say of a group but its title, since another change gave the same
    /// reasons: it is named with that one then.
    pub(super) fn is_said(&mut self, sections: &mut [PageSection], group: &[&Change]) -> bool {
        let [first] = group else {
            return false;
        };
        let others = !first.points.is_empty() || !first.note.is_empty() || first.breaking;
        let place = first
            .reasons
            .first()
            .and_then(|line| self.said.get(&bare(line)));
        let Some((theme, place)) = place
            .copied()
            .filter(|_| !others && self.words < WORDS && !self.is_reasoned(group))
        else {
            return false;
        };
        let section = sections.iter_mut().find(|it| it.theme == Some(theme));
        let Some(item) = section.and_then(|section| section.items.get_mut(place)) else {
            return false;
        };
        let named = self.named(group).title;
        item.numbered = false;
        item.points.push(format!("{} ({})", named.text, named.cite));
        true
    }

    /// Whether a group says more than its title, and more than was said.
    pub(super) fn is_reasoned(&self, group: &[&Change]) -> bool {
        group.iter().any(|change| {
            !change.points.is_empty()
                || !change.note.is_empty()
                || change.undoes.is_some()
                || change.reasons.iter().any(|line| self.is_new(line))
        })
    }

    fn is_new(&self, line: &str) -> bool {
        let line = bare(line);
        line.len() < SHORT || !self.said.contains_key(&line)
    }

    pub(super) fn named(&mut self, group: &[&Change]) -> PageItem {
        let first = group[0];
        let title = self.claim(
            ClaimKind::Title,
            &shortened(&first.title, LINE),
            &ids(group),
        );
        let cited = group.iter().flat_map(|change| sources(self.bundle, change));
        PageItem {
            title: Cited::new(title, cited.collect()),
            theme: first.theme,
            breaking: group.iter().any(|change| change.breaking),
            ..PageItem::default()
        }
    }

    /// A group with all that it says, at its place.
    pub(super) fn item(&mut self, group: &[&Change], place: (Theme, usize)) -> PageItem {
        let mut item = self.named(group);
        for change in group {
            let on = std::slice::from_ref(&change.id);
            item.note = said(
                &item.note,
                &self.sentences(ClaimKind::Breaking, &change.note, on),
            );
            let new = change.reasons.iter().filter(|line| self.is_new(line));
            let new: Vec<String> = new.cloned().collect();
            self.said.extend(new.iter().map(|line| (bare(line), place)));
            item.reason = said(&item.reason, &self.sentences(ClaimKind::Reason, &new, on));
            item.more += change.more;
            item.numbered = change.numbered && group.len() == 1;
            if item.undoes.is_none() {
                item.undoes = self.undone(change);
            }
            for point in &change.points {
                let title = self.claim(ClaimKind::Part, &Prose::line(&point.title), on);
                let reason = self.sentences(ClaimKind::Reason, &point.reasons, on);
                let title = title.trim_end_matches('.');
                item.points.push(if reason.is_empty() {
                    title.to_owned()
                } else {
                    format!("{title}. {reason}")
                });
            }
        }
        item
    }

    fn undone(&mut self, change: &Change) -> Option<PageUndone> {
        let undone = change.undoes.as_ref()?;
        let mut text = String::new();
        if !undone.title.is_empty() {
            let title = shortened(&undone.title, LINE);
            text = self.claim(ClaimKind::Title, &title, std::slice::from_ref(&change.id));
        }
        let remote = self.bundle.remote.as_ref();
        let source = CitedSource {
            name: undone.short.clone(),
            code: true,
            link: remote.and_then(|remote| remote.commit(&undone.commit)),
        };
        Some(PageUndone {
            title: Cited::new(text, vec![source]),
            day: day(&undone.day, true),
        })
    }

    fn sentences(&mut self, kind: ClaimKind, lines: &[String], on: &[String]) -> String {
        let mut text = String::new();
        for line in lines {
            let mut sentence = Prose::line(line);
            if text.is_empty() {
                sentence = sentence.capital();
            }
            let sentence = self.claim(kind, &sentence, on);
            text = said(&text, &sentence);
        }
        ended(&mut text);
        text
    }
}

/// Two texts as one.
fn said(text: &str, more: &str) -> String {
    let mut text = text.to_owned();
    let glued = text.ends_with(['\u{3002}', '\u{ff01}', '\u{ff1f}']);
    if !text.is_empty() && !more.is_empty() && !glued {
        ended(&mut text);
        text.push(' ');
    }
    text + more
}

/// With a full stop, if nothing ends it.
fn ended(text: &mut String) {
    let open = text
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || ")`]\"'*\u{201d}\u{2019}".contains(c));
    if open && !is_ended(text) && !text.ends_with(crate::markdown::is_spaceless) {
        text.push('.');
    }
}
