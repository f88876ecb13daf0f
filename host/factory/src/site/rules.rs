//! Templates of the site compile, those that the host renders are there, those that extend or
//! include others name templates that are there, each page can be rendered, and what it names is there in
//! all branches.

use std::collections::BTreeMap;
use std::path::Path;

use callboard_core::registry::nearest;
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::template;
use callboard_core::workspace::Place;
use url::Url;

use super::{Mistake, PAGES, SiteInfo, TEMPLATES, files, mistakes};

/// Endings of texts that are rendered; everything else is served as it is.
const RENDERED: [&str; 1] = [".html"];

/// Endings of what a site serves as it is. A list of what may be seen, since a list of what may not
/// is never whole: a copy of the database, its log, the key, a dump, a person's notes.
const SERVED: [&str; 35] = [
    "avif",
    "bmp",
    "css",
    "flac",
    "gif",
    "ico",
    "jpeg",
    "jpg",
    "js",
    "json",
    "m4a",
    "map",
    "md",
    "mjs",
    "mp3",
    "mp4",
    "ogg",
    "opus",
    "otf",
    "pdf",
    "png",
    "svg",
    "ttf",
    "txt",
    "vtt",
    "wasm",
    "wav",
    "webm",
    "webmanifest",
    "webp",
    "woff",
    "woff2",
    "xml",
    "xsl",
    "zip",
];

type Templates = BTreeMap<String, String>;

/// Who has the templates rendered.
fn site() -> Referrer {
    Referrer::Tenant("site".to_owned())
}

fn template(name: &str) -> Referrer {
    Referrer::Tenant(format!("template {name}"))
}

pub(crate) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let templates = files::templates(scope.definitions);
    let mut references = Vec::new();
    for name in TEMPLATES {
        let reference = Reference::new(site(), "templates", ReferenceKind::Template, *name);
        references.push(
            reference
                .at(Place::start(&format!("site/{name}")))
                .missed(absent(&templates, name)),
        );
    }
    let is_text = |name: &str| RENDERED.iter().any(|ending| name.ends_with(ending));
    for (name, text) in templates.iter().filter(|(name, _)| is_text(name)) {
        references.push(compiles(name, text));
        references.extend(mentions(&templates, name, text));
        references.push(rendered(&templates, name));
    }
    let served = files::served(scope.definitions);
    references.extend(served.map(|(path, _)| seen(path)));
    let missed = references
        .iter()
        .filter(|reference| reference.miss.is_some());
    let known: Vec<_> = missed
        .filter_map(|reference| reference.place.clone())
        .collect();
    let rehearsed = rehearsed(scope, &templates).into_iter();
    // A template that is not there is missed where it is named, and is why a page fails there.
    references.extend(rehearsed.filter(|reference| {
        let place = reference.place.as_ref();
        !place.is_some_and(|place| known.iter().any(|known| same_line(known, place)))
    }));
    references
}

fn same_line(one: &Place, other: &Place) -> bool {
    (&one.file, one.line) == (&other.file, other.line)
}

/// What samples find in templates, with the settings as they stand.
fn rehearsed(scope: &RollScope<'_>, templates: &Templates) -> Vec<Reference> {
    let Ok(local) = Url::parse("http://localhost/") else {
        return Vec::new();
    };
    let info = SiteInfo::of(&scope.definitions.config.value, scope.settings, local);
    let found = mistakes(info, templates);
    let missed = found.into_iter().map(|mistake| {
        let Mistake {
            template: name,
            line,
            column,
            problem,
            mend,
        } = mistake;
        let file = format!("site/{name}");
        let place = Place {
            line,
            column,
            ..Place::start(&file)
        };
        let miss = Miss::new(
            problem,
            mend.unwrap_or_else(|| "correct the template".to_owned()),
        );
        let reference = Reference::new(template(&name), "page", ReferenceKind::Template, file);
        reference.at(place).missed(Some(miss))
    });
    missed.collect()
}

/// A template is a page, or another template names it.
fn rendered(templates: &Templates, name: &str) -> Reference {
    let file = format!("site/{name}");
    let named = || {
        let texts = templates.iter();
        let mut others = texts.filter(|(other, _)| *other != name);
        others.any(|(_, text)| tags(text).any(|(_, tag)| tag.contains(name)))
    };
    let miss = (!TEMPLATES.contains(&name) && !named()).then(|| {
        // A page that is there already is none that this one was to be.
        let lost = TEMPLATES
            .iter()
            .copied()
            .filter(|it| !templates.contains_key(*it));
        let mend = match nearest(name, lost) {
            Some(near) => format!("rename {file} to site/{near}, or remove it"),
            None => {
                format!("name it in another template, such as with `include`, or remove {file}")
            }
        };
        Miss::new("no page renders it, and nobody serves it", mend)
    });
    let reference = Reference::new(site(), "files", ReferenceKind::File, &file);
    reference.at(Place::start(&file)).missed(miss)
}

/// A file is served at its path, unless a page is, if it is of a kind that is served at all.
fn seen(path: &str) -> Reference {
    let file = format!("site/{path}");
    let first = path.split('/').next().unwrap_or_default();
    let ending = Path::new(path).extension().unwrap_or_default();
    let ending = ending.to_string_lossy().to_ascii_lowercase();
    let miss = if let Some(page) = PAGES.iter().find(|page| **page == first) {
        let problem = format!("nobody can see it: /{page} is a page of the site");
        let mend = format!("rename {file}, or move it into another folder");
        Some(Miss::new(problem, mend))
    } else if SERVED.contains(&ending.as_str()) {
        None
    } else {
        let problem = "everybody could read it, and it is no kind of file that a site serves";
        let mend = format!(
            "move {file} out of site/, or name it in .callboardignore; what is served ends in {}",
            SERVED.map(|ending| format!(".{ending}")).join(", ")
        );
        Some(Miss::new(problem, mend))
    };
    let reference = Reference::new(site(), "files", ReferenceKind::File, &file);
    reference.at(Place::start(&file)).missed(miss)
}

/// The miss of a template that is not there.
fn absent(templates: &Templates, name: &str) -> Option<Miss> {
    if templates.contains_key(name) {
        return None;
    }
    let problem = format!("there is no template site/{name}");
    // What the host renders is named nowhere, so there is nothing to write another name into.
    let others = templates.keys().filter(|_| !TEMPLATES.contains(&name));
    Some(match nearest(name, others.map(String::as_str)) {
        Some(near) => Miss::new(problem, format!("write `{near}`, or add site/{name}")),
        None => Miss::new(
            problem,
            format!("add site/{name}; `callboard init` in another folder writes the bundled one"),
        ),
    })
}

fn compiles(name: &str, text: &str) -> Reference {
    let file = format!("site/{name}");
    let compiled = template::bounded(text).and_then(|text| {
        template::on_deep_stack(|| {
            template::environment()
                .template_from_named_str(name, &text)
                .map(drop)
        })
    });
    let error = compiled.err();
    let mut place = Place::start(&file);
    place.line = error.as_ref().and_then(minijinja::Error::line).unwrap_or(1);
    let miss = error.map(|error| {
        Miss::new(
            format!(
                "the template does not compile: {}",
                template::reason(&error)
            ),
            "correct the template",
        )
    });
    Reference::new(template(name), "template", ReferenceKind::Template, file)
        .at(place)
        .missed(miss)
}

/// Templates that a template names by a text: `{% extends "base.html" %}`.
fn mentions(templates: &Templates, name: &str, text: &str) -> Vec<Reference> {
    let mut references = Vec::new();
    let code = code(text);
    for (start, tag) in tags(&code) {
        let Some((word, target)) = mention(tag) else {
            continue;
        };
        let place = Place::of(&format!("site/{name}"), text, start);
        let reference = Reference::new(template(name), word, ReferenceKind::Template, target);
        references.push(reference.at(place).missed(absent(templates, target)));
    }
    references
}

/// The text with comments, and what is given out as it stands, left blank.
fn code(text: &str) -> String {
    let mut code = text.to_owned();
    let blank = |from: usize, to: usize, code: &mut String| {
        let spaces = " ".repeat(to - from);
        code.replace_range(from..to, &spaces);
    };
    let mut at = 0;
    while let Some(open) = code[at..].find('{').map(|open| at + open) {
        at = open + 1;
        let rest = &code[open..];
        if rest.starts_with("{#") {
            let end = rest.find("#}").map_or(code.len(), |end| open + end + 2);
            blank(open, end, &mut code);
            at = end;
        } else if let Some(tag) = rest
            .strip_prefix("{%")
            .and_then(|rest| rest.split_once("%}"))
            && tag.0.trim_matches(['-', '+', ' ']) == "raw"
        {
            let from = open + 2 + tag.0.len() + 2;
            let end = code[from..]
                .find("endraw")
                .map_or(code.len(), |end| from + end);
            let end = code[..end]
                .rfind("{%")
                .filter(|end| *end >= from)
                .unwrap_or(end);
            blank(from, end, &mut code);
            at = end;
        }
    }
    code
}

/// What is between `{%` and `%}`, each with where it begins.
fn tags(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("{%").map(|(start, _)| {
        let rest = &text[start + 2..];
        (start, rest.split("%}").next().unwrap_or(rest))
    })
}

fn mention(tag: &str) -> Option<(&str, &str)> {
    let tag = tag.trim_start_matches(['-', '+']).trim();
    let (word, rest) = tag.split_once(char::is_whitespace)?;
    if !["extends", "include", "import", "from"].contains(&word) || rest.contains("ignore missing")
    {
        return None;
    }
    let rest = rest.trim_start();
    let quote = rest
        .chars()
        .next()
        .filter(|quote| ['"', '\''].contains(quote))?;
    let target = rest[1..].split(quote).next()?;
    Some((word, target))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
