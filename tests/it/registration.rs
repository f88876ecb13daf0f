//! Nothing is forgotten: the files under `handlers/` and the names that the linked program
//! registers are the same set. Why a file without `register!` does not compile, and why two
//! can't have one name, is shown by the documentation tests of `callboard_core::handler`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use callboard_core::handler::{Registration, SURFACES};
use callboard_core::registry::{HandlerOrigin, Registry};

/// Packages with handlers.
const PACKAGES: [&str; 2] = ["core", "factory"];
/// A folder beside the surfaces, with what the handlers' own tests share.
const OF_TESTS: &str = "bench";

/// `<surface>.<name>` and the path of every file below `handlers/<surface>/`.
fn files() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for package in PACKAGES {
        let handlers = handlers(package);
        for surface in names(&handlers).into_iter().filter(|name| name != OF_TESTS) {
            for file in names(&handlers.join(&surface)) {
                if let Some(name) = file.strip_suffix(".rs") {
                    let path = format!("{package}/src/handlers/{surface}/{file}");
                    found.insert((format!("{surface}.{name}"), path));
                }
            }
        }
    }
    found
}

fn handlers(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../{package}/src/handlers"))
}

/// The names in a folder; none if it is no folder.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
    entries
        .map(|entry| name(entry.expect("it is readable")))
        .collect()
}

/// The same of what is linked, as `inventory` has it: without order, and with what is there
/// twice.
fn linked() -> Vec<(String, String)> {
    let registrations = inventory::iter::<Registration>();
    let path = |file: &str| {
        let file = file.replace('\\', "/");
        file.strip_prefix("host/")
            .map_or_else(|| file.clone(), str::to_owned)
    };
    registrations.map(|it| (it.name(), path(it.file))).collect()
}

#[test]
fn every_file_of_a_handler_is_registered_under_its_own_name() {
    let linked: BTreeSet<_> = linked().into_iter().collect();
    let files = files();
    let missing: Vec<_> = files.difference(&linked).collect();
    let surplus: Vec<_> = linked.difference(&files).collect();
    assert!(
        missing.is_empty(),
        "files without a handler in them: {missing:?}"
    );
    assert!(
        surplus.is_empty(),
        "handlers that stand elsewhere: {surplus:?}"
    );
}

#[test]
fn no_name_is_registered_twice() {
    let linked = linked();
    let names: BTreeSet<_> = linked.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), linked.len(), "{linked:?}");
}

#[test]
fn every_folder_of_handlers_is_a_surface() {
    for name in PACKAGES
        .into_iter()
        .flat_map(|package| names(&handlers(package)))
    {
        let surface = name.strip_suffix(".rs").unwrap_or(&name);
        let known = surface == OF_TESTS || SURFACES.contains(&surface);
        assert!(known, "handlers/{name} is no surface");
    }
}

#[test]
fn the_registry_has_what_is_linked_and_refuses_to_be_empty() {
    let linked: BTreeSet<_> = linked().into_iter().map(|(name, _)| name).collect();
    match Registry::native() {
        Err(error) => assert!(linked.is_empty(), "{error}"),
        Ok(registry) => {
            let native = registry
                .iter()
                .filter(|it| matches!(it.origin, HandlerOrigin::Native { .. }));
            let names: BTreeSet<_> = native.map(|it| it.contract.name.clone()).collect();
            assert_eq!(names, linked);
            assert!(!names.is_empty());
        }
    }
}
