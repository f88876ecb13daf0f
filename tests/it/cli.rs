//! The command line: what each command prints, refuses and returns. What is printed stands in
//! `tests/it/snapshots`; `INSTA_UPDATE=always` writes it anew, and the diff is to be read.

mod backup;
mod bringing;
mod daemon;
mod database;
mod demo;
mod diary;
mod files;
mod help;
mod input;
mod json;
mod listing;
mod locks;
mod logs;
mod naming;
mod posts;
mod publishing;
mod revisions;
mod roll;
mod settings;
mod sound;
mod tables;
mod tasks;
mod unheard;
mod unreadable;

use std::path::Path;

use crate::support::host::{Host, Ran};

fn snapshots() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/it/snapshots")
}

/// Run the program and hold what it prints against `NAME.snap`.
#[track_caller]
fn shows(host: &Host, name: &str, arguments: &[&str]) -> Ran {
    let ran = host.run(arguments);
    let _filters = host.filters();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(format!("callboard {}", arguments.join(" ")));
    for (pattern, shown) in [
        // Ids as lists show them, digests of components, sizes of files, lengths of columns.
        (r"(?m)^ [0-9a-f]{6,9} ", " [id] "),
        (r"\b[0-9a-f]{12}\b", "[digest]"),
        (
            r"(?m)(\.(?:toml|html|css|md|json|wasm)) +\d+$",
            "$1  [bytes]",
        ),
        (r" {2,}", "  "),
    ] {
        settings.add_filter(pattern, shown);
    }
    settings.bind(|| insta::assert_snapshot!(name, ran));
    ran
}

/// The program refuses with this code, says what is wrong and how to go on, and does not panic.
#[track_caller]
pub(crate) fn refuses(host: &Host, arguments: &[&str], code: i32, parts: &[&str]) -> Ran {
    let ran = host.run(arguments);
    assert_eq!(ran.code, code, "{arguments:?}\n{ran}");
    assert!(
        ran.stderr.starts_with("error: ") || ran.stderr.contains("\nerror: "),
        "{ran}"
    );
    assert!(!ran.stderr.contains("panicked"), "{ran}");
    for part in parts {
        assert!(
            ran.stderr.contains(part),
            "{arguments:?}: `{part}` is not in\n{ran}"
        );
    }
    ran
}
