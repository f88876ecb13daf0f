//! Templates of the site compile, those that the host renders are there, those that extend or
//! include others name templates that are there, and each page can be rendered.

use std::collections::BTreeSet;

use url::Url;

use super::{Kind, Miss, Reference, Referrer, Roster};
use crate::registry::nearest;
use crate::site::{self, SiteError, SiteInfo};
use crate::template;
use crate::workspace::Place;

/// Endings of texts that are rendered; everything else is served as it is.
const RENDERED: [&str; 1] = [".html"];

pub(super) fn list(roster: &Roster<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for name in roster.templates {
        let reference = Reference::new(Referrer::Site, "templates", Kind::Template, *name);
        references.push(
            reference
                .at(Place::start(&format!("site/{name}")))
                .missed(absent(roster, name)),
        );
    }
    let templates = roster.definitions.templates.iter();
    for (name, text) in
        templates.filter(|(name, _)| RENDERED.iter().any(|ending| name.ends_with(ending)))
    {
        references.push(compiles(name, text));
        references.extend(mentions(roster, name, text));
    }
    let assets = roster.definitions.assets.keys();
    references.extend(assets.map(|path| seen(roster, path)));
    let missed = references
        .iter()
        .filter(|reference| reference.miss.is_some());
    let known: Vec<_> = missed
        .filter_map(|reference| reference.place.clone())
        .collect();
    let rehearsed = rehearsed(roster).into_iter();
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

/// Pages that fail on samples, with the settings as they stand.
fn rehearsed(roster: &Roster<'_>) -> Vec<Reference> {
    let Ok(local) = Url::parse("http://localhost/") else {
        return Vec::new();
    };
    let info = SiteInfo::of(&roster.definitions.config.value, roster.settings, local);
    let mistakes = site::mistakes(info.clone(), &roster.definitions.templates);
    if mistakes.is_empty() {
        return Vec::new();
    }
    let names = site::names(info);
    let mistakes = mistakes.into_iter().filter_map(|mistake| {
        let SiteError::Template {
            name,
            line,
            cause,
            undefined,
        } = mistake
        else {
            return None;
        };
        let file = format!("site/{name}");
        let mut place = Place::start(&file);
        place.line = line.max(1);
        let mend = undefined.and_then(|undefined| instead(&undefined, &names));
        let mend = mend.unwrap_or_else(|| "correct the template".to_owned());
        let miss = Miss::new(format!("the page cannot be rendered: {cause}"), mend);
        let reference = Reference::new(
            Referrer::Template(name.clone()),
            "page",
            Kind::Template,
            file,
        );
        Some(reference.at(place).missed(Some(miss)))
    });
    mistakes.collect()
}

/// What was meant by `post.titel`, if there is something like it.
fn instead(undefined: &str, names: &BTreeSet<String>) -> Option<String> {
    let (owner, name) = match undefined.rsplit_once('.') {
        Some((owner, name)) => (format!("{owner}."), name),
        None => (String::new(), undefined),
    };
    let near = nearest(name, names.iter().map(String::as_str))?;
    Some(format!("write `{owner}{near}`"))
}

/// A file is served at its path, unless a page is.
fn seen(roster: &Roster<'_>, path: &str) -> Reference {
    let file = format!("site/{path}");
    let first = path.split('/').next().unwrap_or_default();
    let page = roster.pages.iter().find(|page| **page == first);
    let miss = page.map(|page| {
        let problem = format!("nobody can see it: /{page} is a page of the site");
        Miss::new(
            problem,
            format!("rename {file}, or move it into another folder"),
        )
    });
    let reference = Reference::new(Referrer::Site, "files", Kind::File, &file);
    reference.at(Place::start(&file)).missed(miss)
}

/// The miss of a template that is not there.
fn absent(roster: &Roster<'_>, name: &str) -> Option<Miss> {
    let templates = &roster.definitions.templates;
    if templates.contains_key(name) {
        return None;
    }
    let problem = format!("there is no template site/{name}");
    Some(match nearest(name, templates.keys().map(String::as_str)) {
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
        template::apart(|| {
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
    Reference::new(
        Referrer::Template(name.to_owned()),
        "template",
        Kind::Template,
        file,
    )
    .at(place)
    .missed(miss)
}

/// Templates that a template names by a text: `{% extends "base.html" %}`.
fn mentions(roster: &Roster<'_>, name: &str, text: &str) -> Vec<Reference> {
    let mut references = Vec::new();
    for (start, _) in text.match_indices("{%") {
        let end = text[start..]
            .find("%}")
            .map_or(text.len(), |end| start + end);
        let Some((word, target)) = mention(&text[start + 2..end]) else {
            continue;
        };
        let place = Place::of(&format!("site/{name}"), text, start);
        let reference = Reference::new(
            Referrer::Template(name.to_owned()),
            word,
            Kind::Template,
            target,
        );
        references.push(reference.at(place).missed(absent(roster, target)));
    }
    references
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
