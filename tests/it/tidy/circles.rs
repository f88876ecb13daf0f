//! Circles of files within a module: of two that import one another, none can be read first.
//!
//! Siblings are the files of one folder, each with the folder of its own name. What one of them
//! names of another is an arrow, also if it names it through their parent, which imports it. What a
//! file names of its parent is none, nor what a parent names of its children: the parent says what
//! they share and how they are put together. Between the modules at the top of a package the table
//! of layers holds.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{paths, tokens, without_tests};
use super::source::Source;

/// A module: the names that lead to it from the root of its package.
type Module = Vec<String>;

/// The siblings that each sibling names, with where it does, by their parent.
type Arrows = BTreeMap<Module, BTreeMap<String, BTreeMap<String, String>>>;

/// The circles in the files of one package, each with the lines that close it.
pub(super) fn circles(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for (parent, arrows) in arrows(files) {
        let mut done = BTreeSet::new();
        for start in arrows.keys() {
            if done.contains(start) {
                continue;
            }
            if let Some(circle) = way_back(&arrows, start) {
                let steps = circle.iter().zip(circle.iter().cycle().skip(1));
                let lines: Vec<_> = steps
                    .map(|(one, other)| arrows[one][other].as_str())
                    .collect();
                let (parent, way) = (parent.join("/"), circle.join(" → "));
                found.push(format!(
                    "{parent}: {way} → {start}\n    {}",
                    lines.join("\n    ")
                ));
                done.extend(circle);
            }
        }
    }
    found
}

/// The shortest way from a sibling back to itself.
fn way_back(
    arrows: &BTreeMap<String, BTreeMap<String, String>>,
    start: &String,
) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let next = way.last().and_then(|last| arrows.get(last));
            for next in next.into_iter().flat_map(BTreeMap::keys) {
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push([way.clone(), vec![next.clone()]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

fn arrows(files: &[Source]) -> Arrows {
    let files: Vec<_> = files.iter().filter(|it| !is_of_tests(it)).collect();
    let modules: BTreeSet<Module> = files.iter().filter_map(|it| module(it)).collect();
    let imports: BTreeMap<Module, BTreeMap<String, Module>> = files
        .iter()
        .filter_map(|it| Some((module(it)?, imported(it, &modules))))
        .collect();
    let mut arrows = Arrows::new();
    for file in files {
        let Some(own) = module(file) else { continue };
        for (mut path, line) in named(file) {
            // What the parent imports from a child is that child's.
            let parents = (0..path.len()).rev();
            let through = parents.into_iter().find_map(|end| {
                let names = imports.get(&path[..end])?;
                names.get(path.get(end)?)
            });
            if let Some(module) = through {
                path.clone_from(module);
            }
            let shared = own
                .iter()
                .zip(&path)
                .take_while(|(one, other)| one == other)
                .count();
            let (Some(one), Some(other)) = (own.get(shared), path.get(shared)) else {
                continue;
            };
            let is_sibling = modules.contains(&path[..=shared]);
            if shared > 0 && is_sibling {
                let at = format!("{}:{line} names {}", file.path, path.join("::"));
                let siblings = arrows.entry(own[..shared].to_vec()).or_default();
                siblings
                    .entry(one.clone())
                    .or_default()
                    .entry(other.clone())
                    .or_insert(at);
            }
        }
    }
    arrows
}

/// What is there for tests only.
pub(super) fn is_of_tests(file: &Source) -> bool {
    file.path.ends_with("tests.rs") || file.path.contains("/tests/")
}

fn module(file: &Source) -> Option<Module> {
    Some(file.module()?.into_iter().map(str::to_owned).collect())
}

/// Every path of a file from the root of its package, with its line.
fn named(file: &Source) -> Vec<(Module, usize)> {
    let (tokens, own) = (
        tokens(&without_tests(&file.text)),
        file.module().unwrap_or_default(),
    );
    let paths = paths(&tokens).into_iter();
    let from_root = paths.filter_map(|path| path.told_from_root(&own));
    from_root
        .map(|(path, line)| (path.into_iter().map(str::to_owned).collect(), line))
        .collect()
}

/// What a file imports from its children, by name: the child.
fn imported(file: &Source, modules: &BTreeSet<Module>) -> BTreeMap<String, Module> {
    let own = module(file).unwrap_or_default();
    let tokens = tokens(&without_tests(&file.text));
    let mut found = BTreeMap::new();
    for path in paths(&tokens).iter().filter(|path| path.is_import) {
        let names: Vec<_> = path.names().skip_while(|name| *name == "self").collect();
        let (Some(child), Some(last)) = (names.first(), names.last()) else {
            continue;
        };
        let child = [own.clone(), vec![(*child).to_owned()]].concat();
        if names.len() > 1 && modules.contains(&child) {
            found.insert((*last).to_owned(), child);
        }
    }
    found
}
