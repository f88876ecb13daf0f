//! Templates tried on sample posts, so that what is wrong with one is found before a reader
//! finds it: each page is rendered, and names below `site`, `page` and `links`, which every page
//! has, are looked up in the branches, too, that no sample reaches.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Value};

use super::{Site, SiteError, SiteInfo, add, environment, view};
use crate::tables::posts::Post;

/// What every page has.
const SHARED: [&str; 3] = ["site", "page", "links"];

/// Every mistake that the samples find once all templates compile; one that does not would be
/// the mistake of each page that needs it. Templates that are not there are left out.
pub fn mistakes(info: SiteInfo, templates: &BTreeMap<String, String>) -> Vec<SiteError> {
    let mut compiled = environment();
    for (name, text) in super::pages(templates) {
        if add(&mut compiled, name, text).is_err() {
            return Vec::new();
        }
    }
    let site = Site::bare(info, compiled, templates);
    let mut mistakes: Vec<SiteError> = Vec::new();
    for mistake in site.rehearse().into_iter().chain(site.unknown(templates)) {
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }
    mistakes
}

/// Names that a template can use: of what every page has, and of posts.
pub fn names(info: SiteInfo) -> BTreeSet<String> {
    let site = Site::bare(info, environment(), &BTreeMap::new());
    let mut names = BTreeSet::new();
    gather(&site.pages().names(&view::samples()), &mut names);
    names
}

fn gather(value: &Value, names: &mut BTreeSet<String>) {
    let is_map = value.kind() == ValueKind::Map;
    for item in value.try_iter().into_iter().flatten() {
        if is_map {
            names.insert(item.to_string());
            gather(&value.get_item(&item).unwrap_or_default(), names);
        } else if value.as_str().is_none() {
            gather(&item, names);
        }
    }
}

impl Site {
    /// Render each page on samples; gives what went wrong, once each.
    pub(super) fn rehearse(&self) -> Vec<SiteError> {
        let posts = view::samples();
        let mut failed = Vec::new();
        for page in self.rendered(&posts) {
            match page {
                Ok(_) => {}
                // That it is not there is said once, and not here.
                Err(SiteError::Missing { .. }) => {}
                Err(error) if failed.contains(&error) => {}
                Err(error) => failed.push(error),
            }
        }
        failed
    }

    fn rendered(&self, posts: &[Post]) -> Vec<Result<String, SiteError>> {
        let pages = self.pages();
        let mut rendered = vec![
            pages.index(&[]),
            pages.index(posts),
            pages.archive(&[], 1, 1),
            pages.archive(posts, 1, 3),
            pages.archive(posts, 2, 3),
            pages.archive(posts, 3, 3),
            pages.tag("sample", posts),
            pages.plain("not_found.html", "Not here"),
            pages.plain("gone.html", "Taken down"),
            pages.plain("unavailable.html", "Back in a moment"),
        ];
        rendered.extend(posts.iter().map(|post| pages.post(post)));
        rendered
    }

    /// Names below what every page has that no page has.
    fn unknown(&self, templates: &BTreeMap<String, String>) -> Vec<SiteError> {
        let shared = self.pages().shared(view::head());
        let mut unknown = Vec::new();
        for (name, text) in super::pages(templates) {
            let Ok(template) = self.templates.get_template(name) else {
                continue;
            };
            for path in template.undeclared_variables(true) {
                if is_known(&shared, &path) {
                    continue;
                }
                let lines = text.lines().enumerate();
                let mut lines = lines.filter(|(_, line)| says(line, &path));
                if let Some((index, _)) = lines.next() {
                    unknown.push(SiteError::Template {
                        name: name.to_owned(),
                        line: index + 1,
                        cause: format!("undefined value: `{path}` is undefined"),
                        undefined: Some(path),
                    });
                }
            }
        }
        unknown
    }
}

/// Whether a path is none of those that every page has, or leads to something.
fn is_known(shared: &Value, path: &str) -> bool {
    let mut parts = path.split('.');
    let root = parts.next().unwrap_or_default();
    let Some(first) = parts.next().filter(|_| SHARED.contains(&root)) else {
        return true;
    };
    let found = shared.get_attr(root).and_then(|root| root.get_attr(first));
    found.is_ok_and(|value| !value.is_undefined())
}

/// Whether a line uses a path, and not only asks whether it is there.
fn says(line: &str, path: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    line.match_indices(path).any(|(at, _)| {
        let rest = &line[at + path.len()..];
        let asks = ["is ", "|default", "| default"];
        !line[..at].ends_with(part)
            && !rest.starts_with(part)
            && !asks.iter().any(|asks| rest.trim_start().starts_with(asks))
    })
}

/// The name that a template uses and nobody gave it, as far as the error tells.
pub(super) fn undefined(error: &minijinja::Error) -> Option<String> {
    let detail = error.detail()?;
    let told = error.kind() == ErrorKind::UndefinedError || detail.contains("is undefined");
    let (_, rest) = detail.split_once('`').filter(|_| told)?;
    let (expression, _) = rest.split_once('`')?;
    Some(expression.to_owned())
}
