//! What the program says of itself: help, version, completions, native handlers.

use super::{shows, snapshots};
use crate::support::host::Host;

#[test]
fn the_help_names_every_command_and_exit_code() {
    let ran = shows(&Host::new(), "help", &["--help"]);
    assert_eq!(ran.code, 0);
}

#[test]
fn every_command_has_a_help_of_its_own() {
    let host = Host::new();
    let help = host.ok(&["--help"]);
    let commands = help.split("Commands:").nth(1).expect("commands");
    let commands: Vec<&str> = commands
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 15, "{commands:?}");
    for command in commands {
        let help = host.ok(&[command, "--help"]);
        assert!(help.contains(&format!("callboard {command}")), "{help}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = Host::new().ok(&["--version"]);
    assert_eq!(
        version.trim(),
        format!("callboard {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_command_that_is_none_is_wrong_usage() {
    let ran = Host::new().run(&["aply"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(
        ran.stderr.contains("apply"),
        "the nearest one is named: {ran}"
    );
}

#[test]
fn the_native_handlers_are_listed_without_a_workspace() {
    let ran = shows(
        &Host::new(),
        "native_handlers",
        &["handlers", "list", "--native"],
    );
    assert_eq!(ran.code, 0);
}

/// The released program prints the same (`./just released`): the committed file is what both are
/// held against.
#[test]
fn the_native_handlers_are_those_of_the_committed_list() {
    let file = snapshots().join("native_handlers.json");
    let arguments = ["handlers", "list", "--native", "--format", "json"];
    let printed = Host::new().ok(&arguments);
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        printed,
        committed,
        "mend: callboard {} > tests/it/snapshots/native_handlers.json",
        arguments.join(" ")
    );
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Host::new().ok(&["completions", shell]);
        assert!(script.contains("revisions"), "{shell}");
    }
    let ran = Host::new().run(&["completions", "tcsh"]);
    assert_eq!(ran.code, 2, "{ran}");
}
