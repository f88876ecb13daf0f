//! The title and excerpt of the built-in text: whole titles of changes, never a cut word.

use super::bundle::Bundle;
use super::change::Change;
use super::check::Evidence;
use super::day::in_words;
use super::text::{count, list, plain, uncapital};

/// The longest title.
const TITLE: usize = 90;
/// The longest excerpt.
const EXCERPT: usize = 260;

/// A title from the main changes; `changes` come with the weightiest first.
pub fn title(bundle: &Bundle, changes: &[&Change]) -> String {
    let evidence = Evidence::new(bundle, &[]);
    let titles: Vec<String> = changes.iter().map(|change| plain(&change.title)).collect();
    let fits = |title: &String| title.chars().count() <= TITLE && evidence.bears_out_all(title);
    let candidates = pairs(&titles)
        .into_iter()
        .chain(singles(&titles))
        .chain(areas(changes));
    candidates
        .filter(|title| says_something(title))
        .find(fits)
        .unwrap_or_else(|| fallback(bundle, changes))
}

fn pairs(titles: &[String]) -> Option<String> {
    let [first, second, rest @ ..] = titles else {
        return None;
    };
    let separate = [first, second]
        .iter()
        .all(|title| !title.contains([',', ';', ':']));
    let second = uncapital(second);
    separate.then(|| match rest.len() {
        0 => format!("{first}, and {second}"),
        more => format!(
            "{first}, {second} and {}",
            count(more as u64, "more change", "more changes")
        ),
    })
}

fn singles(titles: &[String]) -> impl Iterator<Item = String> {
    let more = titles.len().saturating_sub(1) as u64;
    let titles = titles.iter().take(3).map(move |title| match more {
        0 => title.clone(),
        _ => format!(
            "{title}, and {}",
            count(more, "more change", "more changes")
        ),
    });
    titles.collect::<Vec<_>>().into_iter()
}

/// `Work on qa, retention and cli`.
fn areas(changes: &[&Change]) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for area in changes.iter().filter_map(|change| change.area.as_ref()) {
        if !names.contains(area) {
            names.push(area.clone());
        }
    }
    names.truncate(3);
    (!names.is_empty()).then(|| format!("Work on {}", list(&names)))
}

fn fallback(bundle: &Bundle, changes: &[&Change]) -> String {
    let number = count(changes.len() as u64, "change", "changes");
    let full = format!("{number} to {} on {}", bundle.name(), in_words(&bundle.day));
    if full.chars().count() <= TITLE {
        full
    } else {
        format!("{number} on {}", in_words(&bundle.day))
    }
}

/// Whether a title has at least two words, so that it is no bare name or date.
fn says_something(title: &str) -> bool {
    title
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphabetic))
        .count()
        >= 2
}

/// What happened, in one line.
pub fn excerpt(bundle: &Bundle, changes: &[&Change]) -> String {
    let evidence = Evidence::new(bundle, &[]);
    let head = format!("{} on {}: ", bundle.name(), in_words(&bundle.day));
    let mut told: Vec<String> = Vec::new();
    for change in changes {
        let next = uncapital(&plain(&change.title));
        let length: usize = told.iter().map(|title| title.chars().count() + 2).sum();
        if length + next.chars().count() < EXCERPT
            && evidence.bears_out_all(&next)
            && told.len() < 4
        {
            told.push(next);
        }
    }
    let more = changes.len() - told.len();
    if more > 0 {
        told.push(count(more as u64, "other change", "other changes"));
    }
    format!("{head}{}.", told.join("; "))
}
