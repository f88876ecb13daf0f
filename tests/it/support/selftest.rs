//! Shows that what tests stand on holds.

use super::guests::{fixture, guest};
use super::host::{Host, Ran};
use super::repository::repository;

#[test]
fn a_repository_has_the_same_commits_on_every_machine() {
    let one = || {
        let repository = repository();
        let first = repository
            .at("2026-01-02T10:00:00Z")
            .file("a/b.txt", "text\n");
        first
            .author("Grace", "grace@example.org")
            .body("Why.")
            .commit("feat: begin (#1)");
        let second = repository
            .at("2026-01-03T10:00:00Z")
            .without("a/b.txt")
            .commit("fix: end");
        (
            second,
            repository.git(&["log", "--format=%an|%ct|%s|%b"], ""),
        )
    };
    let (id, log) = one();
    assert_eq!(
        log,
        "Ada|1767434400|fix: end|\nGrace|1767348000|feat: begin (#1)|Why."
    );
    assert_eq!((id, log), one());
}

#[test]
fn the_program_runs_in_a_workspace_of_its_own() {
    let host = Host::new().with("CALLBOARD_DATABASE", "sqlite:other.db");
    host.write("pipelines/a.toml", "text");
    assert_eq!(host.read("pipelines/a.toml"), "text");
    host.ok(&["--version"]);
    let command = host.command(&[]);
    let folder = command.get_current_dir().map(std::path::Path::to_owned);
    assert_eq!(folder, Some(host.workspace()));
    let set = command
        .get_envs()
        .find(|(name, _)| *name == "CALLBOARD_DATABASE");
    assert!(set.is_some());
    assert!(
        command
            .get_envs()
            .all(|(name, _)| name != "CARGO_MANIFEST_DIR")
    );
}

#[test]
fn a_snapshot_shows_no_path_no_id_and_no_time() {
    let host = Host::new();
    let ran = Ran {
        code: 1,
        stdout: format!(
            "run 01912d68-783e-7a03-8467-5661c1243ad4 in {} at 2026-01-02T10:00:00.5Z took 12.5 ms\n",
            host.workspace().display()
        ),
        stderr: "listens on 127.0.0.1:4711, version 0.1.0, postgres://a@b/c\n".to_owned(),
    };
    let _filters = host.filters();
    insta::assert_snapshot!(ran, @"
    exit code: 1
    ----- stdout -----
    run [id] in [folder]/workspace at [time] took [duration]
    ----- stderr -----
    listens on 127.0.0.1:[port], version [version], [database]
    ");
}

#[test]
fn a_guest_is_a_component() {
    let bytes = std::fs::read(guest("misbehave")).expect("it was built");
    assert_eq!(
        &bytes[..8],
        b"\0asm\x0d\0\x01\0",
        "a module is no component"
    );
    assert!(fixture("misbehave").is_dir());
}
