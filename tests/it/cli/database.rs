//! Databases that cannot be used: exit code 3 and a reason, with the file left as it was.

use std::fs;

use callboard::store::Dialect::{self, Sqlite};

use super::refuses;
use crate::support::factory::{Factory, on_each};

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let factory = Factory::bare_written(Sqlite);
    let text = "not a database, but something that somebody may want to keep. ".repeat(100);
    factory.write("callboard.db", &text);
    for command in [&["check"][..], &["apply"], &["posts", "list"], &["serve"]] {
        refuses(&factory, command, 3, &["callboard.db"]);
    }
    assert_eq!(factory.read("callboard.db"), text);
}

#[test]
fn a_damaged_database_is_unavailable() {
    let factory = Factory::bare(Sqlite);
    let file = factory.workspace().join("callboard.db");
    let mut bytes = fs::read(&file).expect("a database");
    // The header stays; every page after it is noise.
    bytes[200..].fill(0x5a);
    fs::write(&file, &bytes).expect("written over");
    refuses(&factory, &["posts", "list"], 3, &[]);
    refuses(&factory, &["apply"], 3, &[]);
}

#[test]
fn a_command_leaves_everything_in_the_one_file() {
    let factory = Factory::bare(Sqlite);
    factory.ok(&["settings", "set", "site.title", "Kept"]);
    for name in ["callboard.db-wal", "callboard.db-shm"] {
        assert!(!factory.workspace().join(name).exists(), "{name} is left");
    }
    // So a copy of the file is a copy of the database.
    let copy = Factory::bare_written(Sqlite);
    fs::copy(
        factory.workspace().join("callboard.db"),
        copy.workspace().join("callboard.db"),
    )
    .expect("copied");
    assert_eq!(copy.ok(&["settings", "get", "site.title"]).trim(), "Kept");
}

#[test]
fn a_folder_is_no_database() {
    let factory = Factory::bare_written(Sqlite);
    fs::create_dir(factory.workspace().join("callboard.db")).expect("a folder");
    refuses(&factory, &["check"], 3, &["callboard.db"]);
}

#[test]
fn an_address_that_is_none_is_wrong_usage() {
    let factory = Factory::bare_written(Sqlite);
    refuses(
        &factory,
        &["check", "--database", "mysql://x/y"],
        2,
        &["sqlite:PATH", "postgres://"],
    );
    refuses(&factory, &["check", "--database", ""], 2, &["sqlite:PATH"]);
}

#[test]
fn a_server_that_does_not_answer_is_unavailable() {
    let factory = Factory::bare_written(Sqlite);
    // A port that was free a moment ago; nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let url = format!("postgres://ada:hunter2@127.0.0.1:{port}/factory");
    let ran = refuses(&factory, &["check", "--database", &url], 3, &[]);
    assert!(
        !ran.to_string().contains("hunter2"),
        "the password is not shown: {ran}"
    );
}

on_each!(
    a_database_of_a_newer_program_is_refused_and_left_alone,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        factory.execute("INSERT INTO migrations (number, digest) VALUES (99, 'x')");
        for command in [&["check"][..], &["apply"], &["serve"], &["runs", "list"]] {
            refuses(&factory, command, 3, &["schema 99", "newer callboard"]);
        }
    }
);

#[test]
fn two_workspaces_can_name_one_database_by_the_option() {
    let factory = Factory::bare(Sqlite);
    let other = Factory::bare_written(Sqlite);
    let listed = other.ok(&["--database", &factory.url(), "revisions", "list"]);
    assert!(listed.contains("active"), "{listed}");
    assert!(
        !other.workspace().join("callboard.db").exists(),
        "the one of the file is not touched"
    );
}
