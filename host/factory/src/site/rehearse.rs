//! Templates tried on sample posts, so that what is wrong with one is found before a reader
//! finds it: each page is rendered, and names below `site`, `page` and `links`, which every page
//! has, are looked up in the branches, too, that no sample reaches.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Value};

use callboard_core::registry::nearest;

use super::{Site, SiteError, SiteInfo, add, environment, view};
use crate::tables::posts::Post;

/// What every page has.
const SHARED: [&str; 3] = ["site", "page", "links"];

/// A mistake, and what to write instead, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub error: SiteError,
    pub mend: Option<String>,
}

/// Every mistake that the samples find once all templates compile; one that does not would be
/// the mistake of each page that needs it. Templates that are not there are left out.
pub fn mistakes(info: SiteInfo, templates: &BTreeMap<String, String>) -> Vec<Mistake> {
    let mut compiled = environment();
    for (name, text) in super::pages(templates) {
        if add(&mut compiled, name, text).is_err() {
            return Vec::new();
        }
    }
    let site = Site::bare(info, compiled, templates);
    let mut mistakes: Vec<Mistake> = Vec::new();
    for (page, error) in site.rehearse().into_iter().chain(site.unknown(templates)) {
        if !mistakes.iter().any(|known| known.error == error) {
            let undefined = match &error {
                SiteError::Template { undefined, .. } => undefined.as_deref(),
                _ => None,
            };
            let has = || site.pages().names(page, &view::samples());
            let mend = undefined.and_then(|undefined| instead(undefined, &has()));
            mistakes.push(Mistake { error, mend });
        }
    }
    mistakes
}

/// What to write instead of a name that a page does not have: one of its own, from the place in
/// which the name was looked for. Nothing, where that place is not known and no name is near.
fn instead(undefined: &str, has: &Value) -> Option<String> {
    // A list is there, and not as long as that.
    if let Some((list, _)) = undefined
        .strip_suffix(']')
        .and_then(|it| it.rsplit_once('['))
    {
        let is_list = at(has, list).is_some_and(|it| it.kind() == ValueKind::Seq);
        return is_list.then(|| through(list));
    }
    let (owner, name) = match undefined.rsplit_once('.') {
        Some((owner, name)) => (format!("{owner}."), name),
        None => (String::new(), undefined),
    };
    let place = match undefined.rsplit_once('.') {
        None => Some(has.clone()),
        Some((owner, _)) => at(has, owner),
    };
    let is_known = place.is_some();
    let place = place.unwrap_or_else(|| Value::from(parts(has)));
    if place.kind() == ValueKind::Seq {
        return Some(through(owner.trim_end_matches('.')));
    }
    let names = keys(&place);
    if let Some(near) = nearest(name, names.iter().map(String::as_str)) {
        let found = place.get_attr(near);
        let is_list = found.is_ok_and(|it| it.kind() == ValueKind::Seq);
        let near = format!("{owner}{near}");
        return Some(if is_list {
            through(&near)
        } else {
            format!("write `{near}`")
        });
    }
    // Names of everything that a page has are no answer to what one part of it has.
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("`{owner}{name}`"))
        .collect();
    (is_known && !names.is_empty()).then(|| format!("write one of {}", names.join(", ")))
}

/// How to have what is in a list.
fn through(list: &str) -> String {
    let one = list
        .rsplit('.')
        .next()
        .unwrap_or(list)
        .trim_end_matches('s');
    format!("go through the list, `{{% for {one} in {list} %}} … {{% endfor %}}`")
}

/// What a path of names leads to, `posts[0].tags` for one. One that a page does not have may be what a
/// loop calls an element of a list: `post` is one of `posts`.
fn at(has: &Value, path: &str) -> Option<Value> {
    let mut parts = path.split('.');
    let first = parts.next()?;
    let first = step(has, first).or_else(|| {
        let list = step(&Value::from(self::parts(has)), &format!("{first}s"));
        element(&step(has, &format!("{first}s")).or(list)?)
    });
    parts.try_fold(first?, |value, part| step(&value, part))
}

/// What a name leads to, and what an index behind it does: to the first of a list, whichever it is.
fn step(value: &Value, part: &str) -> Option<Value> {
    let (name, index) = match part.split_once('[') {
        Some((name, _)) => (name, true),
        None => (part, false),
    };
    let found = value.get_attr(name).ok().filter(|it| !it.is_undefined())?;
    if index { element(&found) } else { Some(found) }
}

/// The first of a list.
fn element(list: &Value) -> Option<Value> {
    let first = list.get_item_by_index(0).ok()?;
    (!first.is_undefined()).then_some(first)
}

/// What the elements of its lists have: a loop calls one of them as it likes.
fn parts(has: &Value) -> BTreeMap<String, Value> {
    let mut parts = BTreeMap::new();
    let values = keys(has)
        .into_iter()
        .filter_map(|key| has.get_attr(&key).ok());
    for value in values {
        let element = match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => value.get_item_by_index(0).unwrap_or_default(),
            _ => value,
        };
        for key in keys(&element) {
            let found = element.get_attr(&key).unwrap_or_default();
            if found.kind() == ValueKind::Seq {
                parts.extend(self::parts(&Value::from(BTreeMap::from([(
                    key.clone(),
                    found.clone(),
                )]))));
            }
            parts.insert(key, found);
        }
    }
    parts
}

/// The keys of a map; of something else, none.
fn keys(value: &Value) -> BTreeSet<String> {
    if value.kind() != ValueKind::Map {
        return BTreeSet::new();
    }
    let keys = value.try_iter().into_iter().flatten();
    keys.map(|key| key.to_string()).collect()
}

impl Site {
    /// Render each page on samples; gives what went wrong, once each, with the page.
    pub(super) fn rehearse(&self) -> Vec<(&'static str, SiteError)> {
        let posts = view::samples();
        let mut failed: Vec<(&'static str, SiteError)> = Vec::new();
        for (name, page) in self.rendered(&posts) {
            match page {
                Ok(_) => {}
                // That it is not there is said once, and not here.
                Err(SiteError::Missing { .. }) => {}
                Err(error) if failed.iter().any(|(_, known)| *known == error) => {}
                Err(error) => failed.push((name, error)),
            }
        }
        failed
    }

    fn rendered(&self, posts: &[Post]) -> Vec<(&'static str, Result<String, SiteError>)> {
        let pages = self.pages();
        let archive = |posts, page, of| ("archive.html", pages.archive(posts, page, of));
        let plain = |name, title| (name, pages.plain(name, title));
        // A page that takes a second post for granted fails on the first that is published.
        let one = posts.get(..1).unwrap_or_default();
        let mut rendered = vec![
            ("index.html", pages.index(&[])),
            ("index.html", pages.index(one)),
            ("index.html", pages.index(posts)),
            archive(&[], 1, 1),
            archive(one, 1, 1),
            archive(posts, 1, 3),
            archive(posts, 2, 3),
            archive(posts, 3, 3),
            ("tag.html", pages.tag("sample", one)),
            ("tag.html", pages.tag("sample", posts)),
            plain("not_found.html", "Not here"),
            plain("gone.html", "Taken down"),
            plain("unavailable.html", "Back in a moment"),
        ];
        rendered.extend(posts.iter().map(|post| ("post.html", pages.post(post))));
        rendered
    }

    /// Names below what every page has that no page has.
    fn unknown(&self, templates: &BTreeMap<String, String>) -> Vec<(&'static str, SiteError)> {
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
                    let error = SiteError::Template {
                        name: name.to_owned(),
                        line: index + 1,
                        cause: format!("undefined value: `{path}` is undefined"),
                        undefined: Some(path),
                    };
                    unknown.push(("base.html", error));
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

/// The name that a template uses and is not given, as far as the error tells.
pub(super) fn undefined(error: &minijinja::Error) -> Option<String> {
    let detail = error.detail()?;
    let told = error.kind() == ErrorKind::UndefinedError || detail.contains("is undefined");
    let (_, rest) = detail.split_once('`').filter(|_| told)?;
    let (expression, _) = rest.split_once('`')?;
    Some(expression.to_owned())
}
