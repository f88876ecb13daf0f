//! One thing that landed, with its message read.

use std::collections::BTreeMap;

use super::super::forge::Forge;
use super::super::headline::{Headline, Merge};
use super::super::landed::{History, Landing};
use super::super::log::Entry;
use super::super::message::{Message, undone};
use super::super::prose::Prose;
use super::super::text::bare;
use super::super::theme::Theme;

/// The longest paragraph, in characters, that is the title of a merge.
const TITLE: usize = 140;

/// A commit of the branch, or of a branch that a merge without any words brought.
pub(super) struct Unit {
    pub(super) entry: Entry,
    pub(super) headline: Headline,
    pub(super) message: Message,
    /// What a merge brought.
    pub(super) parts: Vec<Entry>,
    /// Commits of the day that are the same again.
    pub(super) also: Vec<Entry>,
    /// Merges without words that brought it, by id and title.
    pub(super) via: Vec<(String, String)>,
}

/// The units of a landing. A merge that says nothing itself is told by what it brought.
pub(super) fn units(
    history: &History,
    landing: &Landing,
    (entries, forge): (&mut BTreeMap<String, Entry>, Forge),
    depth: usize,
    units: &mut Vec<Unit>,
) {
    let Some(entry) = entries.remove(&history.commits[landing.commit].id) else {
        return;
    };
    let merge = history
        .is_merge(landing.commit)
        .then(|| Merge::read(&entry.subject))
        .flatten();
    let unit = Unit::new(entry, merge.as_ref(), forge);
    // A branch that is merged as a whole is told by what it brought, whatever the merge is called.
    let branch = Merge::read(&unit.headline.title).is_some();
    let named = unit.headline.request.is_some() || !unit.headline.title.is_empty();
    let says = !branch && (merge.is_none() || named);
    if !says && depth > 0 {
        let brought = units.len();
        for inner in history.within(landing) {
            self::units(history, &inner, (&mut *entries, forge), depth - 1, units);
        }
        for inner in &mut units[brought..] {
            let title = bare(&unit.entry.subject);
            inner.via.push((unit.entry.id.clone(), title));
        }
        return;
    }
    let mut unit = unit;
    let brought = landing
        .brought
        .iter()
        .rev()
        .filter(|commit| !history.is_merge(**commit));
    let brought = brought.filter_map(|commit| entries.remove(&history.commits[*commit].id));
    unit.parts = brought.collect();
    if let Some(merge) = merge {
        unit.name_merge(&merge, forge);
    }
    units.push(unit);
}

impl Unit {
    fn new(entry: Entry, merge: Option<&Merge>, forge: Forge) -> Self {
        let mut headline = match merge {
            Some(merge) => Headline {
                request: merge.request,
                ..Headline::default()
            },
            None => Headline::read(&entry.subject, forge),
        };
        let squashed = headline.request.is_some() && merge.is_none();
        let mut message = Message::read(&entry.body, &entry.trailers, forge, squashed);
        message.undoes.extend(undone(&entry.subject));
        if let Some(merge) = merge {
            headline.request = headline.request.or_else(|| merge_request(&entry.body));
            let said = said(merge, &entry.body, &mut message);
            let read = Headline::read(&said.unwrap_or_default(), forge);
            headline = Headline {
                request: headline.request.or(read.request),
                ..read
            };
        }
        Self {
            entry,
            headline,
            message,
            parts: Vec::new(),
            also: Vec::new(),
            via: Vec::new(),
        }
    }

    /// The title of a merge that has none of its own: that of the only commit it brought, or its
    /// branch.
    fn name_merge(&mut self, merge: &Merge, forge: Forge) {
        if let Some(branch) = &merge.branch {
            let own = |item: &Prose| item.plain().starts_with(&format!("{branch}:"));
            for list in &mut self.message.lists {
                list.items.retain(|item| !own(item));
            }
        }
        if !self.headline.title.is_empty() {
            return;
        }
        let request = self.headline.request;
        self.headline = match (self.parts.as_slice(), &merge.branch) {
            ([only], _) => Headline::read(&only.subject, forge),
            (_, Some(branch)) => Headline::read(&spaced(branch), forge),
            _ => Headline::read(&self.entry.subject, forge),
        };
        self.headline.request = request.or(self.headline.request);
    }

    /// The headline as a whole, to be known by.
    pub(super) fn line(&self) -> String {
        match (&self.headline.undo, self.entry.is_merge()) {
            (None, true) => self.headline.title.clone(),
            _ => self.entry.subject.clone(),
        }
    }

    /// The commits whose authors wrote it.
    pub(super) fn writers(&self) -> impl Iterator<Item = &Entry> {
        let own = self.parts.is_empty().then_some(&self.entry);
        own.into_iter().chain(&self.parts)
    }

    /// Whether this is the same change again, picked onto another branch.
    pub(super) fn is_picked_from(&self, other: &Self) -> bool {
        let key = |unit: &Self| {
            let Entry {
                author,
                written_at,
                subject,
                ..
            } = &unit.entry;
            (author.clone(), *written_at, subject.clone())
        };
        !self.entry.is_merge() && key(self) == key(other)
    }

    /// Whether `name` is the beginning of the id of one of its commits, or its request.
    pub(super) fn is_named(&self, name: &str) -> bool {
        if let Some(number) = name.strip_prefix('#') {
            return self
                .headline
                .request
                .is_some_and(|request| request.to_string() == number);
        }
        let mut ids = std::iter::once(&self.entry)
            .chain(&self.also)
            .map(|entry| &entry.id);
        ids.any(|id| id.starts_with(name))
    }

    /// Whether it takes something back.
    pub(super) fn reverts(&self) -> bool {
        match &self.headline.undo {
            Some(undo) => !undo.restores,
            None => !self.message.undoes.is_empty(),
        }
    }

    /// Whether it came with a merge without words that has this id, or its beginning, or title.
    pub(super) fn came_with(&self, revert: &Self) -> bool {
        let title = revert.headline.undo.as_ref().map(|undo| bare(&undo.of));
        self.via.iter().any(|(id, subject)| {
            let mut names = revert.message.undoes.iter();
            names.any(|name| id.starts_with(name.as_str())) || title.as_ref() == Some(subject)
        })
    }

    /// The theme of its own headline, or of the weightiest of what it brought.
    pub(super) fn theme(&self) -> Theme {
        let own = Theme::of(&self.headline, self.entry.paths.iter());
        let typed = self.headline.kind.is_some() || self.headline.undo.is_some();
        if typed || own != Theme::Other {
            return own;
        }
        let parts = self.parts.iter().map(|part| {
            let headline = Headline::read(&part.subject, Forge::Unknown);
            Theme::of(&headline, part.paths.iter())
        });
        let squashed = self
            .message
            .parts
            .iter()
            .map(|part| Theme::of(&part.headline, [].iter()));
        let themes = parts.chain(squashed).filter(|theme| !theme.is_minor());
        themes.max_by_key(|theme| theme.weight()).unwrap_or(own)
    }
}

/// `!31` of `See merge request group/project!31`.
fn merge_request(body: &str) -> Option<u64> {
    pattern!(SEEN, r"(?m)^See merge request [^\s!]*!(\d{1,9})\s*$");
    SEEN.captures(body).and_then(|found| found[1].parse().ok())
}

/// The title that the forge or the message gives a merge; it is no reason then.
fn said(merge: &Merge, body: &str, message: &mut Message) -> Option<String> {
    if let Some(title) = &merge.title {
        return Some(title.clone());
    }
    let first = body.lines().map(str::trim).find(|line| !line.is_empty())?;
    if first.starts_with(['#', '*', '-', '>', '<']) {
        return None;
    }
    let paragraph = message.paragraphs.first()?;
    let fits = paragraph.length() <= TITLE && paragraph.sentences().len() == 1;
    fits.then(|| message.take_first().source())
}

/// `fix-the-clock` as words.
fn spaced(branch: &str) -> String {
    branch.replace(['-', '_'], " ")
}
