//! The built-in composer: the same bundle makes the same claims, each with what it stands on.

mod items;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;

use super::bundle::{Bundle, Change};
use super::claim::claim;
use super::page::{
    Cited, CitedSource, Composed, Counts, LeftOut, NamedLink, Page, PageDay, PageItem, PageSection,
    ThemeCount, Unrendered, render,
};
use super::prose::Prose;
use super::release::Release;
use super::theme::Theme;
/// How the built-in composer signs.
pub use crate::draft::BUILT_IN;
use crate::draft::{Claim, ClaimKind, Draft};
use crate::slug;

/// Words that are told with their reasons; the rest is a list.
const WORDS: usize = 760;
/// Characters of the title of a post, of one of a change, and of an excerpt.
const TITLE: usize = 90;
const LINE: usize = 200;
/// Characters of a title that a release leaves it at least.
const SHORT: usize = 60;
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
        said: BTreeMap::new(),
    };
    let mut page = frame(bundle);
    let mut ranked = ranked(bundle);
    // What leads is told first.
    if let Some(lead) = lead(&ranked) {
        ranked.retain(|change| change.id != lead.id);
        ranked.insert(0, lead);
    }
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
    // Kinds that are guessed from words are not counted.
    let typed = bundle.changes.iter().filter(|change| change.typed).count();
    let is_typed = 2 * typed > bundle.changes.len();
    let mut themes: Vec<Theme> = bundle.changes.iter().map(|change| change.theme).collect();
    themes.sort_unstable();
    themes.dedup();
    let of = |theme: Theme| bundle.changes.iter().filter(|it| it.theme == theme).count() as u64;
    let themes = themes.into_iter().filter(|_| is_typed);
    let themes = themes.map(|theme| ThemeCount {
        theme,
        count: of(theme),
    });
    let requests = bundle
        .changes
        .iter()
        .filter(|change| change.request.is_some());
    Page {
        day: day(&bundle.day, bundle.day_is_over),
        repository: NamedLink {
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
        left_out: LeftOut {
            dropped: bundle.dropped,
            ..LeftOut::default()
        },
        ..Page::default()
    }
}

/// A day in its parts.
fn day(iso: &str, is_over: bool) -> PageDay {
    let date = iso.parse::<Date>().unwrap_or_default();
    PageDay {
        iso: iso.to_owned(),
        year: date.year(),
        month: date.month(),
        day: date.day(),
        is_over,
    }
}

/// What cites a change: its pull request, or its commit if it is none, and what is the same again.
pub fn sources(bundle: &Bundle, change: &Change) -> Vec<CitedSource> {
    let remote = bundle.remote.as_ref();
    let commit = |id: &str, short: &str| CitedSource {
        name: short.to_owned(),
        code: true,
        link: remote.and_then(|remote| remote.commit(id)),
    };
    let first = match change.number() {
        Some(number) => CitedSource {
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
    /// What was said, by its letters, with the place of the item that says it.
    said: BTreeMap<String, (Theme, usize)>,
}

impl Composer<'_> {
    /// A claim, in Markdown.
    fn claim(&mut self, kind: ClaimKind, words: &Prose, on: &[String]) -> String {
        let claim = claim(kind, words, on);
        self.words += length(&claim.plain);
        let text = claim.text.clone();
        self.claims.push(claim);
        text
    }

    /// The title and the excerpt: the first change leads.
    fn head(&mut self, page: &mut Page, ranked: &[&Change]) {
        let titled = ranked.iter().filter(|change| says(change));
        page.release = self.release();
        let released = page.release.chars().count();
        let mut room = EXCERPT.saturating_sub(released);
        for change in titled.take(7) {
            let title = shortened(&change.title, TITLE.saturating_sub(released).max(SHORT));
            let claim = claim(ClaimKind::Title, &title, std::slice::from_ref(&change.id));
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

    /// The release that leads: of the repository itself if there is one, the newest; with its name.
    fn release(&self) -> String {
        let name = self.bundle.name();
        let releases = self.bundle.releases.iter().rev();
        let own = |it: &&Release| it.name.rsplit_once(' ').is_none_or(|(of, _)| of == name);
        let release = releases
            .clone()
            .find(own)
            .or_else(|| releases.clone().next());
        release.map_or(String::new(), |release| {
            let named = if release.name.contains(' ') {
                release.name.clone()
            } else {
                format!("{name} {}", release.name)
            };
            Prose::line(&named).plain()
        })
    }

    /// Releases, those of one commit together.
    fn releases(&mut self, page: &mut Page) {
        let mut last = None;
        for release in &self.bundle.releases {
            let text = self.claim(
                ClaimKind::Release,
                &Prose::line(&release.name),
                std::slice::from_ref(&release.id),
            );
            if last == Some(&release.commit)
                && let Some(cited) = page.releases.last_mut()
            {
                cited.text = format!("{}, {text}", cited.text);
                continue;
            }
            last = Some(&release.commit);
            let remote = self.bundle.remote.as_ref();
            let source = CitedSource {
                name: release.short.clone(),
                code: true,
                link: remote.and_then(|remote| remote.commit(&release.commit)),
            };
            page.releases.push(Cited::new(text, vec![source]));
        }
    }

    /// Sections by theme, that of the leading change first; then what is only named.
    fn body(&mut self, page: &mut Page, ranked: &[&Change]) {
        let lead = page.summary.first().and(ranked.first());
        let mut room = NAMED;
        for group in items::joined(ranked) {
            let first = group[0];
            if !says(first) && first.reasons.is_empty() {
                page.left_out.untitled += 1;
                continue;
            }
            if self.is_said(&mut page.sections, &group) {
                continue;
            }
            let reasoned = self.is_reasoned(&group);
            let full = reasoned && self.words + told(&group) <= WORDS;
            let minor = first.theme.is_minor() || first.importance < 2;
            let leads = lead.is_some_and(|lead| lead.id == first.id);
            if full || (!reasoned && (leads || !minor) && self.words < WORDS) {
                let place = page
                    .sections
                    .iter()
                    .find(|it| it.theme == Some(first.theme));
                let place = (first.theme, place.map_or(0, |it| it.items.len()));
                let item = self.item(&group, place);
                put(&mut page.sections, PageItem { leads, ..item });
            } else if let Some(left) = room.checked_sub(group.len()) {
                room = left;
                let item = self.named(&group);
                put(&mut page.rest, item);
            } else {
                page.left_out.no_room += group.len() as u64;
            }
        }
        let lead = page.sections.first().and_then(|section| section.theme);
        page.sections
            .sort_by_key(|section| (section.theme != lead, section.theme));
        page.rest.sort_by_key(|section| section.theme);
    }
}

/// Put a change to the others of its theme.
fn put(sections: &mut Vec<PageSection>, item: PageItem) {
    let theme = Some(item.theme);
    match sections.iter_mut().find(|section| section.theme == theme) {
        Some(section) => section.items.push(item),
        None => sections.push(PageSection {
            theme,
            items: vec![item],
            ..PageSection::default()
        }),
    }
}

fn says(change: &Change) -> bool {
    Prose::line(&change.title).says_something()
}

/// The weightiest change, or one that weighs about as much and whose title is one. Tests, chores and
/// moves lead only where nothing else is.
fn lead<'b>(ranked: &[&'b Change]) -> Option<&'b Change> {
    let titled: Vec<&Change> = ranked
        .iter()
        .copied()
        .filter(|change| says(change))
        .collect();
    let about = |change: &&Change| !change.theme.is_minor();
    let able = |change: &&Change| about(change) && !is_moving(&change.title);
    let mut leading: Vec<&Change> = titled.iter().copied().filter(able).collect();
    if leading.is_empty() {
        leading.extend(titled.iter().copied().filter(about));
    }
    if leading.is_empty() {
        leading = titled;
    }
    let first = leading.first()?;
    let equal = |change: &&&Change| change.importance + 1 >= first.importance;
    let fits = |change: &&&Change| Prose::line(&change.title).length() <= TITLE;
    Some(
        leading
            .iter()
            .take(6)
            .filter(equal)
            .find(fits)
            .unwrap_or(first),
    )
}

/// Whether a title says that something is only put elsewhere, or looks another way in the source.
fn is_moving(title: &str) -> bool {
    pattern!(
        MOVING,
        r"(?i)^(?:[\w/.-]+:\s+)?(?:(?:moves?|moved|moving|renames?|renamed|renaming|reformat\w*|formats?|formatted|silence[sd]?|lint\w*|clean(?:s|ed|ing)?(?:\s+up)?|tid(?:y|ied)|satisfy)\b|remove\w*\s+(?:more\s+|some\s+)?(?:unneeded|unused|leftover\w*|dead))"
    );
    MOVING.is_match(title)
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

/// How many words changes of one title take with all that they say.
fn told(group: &[&Change]) -> usize {
    let lines = group.iter().flat_map(|change| {
        let points = change.points.iter();
        let points = points.flat_map(|point| point.reasons.iter().chain([&point.title]));
        change.reasons.iter().chain(&change.note).chain(points)
    });
    let lines = lines.chain([&group[0].title]);
    lines.map(|line| length(line)).sum()
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
