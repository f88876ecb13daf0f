//! `backup`: one file with all that is committed, whatever happened before and whatever goes on.

use std::fs;
use std::path::Path;

use callboard_core::store::Dialect::{Postgres, Sqlite};

use crate::support::daemon::Daemon;
use crate::support::factory::{DAY, Factory, board};

/// The tasks of a workspace like this one on a database of its own.
fn tasks(factory: &Factory, database: &Path) -> usize {
    let database = format!("sqlite:{}", database.display());
    let tasks = factory.json(&["--database", &database, "tasks", "list"]);
    tasks.as_array().expect("a list").len()
}

/// A process that was killed has left in the log what it wrote last; a copy of the file would lack
/// it.
#[test]
fn what_a_killed_daemon_has_left_in_its_log_is_in_a_backup() {
    let factory = Factory::bare(Sqlite);
    let file = factory.workspace().join("callboard.db");
    let server = Daemon::start(&factory, &["work"]);
    server.until("Ctrl-C stops");
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let [backup, later, copy] = ["backup", "later", "copy"].map(|it| elsewhere.path().join(it));
    let path = |backup: &Path| backup.to_str().expect("a name").to_owned();
    let said = factory.ok(&["backup", &path(&backup)]);
    assert!(said.contains("has all that is in the database"), "{said}");
    // Nothing was sealed, so there is no key.
    assert!(!said.contains("callboard.key"), "{said}");
    assert_eq!(tasks(&factory, &backup), 1);
    server.signal("KILL");
    server.ended();
    fs::copy(&file, &copy).expect("a copy");
    factory.write("callboard.key", "ab".repeat(32));
    let said = factory.json(&["backup", &path(&later)]);
    let key = said["key"].as_str().expect("a path");
    assert!(key.ends_with("callboard.key"), "{key}");
    let bytes = fs::metadata(&later).expect("it is there").len();
    assert_eq!(said["bytes"], bytes);
    assert_eq!(tasks(&factory, &later), 1);
    let known = factory.run(&[
        "--database",
        &format!("sqlite:{}", copy.display()),
        "tasks",
        "list",
    ]);
    assert!(
        !known.stdout.contains("gated"),
        "the copy lacks it: {known}"
    );
}

#[test]
fn a_backup_is_written_over_nothing_and_only_whole() {
    let factory = Factory::bare(Sqlite);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("backup");
    fs::write(&file, "somebody's").expect("a file");
    let path = file.to_str().expect("a name");
    let ran = factory.run(&["backup", path]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("name another file"), "{ran}");
    assert_eq!(
        fs::read_to_string(&file).expect("it is there"),
        "somebody's"
    );
    let program = env!("CARGO_BIN_EXE_callboard");
    let other = elsewhere.path().join("part");
    let bytes = fs::metadata(factory.workspace().join("callboard.db"));
    // Whatever a shell counts in: half of it at most.
    let blocks = bytes.expect("it is there").len() / 2048;
    let line = format!("ulimit -f {blocks}; exec \"$0\" backup \"$1\"");
    let arguments = ["-c", &line, program, other.to_str().expect("a name")];
    let ran = factory
        .around("sh", &arguments)
        .output()
        .expect("it starts");
    assert_ne!(ran.status.code(), Some(0));
    let told = String::from_utf8_lossy(&ran.stderr);
    let name = other.display();
    assert!(
        told.contains(&format!("{name} cannot be written")) && told.contains("has room"),
        "{told}"
    );
    assert!(!other.exists(), "a part of a backup is none");
    assert_eq!(
        fs::read_dir(elsewhere.path()).expect("a folder").count(),
        1,
        "nor is anything beside it"
    );
}

/// Whoever killed it finds nothing under its name, and the next one of that name is written.
#[test]
fn a_backup_that_is_killed_leaves_none() {
    let factory = Factory::bare(Sqlite);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("backup");
    let path = file.to_str().expect("a name");
    let mut command = factory.command(&["backup", path]);
    command.env("CALLBOARD_FAULT", "before-backup=kill");
    let ended = command.status().expect("it starts");
    assert!(!ended.success());
    assert!(!file.exists(), "a part of a backup is none");
    factory.ok(&["backup", path]);
    assert_eq!(tasks(&factory, &file), 0);
}

#[test]
fn on_postgresql_its_own_program_is_named() {
    let factory = Factory::bare(Postgres);
    let ran = factory.run(&["backup", "backup"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("pg_dump"), "{ran}");
    assert!(!factory.workspace().join("backup").exists());
}
