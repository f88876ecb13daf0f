//! Names of types: each stands once, so that who reads one knows what is meant wherever it is read.
//!
//! Two rooms name their types after what they are made for. What a handler takes and gives is called
//! as the contract calls it, in each of them alike. A command's arguments are called like the command,
//! so the command line has names of its own, apart from all others.

use std::collections::BTreeMap;

use super::code::without_tests;
use super::source::{Source, sources};

/// What each handler has, and each capability.
const BY_CONTRACT: [&str; 4] = ["Config", "Reads", "Writes", "Data"];

/// The room of the command line.
const COMMANDS: &str = "host/program/src/cli/";

/// What is no part of the program.
const TOOLS: &str = "host/xtask/";

/// The types of a text that are declared outside of functions.
fn declared(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut found = Vec::new();
    let mut open = file.items;
    while let Some(item) = open.pop() {
        match item {
            syn::Item::Struct(it) => found.push(it.ident.to_string()),
            syn::Item::Enum(it) => found.push(it.ident.to_string()),
            syn::Item::Trait(it) => found.push(it.ident.to_string()),
            syn::Item::Type(it) => found.push(it.ident.to_string()),
            syn::Item::Union(it) => found.push(it.ident.to_string()),
            syn::Item::Mod(it) => open.extend(it.content.into_iter().flat_map(|(_, items)| items)),
            _ => {}
        }
    }
    found
}

/// The names that stand in several places, each with its files.
fn repeated(files: impl Iterator<Item = Source>) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        for name in declared(&without_tests(&file.text)) {
            places.entry(name).or_default().push(file.path.clone());
        }
    }
    let several = places
        .into_iter()
        .filter(|(name, files)| files.len() > 1 && !BY_CONTRACT.contains(&name.as_str()));
    several
        .map(|(name, files)| format!("`{name}`: {}", files.join(", ")))
        .collect()
}

fn is_for_tests(source: &Source) -> bool {
    let path = &source.path;
    ["/tests/", "/tests.rs", "_tests.rs", "/benches/"]
        .iter()
        .any(|part| path.contains(part))
}

#[test]
fn a_name_of_a_type_stands_once() {
    let rooms: [fn(&Source) -> bool; 2] = [
        |it| !it.path.starts_with(COMMANDS) && !it.path.starts_with(TOOLS),
        |it| it.path.starts_with(COMMANDS),
    ];
    for room in rooms {
        let files = sources().into_iter().filter(|it| it.is("rs"));
        let files = files.filter(|it| it.inside().is_some() && !is_for_tests(it) && room(it));
        let found = repeated(files);
        assert!(
            found.is_empty(),
            "{} to put right:\n{}",
            found.len(),
            found.join("\n")
        );
    }
}

#[test]
fn a_name_that_stands_twice_is_found() {
    let file = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let files = [
        file(
            "host/core/src/one.rs",
            "mod inner { struct Place; }\nstruct Reads;\n",
        ),
        file(
            "host/core/src/two.rs",
            "enum Place {}\nstruct Reads;\n#[cfg(test)]\nmod tests {\n    struct Other;\n}\n",
        ),
        file(
            "host/core/src/three.rs",
            "fn f() {\n    struct Place;\n}\nstruct Other;\n",
        ),
    ];
    let found = repeated(files.into_iter());
    assert_eq!(
        found,
        ["`Place`: host/core/src/one.rs, host/core/src/two.rs"]
    );
}
