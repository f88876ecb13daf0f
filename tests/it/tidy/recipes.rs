//! `justfile` builds one dependency graph a profile: a package by itself, or with other features, has
//! other features of what it depends on, and half the tree is compiled a second time for them.

use std::fs;

use super::source::repository;

/// What compiles, if it follows `cargo`.
const COMPILES: [&str; 6] = ["build", "check", "clippy", "nextest", "test", "bench"];
/// Who may be compiled alone: no dependencies, a workspace of its own, and the one whose own tests
/// ask for all that the others have.
const ALONE: [&str; 3] = ["callboard-xtask", "callboard-plugin", "callboard"];

/// What is wrong with a line of a recipe.
fn compiles_another_graph(line: &str) -> Option<String> {
    let (_, command) = line.split_once("cargo ")?;
    let words: Vec<&str> = command.split_whitespace().collect();
    if !COMPILES.contains(words.first()?) {
        return None;
    }
    let after = |option: &str| {
        words
            .iter()
            .position(|word| *word == option)
            .map(|at| at + 1)
    };
    let alone = after("--package").and_then(|at| words.get(at));
    let whole = after("--workspace").is_some() || alone.is_some_and(|it| ALONE.contains(it));
    let plain = !words
        .iter()
        .any(|word| word.starts_with("--features") || *word == "-F");
    (!whole || !plain).then(|| format!("`{}` compiles another graph", line.trim()))
}

#[test]
fn every_recipe_compiles_the_one_graph_of_its_profile() {
    let recipes = fs::read_to_string(repository().join("justfile")).expect("the recipes");
    let recipes = recipes.replace("\\\n", "");
    let lines: Vec<_> = recipes
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(lines.iter().any(|line| line.contains("cargo nextest run")));
    let found: Vec<_> = lines
        .iter()
        .filter_map(|line| compiles_another_graph(line))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn another_graph_is_found() {
    let found = |line| compiles_another_graph(line).is_some();
    assert!(found("    cargo build --release --package callboard-core"));
    assert!(found(
        "    cargo nextest run --workspace --features restate"
    ));
    assert!(!found(
        "    cd plugins && cargo clippy --release --workspace"
    ));
    assert!(!found("    cargo fmt --all"));
}
