//! Lists with a row that cannot be read: it is named, and the others are there.

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use crate::support::daemon::{Daemon, get};
use crate::support::factory::{DAY, Factory, board};

/// Three tasks and posts each, and of the second of each a column holds no text.
fn broken() -> Factory {
    let factory = Factory::bare(Dialect::Sqlite);
    for number in 1..=3 {
        let what = if number == 2 {
            "CAST(x'ff00' AS TEXT)"
        } else {
            "'A title'"
        };
        factory.execute(&format!(
            "INSERT INTO tasks VALUES ('task-{number}', NULL, 's{number}', '', {what}, 'r', 'p', 0, 'drafted', \
                NULL, 1, {number}, 1)"
        ));
        factory.execute(&format!(
            "INSERT INTO posts (id, slug, subject, task, title, excerpt, markdown, tags, \
                written_by, covers, status, published_at, updated_at, edited_by, approved_by, approved_at) \
                VALUES ('id-{number}', 'post-{number}', 's{number}', 't', {what}, '', \
                'Text.', '', 'composer', '2026-03-0{number}', 'published', {number}, 1, '', '', NULL)"
        ));
    }
    factory
}

/// The ids in a list, each with whether its row can be read.
fn entries(list: &Json, key: &str) -> Vec<(String, bool)> {
    let entry = |row: &Json| {
        let broken = row["status"] == "unreadable";
        let id = &row[if broken { "id" } else { key }];
        (id.as_str().expect("a key").to_owned(), !broken)
    };
    list.as_array().expect("a list").iter().map(entry).collect()
}

#[test]
fn a_row_that_cannot_be_read_stops_no_list() {
    let factory = broken();
    for (command, key, prefix) in [("tasks", "id", "task"), ("posts", "slug", "post")] {
        let listed = entries(&factory.json(&[command, "list"]), key);
        let expected = [(3, true), (2, false), (1, true)];
        let expected = expected.map(|(number, known)| (format!("{prefix}-{number}"), known));
        assert_eq!(listed, expected, "{command}");
        let shown = factory.ok(&[command, "list"]);
        assert!(shown.contains("unreadable"), "{shown}");
    }
    let out = factory.run(&["posts", "export", "out"]);
    assert_eq!(out.code, 0, "{out}");
    assert!(out.stderr.contains("post-2 is left out"), "{out}");
    let doctor = factory.run(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor}");
    for named in ["task `task-2`", "post `id-2`"] {
        assert!(doctor.stdout.contains(named), "{named}: {doctor}");
    }
}

#[test]
fn a_post_that_cannot_be_read_stops_its_own_page_only() {
    let factory = broken();
    let site = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let address = site.address();
    for (path, status) in [
        ("/", 200),
        ("/archive", 200),
        ("/feed.xml", 200),
        ("/posts/post-1", 200),
        ("/posts/post-2", 503),
        ("/health", 200),
    ] {
        assert_eq!(get(address, path).status, status, "{path}");
    }
}

#[test]
fn a_setting_that_cannot_be_read_blocks_whoever_reads_it_and_no_list() {
    let factory = broken();
    let keys = factory.json(&["settings", "list"]);
    let key = keys[0]["key"].as_str().expect("a setting").to_owned();
    factory.execute(&format!(
        "INSERT INTO settings VALUES ('{key}', CAST(x'ff00' AS TEXT), NULL, NULL, 1)"
    ));
    factory.execute("INSERT INTO settings VALUES (CAST(x'ff00' AS TEXT), 'a', NULL, NULL, 1)");
    let listed = factory.json(&["settings", "list"]);
    assert_eq!(
        listed.as_array().map(Vec::len),
        keys.as_array().map(Vec::len)
    );
    assert_eq!(listed[0]["state"], "unreadable", "{listed}");
    let got = factory.run(&["settings", "get", &key]);
    assert_ne!(got.code, 0, "neither unset nor its default: {got}");
    let doctor = factory.run(&["doctor"]);
    assert!(doctor.stdout.contains(&key), "{doctor}");
    factory.ok(&["settings", "unset", &key]);
    assert_eq!(factory.json(&["settings", "list"]), keys);
}

#[test]
fn a_gate_that_cannot_be_read_is_named_wherever_it_is_asked_for() {
    let factory = Factory::bare(Dialect::Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    for broken in [
        "question = CAST(x'ff00' AS TEXT)",
        "question = 'Good?', shows = '{bad'",
    ] {
        factory.execute(&format!("UPDATE gates SET {broken}"));
        the_gate_is_named(&factory);
    }
    factory.ok(&["runs", "cancel", "latest"]);
}

#[track_caller]
fn the_gate_is_named(factory: &Factory) {
    let named = "the gate of approve, visit 1, cannot be read";
    let shown = factory.ok(&["runs", "show", "latest"]);
    assert!(shown.contains(named), "{shown}");
    let task = factory.task();
    for line in [["gates", "approve", "latest"], ["tasks", "approve", &task]] {
        let ran = factory.run(&line);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stderr.contains(named), "{ran}");
        assert!(ran.stderr.contains("`callboard runs cancel "), "{ran}");
    }
    let doctor = factory.run(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor}");
}

#[test]
fn a_post_whose_slug_is_no_folder_stops_no_export() {
    let factory = Factory::bare(Dialect::Sqlite);
    for (number, slug) in [(1, "good"), (2, "a/b?"), (3, "gone/")] {
        let status = if number == 3 { "removed" } else { "published" };
        factory.execute(&format!(
            "INSERT INTO posts (id, slug, subject, task, title, excerpt, markdown, tags, \
                written_by, covers, status, published_at, updated_at, edited_by, approved_by, approved_at) \
                VALUES ('id-{number}', '{slug}', 's{number}', 't', 'A title', '', \
                'Text.', '', 'composer', '2026-03-0{number}', '{status}', {number}, 1, '', '', NULL)"
        ));
    }
    let out = factory.run(&["posts", "export", "out"]);
    assert_eq!(out.code, 0, "{out}");
    assert!(
        factory
            .workspace()
            .join("out/posts/good/index.html")
            .exists()
    );
    assert!(out.stderr.contains("post `a/b?` is left out"), "{out}");
    assert!(!out.stderr.contains("gone/"), "{out}");
    // The mend works as it is printed.
    assert!(
        out.stderr.contains("`callboard posts remove 'a/b?'`"),
        "{out}"
    );
    factory.ok(&["posts", "remove", "a/b?"]);
    let out = factory.run(&["posts", "export", "out"]);
    assert!(!out.stderr.contains("left out"), "{out}");
}

/// A time that no clock has, as another program could write it, is no time of 1970.
#[test]
fn a_time_that_no_clock_has_is_told_as_such() {
    let factory = broken();
    for time in [i64::MAX, i64::MIN] {
        factory.execute(&format!(
            "UPDATE posts SET published_at = {time} WHERE id = 'id-3'"
        ));
        let listed = factory.ok(&["posts", "list"]);
        assert!(!listed.contains("1970-01-01 00:00:00"), "{listed}");
        let listed = factory.json(&["posts", "list"]).to_string();
        let told = format!("{time} is no time that a clock has");
        assert!(listed.contains(&told), "{listed}");
        let doctor = factory.run(&["doctor"]);
        assert!(doctor.stdout.contains("post `id-3`"), "{doctor}");
    }
}
