//! `docs/reference` says what the program says.

use std::fs;
use std::path::Path;

use crate::support::host::Host;

#[test]
fn the_reference_is_as_the_program_writes_it() {
    let host = Host::new();
    host.ok(&["reference", "--out", "."]);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    for name in ["commands.md", "handlers.md", "documents.md"] {
        let kept = fs::read_to_string(docs.join(name)).expect("a page of the reference");
        assert_eq!(host.read(name), kept, "{name} is old; run `just docs`");
    }
}

#[test]
fn every_key_of_a_document_has_a_meaning() {
    let host = Host::new();
    host.ok(&["reference", "--out", "."]);
    let page = host.read("documents.md");
    let silent: Vec<_> = page.lines().filter(|line| line.ends_with("|  |")).collect();
    assert!(page.contains("| `took_ms` |"), "{page}");
    assert!(silent.is_empty(), "write a doc comment: {silent:#?}");
}

#[test]
fn every_view_that_the_page_links_is_on_it_once() {
    let host = Host::new();
    host.ok(&["reference", "--out", "."]);
    let page = host.read("documents.md");
    let links = page.split("](#").skip(1);
    for link in links.filter_map(|rest| rest.split(')').next()) {
        let titles = page.lines().filter_map(|line| line.strip_prefix("### "));
        let count = titles.filter(|title| title.to_lowercase() == link).count();
        assert_eq!(count, 1, "#{link}");
    }
    assert!(!page.contains("2](#"), "two views have one name");
}
