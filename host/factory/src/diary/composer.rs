//! The built-in composer: the same bundle gives the same text, and each item cites its source.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::bundle::Bundle;
use super::change::Change;
use super::check::Evidence;
use super::day::in_words;
use super::subject::capital;
use super::text::{count, list, markdown, slug};
use super::theme::Theme;
use super::title::{excerpt, title};

/// How the built-in composer signs.
pub const BUILT_IN: &str = "built-in composer";

/// A text that waits to be checked, approved and published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    pub title: String,
    pub excerpt: String,
    pub markdown: String,
    pub tags: Vec<String>,
    /// `built-in composer` or `model <name>`.
    pub written_by: String,
    /// The day it is about.
    pub covers: String,
    /// What a person should know before approving it, e.g. why no model wrote it.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Draft {
    /// What the rails said of it, and what a person should know before approving it.
    pub fn report(&self, citations: &Json) -> Json {
        let (notes, tags, covers) = (&self.notes, &self.tags, &self.covers);
        json!({ "citations": citations, "notes": notes, "tags": tags, "covers": covers })
    }
}

/// The built-in text of a day.
pub fn compose(bundle: &Bundle) -> Draft {
    let changes = Change::all(bundle);
    let mut leading: Vec<&Change> = changes.iter().collect();
    leading.sort_by_key(|change| Reverse(change.rank()));
    let mut parts = vec![opening(bundle)];
    parts.extend(sections(bundle, &changes));
    parts.push(closing(bundle, "the built-in composer"));
    Draft {
        title: title(bundle, &leading),
        excerpt: excerpt(bundle, &leading),
        markdown: parts.join("\n\n") + "\n",
        tags: tags(bundle, &changes),
        written_by: BUILT_IN.to_owned(),
        covers: bundle.day.clone(),
        notes: Vec::new(),
    }
}

/// The first paragraph: day, counts and themes.
pub fn opening(bundle: &Bundle) -> String {
    let changes = Change::all(bundle);
    let lines = |of: fn(&super::bundle::Commit) -> u64| bundle.commits.iter().map(of).sum::<u64>();
    let (added, removed) = (
        lines(|commit| commit.insertions),
        lines(|commit| commit.deletions),
    );
    let mut sentences = vec![arrivals(bundle)];
    sentences.push(format!("That makes {}.", list(&themes(&changes))));
    sentences.extend(areas(&changes));
    if added + removed > 0 {
        let added = count(added, "line was", "lines were");
        sentences.push(format!("{added} added and {removed} removed."));
    }
    sentences.join(" ")
}

fn arrivals(bundle: &Bundle) -> String {
    let commits = count(bundle.commits.len() as u64, "commit", "commits");
    let people = count(bundle.authors() as u64, "person", "people");
    let requests = match bundle.pull_requests.len() as u64 {
        0 => String::new(),
        number => format!(
            ", with {}",
            count(number, "merged pull request", "merged pull requests")
        ),
    };
    let so_far = if bundle.day_is_over {
        ""
    } else {
        " so far (the day was not over yet)"
    };
    let name = markdown(bundle.name());
    format!(
        "On {}, **{name}** took in {commits} by {people}{requests}{so_far}.",
        in_words(&bundle.day)
    )
}

/// `2 additions`, `1 fix` …, in the order of the sections.
fn themes(changes: &[Change]) -> Vec<String> {
    let mut themes: Vec<Theme> = changes.iter().map(|change| change.theme).collect();
    themes.sort_unstable();
    let all = themes.clone();
    themes.dedup();
    let counted = themes.into_iter().map(|theme| {
        let number = all.iter().filter(|other| **other == theme).count() as u64;
        let (one, several) = theme.nouns();
        count(number, one, several)
    });
    counted.collect()
}

/// Where most of the work went, if there are such places.
fn areas(changes: &[Change]) -> Option<String> {
    let mut names: Vec<&String> = changes
        .iter()
        .filter_map(|change| change.area.as_ref())
        .collect();
    let all = names.clone();
    names.sort_unstable();
    names.dedup();
    let share = |name: &&String| all.iter().filter(|other| *other == name).count();
    names.retain(|name| share(name) > 1);
    names.sort_by_key(|name| Reverse(share(name)));
    names.truncate(3);
    let spans: Vec<String> = names.iter().map(|name| code(name)).collect();
    (!spans.is_empty()).then(|| format!("Most of the work went into {}.", list(&spans)))
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', ""))
}

/// A section a theme; what is minor and gives no reason is folded into the last one.
fn sections(bundle: &Bundle, changes: &[Change]) -> Vec<String> {
    let evidence = Evidence::new(bundle, &[]);
    let folded = |change: &Change| change.theme.is_minor() && change.reason.is_empty();
    let (minor, main): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| folded(change));
    let mut headings: Vec<(Theme, String)> =
        main.iter().map(|change| heading(change, &main)).collect();
    headings.sort();
    headings.dedup();
    let mut sections = Vec::new();
    for at in headings {
        let inside = main.iter().filter(|change| heading(change, &main) == at);
        let mut inside: Vec<&Change> = inside.copied().collect();
        inside.sort_by_key(|change| Reverse(change.rank()));
        sections.push(format!("## {}\n\n{}", at.1, items(&inside, &evidence)));
    }
    if !minor.is_empty() {
        sections.push(format!("## Also\n\n{}", items(&minor, &evidence)));
    }
    sections
}

/// The heading of a change: its theme; changes without one go by the folder they touch.
fn heading(change: &Change, all: &[&Change]) -> (Theme, String) {
    let untyped = all
        .iter()
        .filter(|other| other.theme == Theme::Other)
        .count();
    let area = change
        .area
        .as_ref()
        .filter(|_| change.theme == Theme::Other && untyped > 3);
    let text = area.map_or_else(
        || change.theme.heading().to_owned(),
        |area| format!("In {}", code(area)),
    );
    (change.theme, text)
}

/// Paragraphs for changes that give a reason, then one list of those that do not.
fn items(changes: &[&Change], evidence: &Evidence) -> String {
    let told: Vec<Item> = changes
        .iter()
        .map(|change| Item::of(change, evidence))
        .collect();
    let (short, long): (Vec<&Item>, Vec<&Item>) =
        told.iter().partition(|item| item.reason.is_empty());
    let mut blocks: Vec<String> = long.into_iter().map(Item::paragraph).collect();
    let bullets: Vec<String> = short.into_iter().map(Item::bullet).collect();
    if !bullets.is_empty() && !blocks.is_empty() {
        // A paragraph between two lists keeps them apart.
        blocks.push("Smaller ones:".to_owned());
    }
    if !bullets.is_empty() {
        blocks.push(bullets.join("\n"));
    }
    blocks.join("\n\n")
}

/// A change as it is told: nothing in it that the evidence does not bear out.
struct Item {
    title: String,
    citation: String,
    reason: String,
}

impl Item {
    fn of(change: &Change, evidence: &Evidence) -> Self {
        let area = || {
            change
                .area
                .as_ref()
                .map_or_else(|| "the code".to_owned(), |area| code(area))
        };
        let title = markdown(&change.title);
        let borne = !title.is_empty() && evidence.bears_out_all(&title);
        let title = if borne {
            title
        } else {
            format!("A change to {}", area())
        };
        Self {
            title: if change.breaking {
                format!("Breaking: {title}")
            } else {
                title
            },
            citation: change.citation(),
            reason: reason(change, evidence),
        }
    }

    fn paragraph(&self) -> String {
        let Self {
            title,
            citation,
            reason,
        } = self;
        format!("**{title}** ({citation}).{reason}")
    }

    fn bullet(&self) -> String {
        format!("- {} ({})", self.title, self.citation)
    }
}

/// Sentences after a space, bullets after a blank line, or nothing.
fn reason(change: &Change, evidence: &Evidence) -> String {
    let borne = |text: &String| !text.is_empty() && evidence.bears_out_all(text);
    let told = |texts: &[String]| -> Vec<String> {
        texts
            .iter()
            .map(|text| markdown(text))
            .filter(borne)
            .collect()
    };
    let (sentences, bullets) = (told(&change.reason.sentences), told(&change.reason.bullets));
    let mut reason = String::new();
    if !sentences.is_empty() {
        reason = format!(" {}", capital(&sentences.join(" ")));
    }
    if !bullets.is_empty() {
        reason = format!("{reason}\n\n- {}", bullets.join("\n- "));
    }
    reason
}

/// The last paragraph: who wrote it, and what was left out.
pub fn closing(bundle: &Bundle, writer: &str) -> String {
    let dropped = bundle.dropped;
    let mut left_out = Vec::new();
    if dropped.bots > 0 {
        left_out.push(format!(
            "{} by bots",
            count(dropped.bots, "commit", "commits")
        ));
    }
    if dropped.bookkeeping > 0 {
        let number = count(dropped.bookkeeping, "commit", "commits");
        left_out.push(format!(
            "{number} of bookkeeping (releases, version bumps, merges)"
        ));
    }
    if dropped.over_limit > 0 {
        let number = count(dropped.over_limit, "commit", "commits");
        left_out.push(format!("{number} past the limit of one post"));
    }
    let left_out = if left_out.is_empty() {
        "nothing".to_owned()
    } else {
        list(&left_out)
    };
    let name = markdown(bundle.name());
    let day = in_words(&bundle.day);
    format!(
        "---\n\n*Written by {writer} from the commits of {name} on {day}. Left out: {left_out}.*"
    )
}

/// Tags of a post about these changes.
pub fn tags(bundle: &Bundle, changes: &[Change]) -> Vec<String> {
    let themes = changes.iter().filter_map(|change| change.theme.tag());
    let mut themes: Vec<String> = themes.map(str::to_owned).collect();
    themes.sort_unstable();
    themes.dedup();
    let mut tags = vec!["dev-diary".to_owned(), slug(bundle.name(), 40)];
    tags.extend(themes);
    tags.retain(|tag| !tag.is_empty());
    tags
}

#[cfg(test)]
mod tests;
