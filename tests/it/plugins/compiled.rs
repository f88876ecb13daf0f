//! What is compiled, when, and what is kept of it, through the real program.

use std::fs;
use std::path::Path;

use callboard_core::store::Dialect;

use crate::support::factory::Factory;

/// A factory whose compiled plugins are kept apart.
fn factory() -> (tempfile::TempDir, Factory) {
    let cache = tempfile::tempdir().expect("a folder");
    let factory = Factory::written(Dialect::Sqlite);
    let factory = factory.with("CALLBOARD_CACHE", cache.path());
    factory.ok(&["apply"]);
    (cache, factory)
}

/// The files of one kind in the cache.
fn kept(cache: &Path, kind: &str) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(cache).expect("the cache");
    let paths = files.map(|file| file.expect("a file").path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == kind))
        .collect()
}

const PRUNE: [&str; 3] = ["policies", "run", "embeddings_orphan_prune_commits"];

#[test]
fn a_command_that_calls_no_guest_compiles_none() {
    let (cache, factory) = factory();
    let cache = cache.path();
    assert_eq!(
        (kept(cache, "code").len(), kept(cache, "contracts").len()),
        (3, 3)
    );
    for file in kept(cache, "code") {
        fs::remove_file(file).expect("removed");
    }
    // What a plugin said of itself is known for its digest.
    factory.ok(&["check"]);
    for file in kept(cache, "contracts") {
        fs::remove_file(file).expect("removed");
    }
    // And of a revision it is in the revision.
    for command in [
        &["handlers", "list"][..],
        &["settings", "list"],
        &["plugins", "list"],
        &["plugins", "show", "embeddings_collapse"],
        &["pipelines", "list"],
        &["runs", "list"],
    ] {
        factory.ok(command);
        assert!(kept(cache, "code").is_empty(), "{command:?} compiles");
    }
    factory.ok(&PRUNE);
    assert_eq!(kept(cache, "code").len(), 1, "the one that was called");
}

#[test]
fn compiled_code_with_a_broken_seal_is_compiled_anew() {
    let (cache, factory) = factory();
    let files = kept(cache.path(), "code");
    for file in &files {
        let mut code = fs::read(file).expect("code");
        let middle = code.len() / 2;
        code[middle] ^= 1;
        fs::write(file, code).expect("written");
    }
    let broken: Vec<_> = files
        .iter()
        .map(|file| fs::read(file).expect("code"))
        .collect();
    let ran = factory.run(&PRUNE);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("its seal is broken"), "{ran}");
    let changed = files.iter().zip(&broken);
    let changed = changed.filter(|(file, broken)| fs::read(file).expect("code") != **broken);
    assert_eq!(changed.count(), 1, "the one that was called");
    let again = factory.run(&PRUNE);
    assert!(!again.stderr.contains("seal"), "{again}");
}
