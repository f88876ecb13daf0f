//! `ARCHITECTURE.md` is a map of what is there: each path, module and name in it exists, and no
//! module of a package is left out.

use std::collections::BTreeSet;

use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options};

use super::code::tokens;
use super::source::{Source, repository, sources};

const PACKAGES: [&str; 5] = ["core", "factory", "program", "restate", "xtask"];

/// Names in the map that are none of this repository's: of the language and of other programs.
const OTHERS: &[&str] = &["automod", "static"];

/// What the map writes as code.
#[derive(Default)]
struct Map {
    /// In lines of text.
    words: Vec<String>,
    /// In the third column of its table: the modules.
    modules: BTreeSet<String>,
    /// In blocks.
    blocks: String,
}

fn map() -> Map {
    let mut sources = sources().into_iter();
    let text = sources.find(|source| source.path == "ARCHITECTURE.md");
    let mut options = Options::default();
    options.extension.table = true;
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, &text.expect("the map is there").text, &options);
    let mut map = Map::default();
    for node in root.descendants() {
        match &node.data.borrow().value {
            NodeValue::Code(code) => map.words.push(code.literal.clone()),
            NodeValue::CodeBlock(block) => map.blocks.push_str(&block.literal),
            NodeValue::TableRow(_) => map
                .modules
                .extend(node.children().nth(2).into_iter().flat_map(words)),
            _ => {}
        }
    }
    map
}

/// The words of a cell that are code, of folders without their stars.
fn words(cell: Node<'_>) -> Vec<String> {
    let written = cell
        .descendants()
        .filter_map(|node| match &node.data.borrow().value {
            NodeValue::Code(code) => Some(code.literal.trim_end_matches("/*").to_owned()),
            _ => None,
        });
    written.collect()
}

/// Whether a path leads somewhere, from the top or from the sources of a package.
fn is_there(path: &str) -> bool {
    let top = repository();
    let folders = PACKAGES.map(|package| format!("host/{package}/src"));
    let mut folders = folders.iter().map(String::as_str).chain([""]);
    // A star stands for whatever is in the folder.
    let path = path.split('*').next().unwrap_or_default();
    folders.any(|folder| top.join(folder).join(path).exists())
}

fn is_path(text: &str) -> bool {
    let plain = |mark: char| mark.is_ascii_alphanumeric() || "_-./*".contains(mark);
    text.chars().all(plain) && (text.contains('/') || text.ends_with(".rs"))
}

#[test]
fn every_path_of_the_map_leads_somewhere() {
    let all = sources();
    // `engine/worker.rs` may be named by the part of it that is told of.
    let within = |path: &str| all.iter().any(|it| it.path.ends_with(&format!("/{path}")));
    let map = map();
    let paths: Vec<_> = map.words.iter().filter(|text| is_path(text)).collect();
    assert!(paths.len() > 20, "{paths:?}");
    let lost: Vec<_> = paths
        .into_iter()
        .filter(|path| !is_there(path) && !within(path))
        .collect();
    assert!(lost.is_empty(), "the map names what is not there: {lost:?}");
}

#[test]
fn every_folder_of_the_map_is_there() {
    let blocks = map().blocks;
    assert!(blocks.lines().count() > 5, "{blocks}");
    for line in blocks.lines() {
        let (top, told) = line.split_once(' ').unwrap_or((line, ""));
        assert!(is_there(top), "{line}");
        let inner = told.split_whitespace().filter(|word| word.contains('/'));
        for path in inner.map(|word| word.trim_matches([',', ';', ':', '.', '/'])) {
            assert!(
                is_there(&format!("{top}{path}")) || is_there(path),
                "{line}: {path}"
            );
        }
    }
}

/// A name as code: `Store`, `store::granted`, `register!`, `Pack::of()`; nothing of a shell.
fn is_name(text: &str) -> bool {
    let plain = |mark: char| mark.is_ascii_alphanumeric() || "_:!()".contains(mark);
    text.chars().all(plain)
}

/// Words that are names here: of what is declared, of files and folders, in the schema, in
/// manifests and recipes. And all words of code, which a name goes on with after `::`.
fn names() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut declared, mut words) = (BTreeSet::new(), BTreeSet::new());
    declared.extend(PACKAGES.map(|package| format!("callboard_{package}")));
    let before = "fn mod struct enum trait type const static macro_rules !";
    for source in sources() {
        declared.extend(source.path.split(['/', '.']).map(str::to_owned));
        if source.path.starts_with("host/") && source.is("rs") {
            let tokens = tokens(&source.text);
            let pairs = tokens.windows(2);
            let named = pairs.filter(|pair| before.split(' ').any(|it| it == pair[0].text));
            declared.extend(named.map(|pair| pair[1].text.clone()));
            words.extend(tokens.into_iter().map(|it| it.text));
        } else if source.is("sql") || source.is("toml") || source.path.ends_with("just") {
            let written = source
                .text
                .split(|it: char| !it.is_alphanumeric() && it != '_');
            declared.extend(written.map(str::to_owned));
        }
    }
    (declared, words)
}

#[test]
fn every_name_of_the_map_is_one_here() {
    let (declared, words) = names();
    let is_known = |name: &str| {
        let mut parts = name
            .trim_end_matches("()")
            .trim_end_matches('!')
            .split("::");
        let first = parts
            .next()
            .is_some_and(|it| declared.contains(it) || OTHERS.contains(&it));
        first && parts.all(|it| words.contains(it))
    };
    let map = map();
    let named: Vec<_> = map.words.iter().filter(|it| is_name(it)).collect();
    assert!(named.len() > 50, "{named:?}");
    let lost: Vec<_> = named.into_iter().filter(|it| !is_known(it)).collect();
    assert!(lost.is_empty(), "the map names what is nowhere: {lost:?}");
}

/// The modules at the root of the packages.
fn modules() -> BTreeSet<String> {
    let files = sources().into_iter().filter(|source| source.is("rs"));
    let own = files.filter_map(|source: Source| source.layer().map(str::to_owned));
    own.collect()
}

#[test]
fn every_module_is_on_the_map() {
    let (mapped, modules) = (map().modules, modules());
    let left_out: Vec<_> = modules.difference(&mapped).collect();
    let gone: Vec<_> = mapped.difference(&modules).collect();
    assert!(left_out.is_empty(), "not on the map: {left_out:?}");
    assert!(gone.is_empty(), "on the map, and not there: {gone:?}");
}
