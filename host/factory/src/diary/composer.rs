//! The built-in composer: the same bundle makes the same claims, each with what it stands on.

use std::cmp::Reverse;

use jiff::civil::Date;

use super::bundle::{Bundle, Change};
use super::claim::claim;
use super::page::{
    Cited, Composed, Count, Counts, Day, Item, Named, Page, Section, Source, Unrendered, render,
};
use super::prose::{Prose, is_ended};
use super::theme::Theme;
use crate::draft::{Claim, Draft, Kind};
use crate::slug;

/// How the built-in composer signs.
pub const BUILT_IN: &str = "built-in composer";
/// Words that are told with their reasons; the rest is a list.
const WORDS: usize = 760;
/// Characters of the title of a post, of one of a change, and of an excerpt.
const TITLE: usize = 90;
const LINE: usize = 200;
const EXCERPT: usize = 220;
/// How many changes are named without a reason.
const NAMED: usize = 50;

/// The built-in text of a day, in the words of a template.
pub fn compose(bundle: &Bundle, template: &str) -> Result<Draft, Unrendered> {
    draft(bundle, compile(bundle), template, BUILT_IN)
}

/// A composed page as a draft.
pub fn draft(
    bundle: &Bundle,
    composed: Composed,
    template: &str,
    written_by: &str,
) -> Result<Draft, Unrendered> {
    let rendered = render(template, &composed.page)?;
    Ok(Draft {
        title: rendered.title,
        excerpt: rendered.excerpt,
        markdown: rendered.text,
        tags: tags(bundle),
        written_by: written_by.to_owned(),
        covers: bundle.day.clone(),
        claims: composed.claims,
        notes: Vec::new(),
        featured: None,
        seo_title: String::new(),
    })
}

/// The claims of a day, and the page that they make.
pub fn compile(bundle: &Bundle) -> Composed {
    let mut composer = Composer {
        bundle,
        claims: Vec::new(),
        words: 0,
    };
    let mut page = frame(bundle);
    let ranked = ranked(bundle);
    composer.head(&mut page, &ranked);
    composer.releases(&mut page);
    composer.body(&mut page, &ranked);
    Composed {
        page,
        claims: composer.claims,
    }
}

/// The changes of a day, the weightiest first.
pub fn ranked(bundle: &Bundle) -> Vec<&Change> {
    let mut ranked: Vec<&Change> = bundle.changes.iter().collect();
    ranked.sort_by_key(|change| {
        let says = !change.reasons.is_empty() || !change.points.is_empty();
        Reverse((change.importance, says, change.lines))
    });
    ranked
}

/// What a page says before anything is told: day, name and counts.
pub fn frame(bundle: &Bundle) -> Page {
    let date = bundle.day.parse::<Date>().unwrap_or_default();
    let mut themes: Vec<Theme> = bundle.changes.iter().map(|change| change.theme).collect();
    themes.sort_unstable();
    themes.dedup();
    let of = |theme: Theme| bundle.changes.iter().filter(|it| it.theme == theme).count() as u64;
    let themes = themes.into_iter().map(|theme| Count {
        theme,
        count: of(theme),
    });
    let requests = bundle
        .changes
        .iter()
        .filter(|change| change.request.is_some());
    Page {
        day: Day {
            iso: bundle.day.clone(),
            year: date.year(),
            month: date.month(),
            day: date.day(),
            is_over: bundle.day_is_over,
        },
        repository: Named {
            name: Prose::line(bundle.name()).markdown(),
            plain: Prose::line(bundle.name()).plain(),
            link: bundle.remote.as_ref().and_then(super::forge::Remote::home),
        },
        counts: Counts {
            changes: bundle.changes.len() as u64,
            people: bundle.people,
            requests: requests.count() as u64,
        },
        themes: themes.collect(),
        left_out: bundle.dropped,
        ..Page::default()
    }
}

/// What cites a change: its pull request, or its commit if it is none, and what is the same again.
pub fn sources(bundle: &Bundle, change: &Change) -> Vec<Source> {
    let remote = bundle.remote.as_ref();
    let commit = |id: &str, short: &str| Source {
        name: short.to_owned(),
        code: true,
        link: remote.and_then(|remote| remote.commit(id)),
    };
    let first = match change.number() {
        Some(number) => Source {
            name: bundle.forge().name(number),
            code: false,
            link: remote.and_then(|remote| remote.number(number)),
        },
        None => commit(&change.commit.id, &change.commit.short),
    };
    let also = change
        .also
        .iter()
        .take(4)
        .map(|it| commit(&it.id, &it.short));
    std::iter::once(first).chain(also).collect()
}

struct Composer<'b> {
    bundle: &'b Bundle,
    claims: Vec<Claim>,
    words: usize,
}

impl Composer<'_> {
    /// A claim, in Markdown.
    fn claim(&mut self, kind: Kind, words: &Prose, on: &str) -> String {
        let claim = claim(kind, words, &[on.to_owned()]);
        self.words += length(&claim.plain);
        let text = claim.text.clone();
        self.claims.push(claim);
        text
    }

    /// The title and the excerpt: one change leads.
    fn head(&mut self, page: &mut Page, ranked: &[&Change]) {
        let Some(lead) = lead(ranked) else {
            return;
        };
        let others = ranked
            .iter()
            .filter(|change| change.id != lead.id && says(change));
        let mut room = EXCERPT;
        for change in std::iter::once(&lead).chain(others.take(6)) {
            let title = shortened(&change.title, TITLE);
            let claim = claim(Kind::Title, &title, std::slice::from_ref(&change.id));
            if page.title.is_empty() {
                page.title.clone_from(&claim.plain);
            } else if title.length() > room
                || page.summary.contains(&claim.plain)
                || page.summary.len() > 3
            {
                continue;
            }
            room = room.saturating_sub(title.length());
            page.summary.push(claim.plain.clone());
            self.claims.push(claim);
        }
    }

    /// Releases, those of one commit together.
    fn releases(&mut self, page: &mut Page) {
        let mut last = None;
        for release in &self.bundle.releases {
            let text = self.claim(Kind::Release, &Prose::line(&release.name), &release.id);
            if last == Some(&release.commit)
                && let Some(cited) = page.releases.last_mut()
            {
                cited.text = format!("{}, {text}", cited.text);
                continue;
            }
            last = Some(&release.commit);
            let remote = self.bundle.remote.as_ref();
            let source = Source {
                name: release.short.clone(),
                code: true,
                link: remote.and_then(|remote| remote.commit(&release.commit)),
            };
            page.releases.push(Cited::new(text, vec![source]));
        }
    }

    /// Sections by theme, that of the leading change first; then what is only named.
    fn body(&mut self, page: &mut Page, ranked: &[&Change]) {
        for change in ranked {
            if !Prose::line(&change.title).says_something() && change.reasons.is_empty() {
                page.unnamed += 1;
                continue;
            }
            let reasoned =
                !change.reasons.is_empty() || !change.points.is_empty() || !change.note.is_empty();
            let full = reasoned && self.words + told(change) <= WORDS;
            let minor = change.theme.is_minor() || change.importance < 2;
            if full || (!reasoned && !minor && self.words < WORDS) {
                let item = self.item(change);
                match page
                    .sections
                    .iter_mut()
                    .find(|it| it.theme == Some(change.theme))
                {
                    Some(section) => section.items.push(item),
                    None => page.sections.push(Section {
                        theme: Some(change.theme),
                        items: vec![item],
                        ..Section::default()
                    }),
                }
            } else if page.rest.len() < NAMED {
                let item = self.named(change);
                page.rest.push(item);
            } else {
                page.unnamed += 1;
            }
        }
        let lead = page.sections.first().and_then(|section| section.theme);
        page.sections
            .sort_by_key(|section| (section.theme != lead, section.theme));
    }

    fn named(&mut self, change: &Change) -> Item {
        let title = self.claim(Kind::Title, &shortened(&change.title, LINE), &change.id);
        Item {
            title: Cited::new(title, sources(self.bundle, change)),
            theme: change.theme,
            breaking: change.breaking,
            ..Item::default()
        }
    }

    fn item(&mut self, change: &Change) -> Item {
        let mut item = self.named(change);
        item.note = self.sentences(Kind::Breaking, &change.note, &change.id);
        item.reason = self.sentences(Kind::Reason, &change.reasons, &change.id);
        for point in &change.points {
            let title = self.claim(Kind::Part, &Prose::line(&point.title), &change.id);
            let reason = self.sentences(Kind::Reason, &point.reasons, &change.id);
            let title = title.trim_end_matches('.');
            item.points.push(if reason.is_empty() {
                title.to_owned()
            } else {
                format!("{title}. {reason}")
            });
        }
        item
    }

    fn sentences(&mut self, kind: Kind, lines: &[String], on: &str) -> String {
        let mut text = String::new();
        for line in lines {
            let mut sentence = Prose::line(line);
            if text.is_empty() {
                sentence = sentence.capital();
            }
            let sentence = self.claim(kind, &sentence, on);
            let glued = text.ends_with(['\u{3002}', '\u{ff01}', '\u{ff1f}']);
            if !text.is_empty() && !glued {
                ended(&mut text);
                text.push(' ');
            }
            text.push_str(&sentence);
        }
        ended(&mut text);
        text
    }
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

fn says(change: &Change) -> bool {
    Prose::line(&change.title).says_something()
}

/// The weightiest change, or one that weighs about as much and whose title is one.
fn lead<'b>(ranked: &[&'b Change]) -> Option<&'b Change> {
    let mut titled = ranked.iter().filter(|change| says(change));
    let first = titled.clone().next()?;
    let equal = |change: &&&Change| change.importance + 1 >= first.importance;
    let fits = |change: &&&Change| Prose::line(&change.title).length() <= TITLE;
    Some(
        titled
            .by_ref()
            .take(6)
            .filter(equal)
            .find(fits)
            .unwrap_or(first),
    )
}

/// Words with which no title ends.
const HANGING: [&str; 16] = [
    "a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to",
    "with",
];

/// The beginning of a title, whole words.
fn shortened(title: &str, most: usize) -> Prose {
    let title = Prose::line(title);
    if title.length() <= most {
        return title;
    }
    let (head, _) = title.cut(most - 1);
    let head = head.source();
    let mut head = head.as_str();
    while let Some((before, last)) = head.rsplit_once(' ')
        && HANGING.contains(&last.to_lowercase().as_str())
    {
        head = before;
    }
    Prose::line(&(head.trim_end_matches([',', ';', ':', ' ']).to_owned() + "\u{2026}"))
}

/// How many words a change takes with all that it says.
fn told(change: &Change) -> usize {
    let points = change
        .points
        .iter()
        .flat_map(|point| point.reasons.iter().chain([&point.title]));
    let lines = change.reasons.iter().chain(&change.note).chain(points);
    lines.chain([&change.title]).map(|line| length(line)).sum()
}

/// Words, where two signs of a script without spaces are one.
fn length(text: &str) -> usize {
    let signs = text
        .chars()
        .filter(|c| crate::markdown::is_spaceless(*c))
        .count();
    text.split_whitespace().count() + signs / 2
}

/// Tags of a post about a day.
fn tags(bundle: &Bundle) -> Vec<String> {
    let themes = bundle
        .changes
        .iter()
        .filter_map(|change| change.theme.tag());
    let mut themes: Vec<String> = themes.map(str::to_owned).collect();
    themes.extend((!bundle.releases.is_empty()).then(|| "releases".to_owned()));
    themes.sort_unstable();
    themes.dedup();
    let mut tags = vec!["dev-diary".to_owned(), slug::words(bundle.name(), 40)];
    tags.extend(themes);
    tags.retain(|tag| !tag.is_empty());
    tags
}

#[cfg(test)]
mod tests;
