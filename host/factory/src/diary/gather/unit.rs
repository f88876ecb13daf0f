//! One thing that landed, with its message read.

use std::collections::BTreeMap;

use super::super::forge::Forge;
use super::super::headline::{Headline, Merge};
use super::super::landed::{History, Landing};
use super::super::log::LogEntry;
use super::super::message::{Message, undone};
use super::super::prose::{Prose, capital};
use super::super::text::bare;
use super::super::theme::Theme;

/// The longest paragraph, in characters, that is the title of a merge.
const TITLE: usize = 140;

/// A commit of the branch, or of a branch that a merge without any words brought.
pub(super) struct Unit {
    pub(super) entry: LogEntry,
    pub(super) headline: Headline,
    pub(super) message: Message,
    /// What a merge brought.
    pub(super) parts: Vec<LogEntry>,
    /// Commits of the day that are the same again.
    pub(super) also: Vec<LogEntry>,
    /// Merges without words that brought it, by id and title.
    pub(super) via: Vec<(String, String)>,
}

/// The units of a landing. A merge that says nothing itself is told by what it brought.
pub(super) fn units(
    history: &History,
    landing: &Landing,
    (entries, forge): (&mut BTreeMap<String, LogEntry>, Forge),
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
    match merge {
        Some(merge) => unit.name_merge(&merge, forge),
        None if history.is_merge(landing.commit) => unit.name_work(forge),
        None => {}
    }
    units.push(unit);
}

impl Unit {
    fn new(entry: LogEntry, merge: Option<&Merge>, forge: Forge) -> Self {
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
        let request = self.headline.request;
        if is_hollow(&self.headline.title)
            && let Some(first) = self.parts.first()
        {
            self.headline = Headline::read(&first.subject, forge);
            self.headline.request = request.or(self.headline.request);
            return;
        }
        if !self.headline.title.is_empty() {
            return;
        }
        self.headline = match (self.parts.as_slice(), &merge.branch) {
            ([only], _) => Headline::read(&only.subject, forge),
            (_, Some(branch)) => Headline::read(&spaced(branch), forge),
            _ => Headline::read(&self.entry.subject, forge),
        };
        self.headline.request = request.or(self.headline.request);
    }

    /// The title of a merge whose own begins with that it is one: that of the only commit it
    /// brought, or what it merges.
    fn name_work(&mut self, forge: Forge) {
        let Some(work) = merged(&self.headline.title) else {
            return;
        };
        let only = match self.parts.as_slice() {
            [only] => Some(Headline::read(&only.subject, forge)),
            _ => None,
        };
        let only = only.filter(|only| {
            Prose::line(&only.title).says_something() && merged(&only.title).is_none()
        });
        let request = self.headline.request;
        match only {
            Some(only) => {
                self.headline = only;
                self.headline.request = request.or(self.headline.request);
            }
            None => self.headline.title = work,
        }
    }

    /// The headline as a whole, to be known by.
    pub(super) fn line(&self) -> String {
        match (&self.headline.undo, self.entry.is_merge()) {
            (None, true) => self.headline.title.clone(),
            _ => self.entry.subject.clone(),
        }
    }

    /// The commits whose authors wrote it.
    pub(super) fn writers(&self) -> impl Iterator<Item = &LogEntry> {
        let own = self.parts.is_empty().then_some(&self.entry);
        own.into_iter().chain(&self.parts)
    }

    /// Whether this is the same change again, picked onto another branch.
    pub(super) fn is_picked_from(&self, other: &Self) -> bool {
        let key = |unit: &Self| {
            let LogEntry {
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

    /// The theme of its own headline, of the largest of what it brought, or that of what it fixes.
    pub(super) fn theme(&self) -> Theme {
        let own = Theme::of(&self.headline, self.entry.paths.iter());
        if self.is_typed() || own != Theme::Other {
            return own;
        }
        let parts = self.parts.iter().rev().map(|part| {
            let headline = Headline::read(&part.subject, Forge::Unknown);
            let theme = Theme::of(&headline, part.paths.iter());
            (part.insertions + part.deletions, theme)
        });
        let parts = parts.filter(|(_, theme)| !theme.is_minor());
        let largest = parts.max_by_key(|(lines, _)| *lines);
        let squashed = self.message.parts.iter();
        let mut squashed = squashed.map(|part| Theme::of(&part.headline, [].iter()));
        let brought = largest
            .map(|(_, theme)| theme)
            .or_else(|| squashed.find(|theme| !theme.is_minor()));
        match brought {
            None | Some(Theme::Other) if self.message.fixes => Theme::Fixed,
            brought => brought.unwrap_or(own),
        }
    }

    /// Whether its headline says itself of what kind it is.
    pub(super) fn is_typed(&self) -> bool {
        self.headline.kind.is_some() || self.headline.undo.is_some()
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

/// Whether a title says only that another one is done again: `Recreate #446`, `Merges #496`.
fn is_hollow(title: &str) -> bool {
    pattern!(
        HOLLOW,
        r"(?i)^(?:merge[sd]?|recreat\w+|re-?do\w*|redone|rebase[sd]?(?:\s+of)?)\b[\w\s]*#\d+\.?$"
    );
    HOLLOW.is_match(title)
}

/// What a title says is merged: `Merge the rows: one reading` are rows.
fn merged(title: &str) -> Option<String> {
    pattern!(MERGED, r"^Merge\s+(?:(?:the|a)\s+([^:]+:\s.*)|(.+))$");
    // `Merge stable into main` is about the branches.
    let found = MERGED
        .captures(title)
        .filter(|_| !title.contains(" into "))?;
    let work = found.get(1).or(found.get(2))?;
    let work = work.as_str().trim();
    Some(match work.split_once(':') {
        Some((head, rest)) => format!("{}:{rest}", capital(head)),
        None => capital(work),
    })
}

/// `fix-the-clock` as words.
fn spaced(branch: &str) -> String {
    branch.replace(['-', '_'], " ")
}

#[cfg(test)]
mod tests {
    use super::{is_hollow, merged};

    #[test]
    fn a_merge_is_called_what_it_merges() {
        for (title, work) in [
            (
                "Merge the guest SDK, two plugins and the fixtures",
                Some("The guest SDK, two plugins and the fixtures"),
            ),
            (
                "Merge the rows: one reading of each",
                Some("Rows: one reading of each"),
            ),
            ("Merge stable into main. Resolve conflicts", None),
            ("Add the rows", None),
        ] {
            assert_eq!(merged(title).as_deref(), work, "{title}");
        }
        let hollow = [
            "Recreated pull request #436",
            "Recreate #446",
            "Merges #496",
        ];
        assert!(hollow.iter().all(|title| is_hollow(title)));
        assert!(!is_hollow("Merge sort is stable, see #12 of it"));
    }
}
