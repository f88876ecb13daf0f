//! `ARCHITECTURE.md` is a map of what is there: each path and each module that it names exists, and
//! no module of a package is left out.

use std::collections::BTreeSet;

use super::source::{Source, repository, sources};

const PACKAGES: [&str; 5] = ["core", "factory", "program", "restate", "xtask"];

fn map() -> Source {
    let mut sources = sources().into_iter();
    let found = sources.find(|source| source.path == "ARCHITECTURE.md");
    found.expect("the map is there")
}

/// What stands between backticks, a word each.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a path leads somewhere, from the top or from the sources of a package.
fn is_there(path: &str) -> bool {
    let top = repository();
    let from = |folder: String| top.join(folder).join(path).exists();
    let folders = PACKAGES.map(|package| format!("host/{package}/src"));
    from(String::new()) || folders.into_iter().any(from)
}

fn is_path(text: &str) -> bool {
    let plain = |mark: char| mark.is_ascii_alphanumeric() || "_-./".contains(mark);
    text.chars().all(plain) && (text.contains('/') || text.ends_with(".rs"))
}

#[test]
fn every_path_of_the_map_leads_somewhere() {
    let map = map();
    // `engine/hands.rs` may be named by the part of it that is told of.
    let within = |path: &str| {
        sources()
            .iter()
            .any(|it| it.path.ends_with(&format!("/{path}")))
    };
    let paths: Vec<_> = quoted(&map.text).filter(|text| is_path(text)).collect();
    assert!(paths.len() > 20, "{paths:?}");
    let lost: Vec<_> = paths
        .into_iter()
        .filter(|path| !is_there(path) && !within(path))
        .collect();
    assert!(lost.is_empty(), "the map names what is not there: {lost:?}");
}

/// The modules that the table of layers names, in its third column.
fn mapped(map: &Source) -> BTreeSet<String> {
    let rows = map.text.lines().filter(|line| line.starts_with("| "));
    let columns = rows.filter_map(|row| row.split('|').nth(3));
    columns
        .flat_map(quoted)
        .map(|name| name.trim_end_matches("/*").to_owned())
        .collect()
}

/// The modules at the root of the packages.
fn modules() -> BTreeSet<String> {
    let files = sources().into_iter().filter(|source| source.is("rs"));
    let own = files.filter_map(|source| source.layer().map(str::to_owned));
    own.collect()
}

#[test]
fn every_module_is_on_the_map() {
    let (mapped, modules) = (mapped(&map()), modules());
    let left_out: Vec<_> = modules.difference(&mapped).collect();
    let gone: Vec<_> = mapped.difference(&modules).collect();
    assert!(left_out.is_empty(), "not on the map: {left_out:?}");
    assert!(gone.is_empty(), "on the map, and not there: {gone:?}");
}
