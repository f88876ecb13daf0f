//! Workspaces that cannot be read: each mistake with its file, line and column, and nothing
//! half written.

use std::fs;

use callboard_core::store::Dialect::Sqlite;

use super::{refuses, shows};
use crate::support::factory::{BARE, Factory};
use crate::support::host::Host;

#[test]
fn without_a_workspace_every_command_says_how_to_make_one() {
    let host = Host::new();
    for command in [
        &["check"][..],
        &["apply"],
        &["serve"],
        &["work"],
        &["run", "dev_diary"],
        &["runs", "list"],
        &["tasks", "list"],
        &["posts", "list"],
        &["handlers", "list"],
        &["settings", "list"],
        &["check", "--print-digest"],
    ] {
        refuses(&host, command, 2, &["no workspace", "callboard init"]);
    }
    assert_eq!(
        fs::read_dir(host.workspace()).expect("a folder").count(),
        0,
        "nothing is made"
    );
}

#[test]
fn a_workspace_that_was_never_applied_says_so() {
    let factory = Factory::bare_written(Sqlite);
    for command in [
        &["serve"][..],
        &["work"],
        &["run", "dev_diary"],
        &["pipelines", "list"],
    ] {
        let ran = factory.run(command);
        assert_ne!(ran.code, 0, "{ran}");
        assert!(ran.stderr.contains("callboard apply"), "{ran}");
    }
}

#[test]
fn malformed_files_are_named_with_line_and_column() {
    let factory = Factory::bare_written(Sqlite);
    factory.write("pipelines/half.toml", "name = \"half\"\nbudget = \n");
    factory.write("pipelines/keys.toml", "name = \"keys\"\nbugdet = \"1m\"\nbudget = \"1m\"\n[[stage]]\nid = \"a\"\nhandlr = \"probe.store\"\nhandler = \"probe.store\"\n");
    factory.write(
        "policies/types.toml",
        "name = \"types\"\nhandler = 7\ntable = \"commits\"\nevery = \"soon\"\n",
    );
    factory.edit("settings.toml", "type = \"string\"", "type = \"strin\"");
    let ran = shows(&factory, "check_malformed", &["check"]);
    assert_eq!(ran.code, 1);
    for place in [
        "pipelines/half.toml:2:",
        "pipelines/keys.toml:2:1",
        "pipelines/keys.toml:6:1",
        "policies/types.toml:2:",
        "policies/types.toml:4:",
        "settings.toml:",
    ] {
        assert!(ran.stderr.contains(place), "{place}: {ran}");
    }
    let json = factory.run(&["check", "--format", "json"]);
    assert_eq!(json.code, 1, "{json}");
    let said: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert!(
        said["places"].as_array().expect("places").len() >= 6,
        "{said}"
    );
    refuses(&factory, &["apply"], 1, &["pipelines/half.toml:2:"]);
    assert_eq!(factory.count("revisions"), 0);
}

#[test]
fn a_broken_callboard_toml_is_named_by_every_command() {
    let factory = Factory::bare(Sqlite);
    factory.write(
        "callboard.toml",
        "name = \"Factory\"\ndatabse = \"sqlite:callboard.db\"\n",
    );
    for command in [&["check"][..], &["apply"], &["serve"], &["posts", "list"]] {
        refuses(
            &factory,
            command,
            1,
            &["callboard.toml:2:1", "databse", "database"],
        );
    }
}

/// The tests' own program has that feature.
#[test]
#[ignore = "about the program as it is released; ./just released"]
fn a_program_without_restate_refuses_its_table_and_says_how_to_get_one_that_heeds_it() {
    let factory = Factory::bare(Sqlite);
    let table = "[engine.restate]\ningress = \"http://127.0.0.1:8080\"\n";
    factory.write("callboard.toml", format!("{BARE}{table}"));
    let says = [
        "callboard.toml:3:",
        "without the feature `restate`",
        "cargo build --release --features restate",
    ];
    for command in [&["check"][..], &["work"]] {
        refuses(&factory, command, 1, &says);
    }
}

#[test]
fn a_file_that_is_no_text_is_named() {
    for file in [
        "prompts/dev_diary.md",
        "site/post.html",
        "pipelines/dev_diary.toml",
        ".callboardignore",
    ] {
        let factory = Factory::bare_written(Sqlite);
        factory.write(file, b"\xff\xfe\0");
        refuses(&factory, &["check"], 1, &[file, "UTF-8"]);
    }
}

#[test]
fn init_never_writes_over_a_file_and_never_writes_half() {
    let host = Host::new();
    host.write("factory/pipelines/dev_diary.toml", "mine");
    host.write("factory/notes.txt", "mine, too");
    refuses(
        &host,
        &["init", "factory"],
        1,
        &["pipelines/dev_diary.toml", "nothing was written"],
    );
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(host.workspace().join(folder)).expect("a folder");
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
        let mut names: Vec<_> = entries
            .map(|entry| name(entry.expect("it is readable")))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("factory"), ["notes.txt", "pipelines"]);
    assert_eq!(names("factory/pipelines"), ["dev_diary.toml"]);
    assert_eq!(host.read("factory/pipelines/dev_diary.toml"), "mine");
    // Beside files of other names the operator has to say so.
    fs::remove_file(host.workspace().join("factory/pipelines/dev_diary.toml"))
        .expect("it is there");
    let plan = [
        "factory has notes.txt, pipelines/; nothing was written",
        "`callboard init factory/factory` makes a folder of its own",
        "`callboard init factory --yes` adds 41 files there",
        "writes over nothing",
        ".callboardignore",
    ];
    refuses(&host, &["init", "factory"], 2, &plan);
    assert_eq!(names("factory"), ["notes.txt", "pipelines"]);
    let said = host.ok(&["init", "factory", "--yes"]);
    assert!(said.contains("left as they were: notes.txt"), "{said}");
    assert_eq!(host.read("factory/notes.txt"), "mine, too");
    refuses(&host, &["init", "factory"], 1, &["nothing was written"]);
    // What every workspace leaves alone does not stand in the way.
    host.write("my factory/.git/config", "");
    host.write("my factory/README.md", "mine");
    host.ok(&["init", "my factory"]);
    // A file is no folder.
    host.write("file", "text");
    let ran = host.run(&["init", "file"]);
    assert_ne!(ran.code, 0, "{ran}");
    assert_eq!(host.read("file"), "text");
}
