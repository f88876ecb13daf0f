//! Templates tried on sample posts, so that what is wrong with one is found before a reader
//! finds it: each page is rendered, and what it names is looked up in the branches, too, that no
//! sample reaches. What is shown of a post has its text.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Value};

use callboard_core::registry::nearest;
use callboard_core::template::{self, Given, Stranger, ValueShape};

use super::{Site, SiteError, SiteInfo, TEMPLATES, add, environment, view};
use crate::tables::posts::Post;

/// What the text of the first sample comes to, as far as it is its own.
const TEXT: &str = "<em>text</em>";
/// What pages extend, and is none itself.
const BASE: &str = "base.html";
/// The page of a post.
const POST: &str = "post.html";

/// A mistake, and what to write instead, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub template: String,
    /// Counted from 1.
    pub line: usize,
    pub column: usize,
    pub problem: String,
    pub mend: Option<String>,
}

impl Mistake {
    fn is_at(&self, (template, line): (&str, usize)) -> bool {
        (self.template.as_str(), self.line) == (template, line)
    }
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
    let mut mistakes = site.failing();
    for stranger in site.strangers(templates) {
        let place = (stranger.template.as_str(), stranger.line);
        match mistakes.iter_mut().find(|known| known.is_at(place)) {
            Some(known) => {
                known.mend.get_or_insert(stranger.mend);
            }
            None => mistakes.push(Mistake {
                template: stranger.template,
                line: stranger.line,
                column: stranger.column,
                problem: stranger.problem,
                mend: Some(stranger.mend),
            }),
        }
    }
    if mistakes.is_empty() {
        mistakes.extend(site.textless());
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
    /// Pages that cannot be rendered, each mistake once.
    fn failing(&self) -> Vec<Mistake> {
        let mut mistakes: Vec<Mistake> = Vec::new();
        for (page, error) in self.rehearse() {
            let SiteError::Template {
                name,
                line,
                cause,
                undefined,
            } = error
            else {
                continue;
            };
            let has = || self.pages().names(page, &view::samples());
            let mend = undefined.and_then(|undefined| instead(&undefined, &has()));
            let mistake = Mistake {
                template: name,
                line: line.max(1),
                column: 1,
                problem: format!("the page cannot be rendered: {cause}"),
                mend,
            };
            if !mistakes.contains(&mistake) {
                mistakes.push(mistake);
            }
        }
        mistakes
    }

    /// What the templates of each page name, and the page does not have.
    fn strangers(&self, templates: &BTreeMap<String, String>) -> Vec<Stranger> {
        let texts: BTreeMap<&str, &str> = super::pages(templates).collect();
        let samples = view::samples();
        let pages = TEMPLATES.iter().filter(|name| **name != BASE);
        let pages = pages.filter(|name| texts.contains_key(**name));
        let pages: Vec<_> = pages
            .map(|name| {
                let has = self.pages().names(name, &samples);
                (*name, serde_json::to_value(has).unwrap_or_default())
            })
            .collect();
        let may_have = ValueShape::of(pages.iter().map(|(_, has)| has.clone()));
        let mut found: Vec<Stranger> = Vec::new();
        for (name, has) in pages {
            let given = Given {
                owner: name.to_owned(),
                has: ValueShape::of([has]),
                may_have: may_have.clone(),
            };
            let strangers = template::on_deep_stack(|| {
                template::strangers(&self.templates, &texts, (name, &given))
            });
            for stranger in strangers.unwrap_or_default() {
                let place = |it: &Stranger| (it.template.clone(), it.line, it.column);
                if !found.iter().any(|known| place(known) == place(&stranger)) {
                    found.push(stranger);
                }
            }
        }
        found
    }

    /// The mistake of a page of a post that does not show its text.
    fn textless(&self) -> Option<Mistake> {
        let page = self.pages().post(&view::sample()).ok()?;
        (!page.contains(TEXT)).then(|| Mistake {
            template: POST.to_owned(),
            line: 1,
            column: 1,
            problem: "the page of a post does not show its text".to_owned(),
            mend: Some("write `{{ html }}` where the text is to stand".to_owned()),
        })
    }

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
        rendered.extend(posts.iter().map(|post| (POST, pages.post(post))));
        rendered
    }
}

/// The name that a template uses and is not given, as far as the error tells.
pub(super) fn undefined(error: &minijinja::Error) -> Option<String> {
    let detail = error.detail()?;
    let told = error.kind() == ErrorKind::UndefinedError || detail.contains("is undefined");
    let (_, rest) = detail.split_once('`').filter(|_| told)?;
    let (expression, _) = rest.split_once('`')?;
    Some(expression.to_owned())
}
