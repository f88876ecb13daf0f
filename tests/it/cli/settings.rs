//! `settings`: the three states of a value, and secrets, which are set and never shown.

use std::io::Write as _;
use std::process::{Command, Stdio};

use callboard_core::store::Dialect::{Postgres, Sqlite};

use super::{refuses, shows};
use crate::support::daemon::eventually;
use crate::support::factory::{Factory, on_each};

const SECRET: &str = "hunter2-and-a-half";

#[test]
fn unset_set_to_empty_and_set_are_three_states() {
    let factory = Factory::bare(Sqlite);
    shows(&factory, "settings_list", &["settings", "list"]);
    let get = || {
        factory
            .ok(&["settings", "get", "site.title"])
            .trim_end()
            .to_owned()
    };
    assert_eq!(get(), "Callboard");
    factory.ok(&["settings", "set", "site.title", "Our diary"]);
    assert_eq!(get(), "Our diary");
    factory.ok(&["settings", "set", "site.title", ""]);
    assert_eq!(get(), "");
    factory.ok(&["settings", "unset", "site.title"]);
    assert_eq!(get(), "Callboard");
    assert_eq!(
        factory.ok(&["settings", "get", "roles.writer.url"]).trim(),
        "(unset)"
    );
}

// A setting that has to be there is set before what reads it is applied, and one that is declared
// no more can be taken away.
on_each!(a_value_comes_before_its_revision, |dialect| {
    let factory = Factory::written(dialect);
    let declared = factory.read("settings.toml");
    let required = "\n[\"titles.url\"]\ntype = \"url\"\nrequired = true\ndescription = \"where\"\n";
    factory.write("settings.toml", format!("{declared}{required}"));
    factory.ok(&["settings", "set", "titles.url", "http://127.0.0.1:1/"]);
    factory.ok(&["apply"]);
    let get = ["settings", "get", "titles.url"];
    assert_eq!(factory.ok(&get).trim_end(), "http://127.0.0.1:1/");
    factory.write("settings.toml", declared);
    let ran = factory.run(&["check"]);
    assert!(
        ran.stdout.contains("callboard settings unset titles.url"),
        "{ran}"
    );
    factory.ok(&["settings", "unset", "titles.url"]);
    factory.ok(&["check"]);
});

#[test]
fn a_value_that_does_not_fit_its_type_is_refused_and_not_kept() {
    let factory = Factory::bare(Sqlite);
    refuses(
        &factory,
        &["settings", "set", "roles.writer.url", "no address"],
        2,
        &[],
    );
    refuses(
        &factory,
        &["settings", "set", "site.titel", "x"],
        2,
        &["did you mean `site.title`?"],
    );
    refuses(
        &factory,
        &["settings", "get", "site.titel"],
        2,
        &["not declared"],
    );
    refuses(
        &factory,
        &["settings", "unset", "site.titel"],
        2,
        &["did you mean `site.title`?"],
    );
    assert_eq!(factory.count("settings"), 0);
}

#[test]
fn a_secret_is_sealed_and_never_shown() {
    let factory = Factory::bare(Sqlite);
    let mut set = factory.command(&["settings", "set", "roles.writer.key", "-"]);
    let mut child = set
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it was asked for");
    writeln!(stdin, "{SECRET}").expect("it reads");
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
    let shown = shows(&factory, "settings_secret", &["settings", "list"]);
    assert!(shown.stdout.contains("(hidden)"), "{shown}");
    for command in [
        &["settings", "get", "roles.writer.key"][..],
        &["settings", "list", "--format", "json"],
        &["check", "--all"],
        &["check", "--print-digest"],
        &["revisions", "show"],
    ] {
        let ran = factory.run(command);
        assert!(!ran.to_string().contains(SECRET), "{command:?}");
    }
    refuses(
        &factory,
        &["settings", "get", "roles.writer.key"],
        2,
        &["secret"],
    );
    for name in ["callboard.db", "callboard.db-wal"] {
        let bytes = std::fs::read(factory.workspace().join(name)).unwrap_or_default();
        let found = bytes
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes());
        assert!(!found, "{name} holds the secret in the clear");
    }
    let key = factory.workspace().join("callboard.key");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(key).expect("a key"));
    assert_eq!(mode & 0o077, 0, "nobody else reads the key");
}

#[test]
fn a_secret_that_is_typed_is_not_shown() {
    let factory = Factory::bare(Sqlite);
    let set = ["settings", "set", "roles.writer.key", "-"];
    let mut terminal = factory.on_terminal_after("tty > place;", &set);
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = terminal.spawn().expect("`script` is there");
    let place = eventually("a terminal", || {
        let place = std::fs::read_to_string(factory.workspace().join("place"));
        place.ok().filter(|place| place.ends_with('\n'))
    });
    eventually("the terminal shows nothing that is typed", || {
        let modes = Command::new("stty")
            .args(["-F", place.trim(), "-a"])
            .output();
        let modes = modes.expect("`stty` is there").stdout;
        let modes = String::from_utf8_lossy(&modes);
        modes
            .split_whitespace()
            .find(|mode| *mode == "-echo")
            .map(drop)
    });
    let mut stdin = child.stdin.take().expect("it was asked for");
    writeln!(stdin, "{SECRET}").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.contains("roles.writer.key: ") && !shown.contains(SECRET),
        "{shown}"
    );
    assert!(factory.ok(&["settings", "list"]).contains("(hidden)"));
}

#[test]
fn a_secret_whose_key_is_lost_is_named() {
    let factory = Factory::bare(Sqlite);
    factory.ok(&["settings", "set", "roles.writer.key", SECRET]);
    factory.remove("callboard.key");
    let ran = factory.run(&["settings", "list"]);
    let check = factory.run(&["check"]);
    let said = format!("{ran}{check}");
    assert!(said.contains("roles.writer.key"), "{said}");
    assert!(
        said.contains("key file"),
        "the mend says what is missing: {said}"
    );
    assert_eq!(check.code, 1, "{check}");
}

#[test]
fn the_key_from_which_logins_are_derived_is_made_before_the_first_of_them() {
    let has_key = |dialect| {
        Factory::bare(dialect)
            .workspace()
            .join("callboard.key")
            .exists()
    };
    assert!(
        has_key(Postgres),
        "each process would draw its own passwords"
    );
    assert!(!has_key(Sqlite), "nobody logs in");
}

#[test]
fn a_new_key_is_not_made_without_a_word_about_the_secrets_of_the_old_one() {
    let factory = Factory::bare(Sqlite);
    let set = |key: &str| factory.run(&["settings", "set", key, SECRET]);
    assert_eq!(set("roles.writer.key").stderr, "");
    std::fs::remove_file(factory.workspace().join("callboard.key")).expect("a key");
    let ran = set("roles.vision.key");
    assert_eq!(ran.code, 0, "{ran}");
    for part in [
        "warning: ",
        "callboard.key",
        "roles.writer.key",
        "put the file",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran}");
    }
    assert!(!ran.stderr.contains("roles.vision.key"), "{ran}");
    assert_eq!(set("roles.writer.key").stderr, "", "nothing else is sealed");
}

// What a person did is kept with the value, and of a secret that it was set.
on_each!(
    what_happened_to_a_setting_is_told_and_no_secret_is,
    |dialect| {
        let factory = Factory::bare(dialect);
        let by =
            |line: &[&str], who: &str| factory.ok(&[&["settings"], line, &["--by", who]].concat());
        by(&["set", "site.title", "Our diary"], "Ada");
        by(&["set", "site.title", "Our diary"], "Bob");
        by(&["unset", "site.title"], "Bob");
        by(&["set", "roles.writer.key", SECRET], "Ada");
        let history = factory.json(&["settings", "history"]);
        let told = history.as_array().expect("a list").iter();
        let told: Vec<_> = told
            .map(|it| format!("{} {} {}", it["key"], it["event"], it["who"]).replace('"', ""))
            .collect();
        assert_eq!(
            told,
            [
                "roles.writer.key set Ada",
                "site.title unset Bob",
                "site.title set Ada"
            ],
            "what is so already is no change"
        );
        assert_eq!(history[0]["secret"], true);
        let shown = factory.ok(&["settings", "history"]);
        let exported = factory.ok(&["settings", "export"]);
        for text in [history.to_string(), shown, exported] {
            assert!(!text.contains(SECRET), "{text}");
        }
        let one = factory.json(&["settings", "history", "site.title"]);
        assert_eq!(one.as_array().map(Vec::len), Some(2));
        let none = factory.json(&["settings", "history", "site.description"]);
        assert_eq!(none.as_array().map(Vec::len), Some(0), "it never changed");
        let slip = factory.run(&["settings", "history", "site.titel"]);
        assert_eq!(slip.code, 2, "{slip}");
        assert!(slip.stderr.contains("did you mean `site.title`"), "{slip}");
    }
);

// A file is held against what is declared, and counts as a whole or not at all.
on_each!(settings_go_from_one_installation_to_another, |dialect| {
    let factory = Factory::bare(dialect);
    factory.write(".callboardignore", "/kept.toml\n/bad.toml\n");
    factory.ok(&[
        "settings",
        "set",
        "site.title",
        "Our \"diary\"\nof days \u{7f} \\ \u{1f469}\u{200d}\u{1f4bb} \u{200f}\u{e0001}",
    ]);
    factory.ok(&["settings", "set", "site.description", ""]);
    factory.ok(&["settings", "set", "roles.writer.key", SECRET]);
    let exported = factory.ok(&["settings", "export"]);
    factory.write("kept.toml", &exported);
    for key in ["site.title", "site.description", "roles.writer.key"] {
        factory.ok(&["settings", "unset", key]);
    }
    let import = |more: &[&str]| {
        let ran = factory.run(&[&["settings", "import", "kept.toml"], more].concat());
        assert_eq!(ran.code, 0, "{ran}");
        ran.to_string()
    };
    let dry = import(&[]);
    for said in [
        "2 settings would change; nothing was kept",
        "secret roles.writer.key is not set",
    ] {
        assert!(dry.contains(said), "{dry}");
    }
    assert_eq!(factory.count("settings"), 0);
    import(&["--yes", "--by", "Ada"]);
    assert_eq!(
        factory.ok(&["settings", "export"]),
        exported.replace("[\"roles.writer.key\"]", "[]")
    );
    assert!(import(&["--yes"]).contains("0 settings changed"));
    let set = factory.json(&["settings", "get", "site.title"]);
    assert!(
        set.to_string().contains("\u{1f469}\u{200d}\u{1f4bb}"),
        "{set}"
    );
    let json = factory.ok(&["--format", "json", "settings", "export"]);
    factory.write("kept.toml", json);
    assert!(import(&[]).contains("0 settings would change"));
    let bad = "[values]\n\"site.title\" = \"fine\"\n\"site.titel\" = \"x\"\n\"roles.writer.url\" = \"no\"\n\
        \"roles.writer.key\" = \"x\"\n";
    factory.write("bad.toml", bad);
    let line = ["settings", "import", "bad.toml", "--yes"];
    let said = [
        "`site.titel` is not declared",
        "roles.writer.url",
        "`roles.writer.key` is a secret",
    ];
    refuses(&factory, &line, 2, &said);
    assert_ne!(
        factory.ok(&["settings", "get", "site.title"]).trim(),
        "fine"
    );
    factory.write("bad.toml", "[values]\nx = 1\n");
    refuses(&factory, &line, 2, &["these are no settings", "line 2"]);
    let many = (0..1000).fold("[values]\n".to_owned(), |all, key| {
        all + &format!("k{key} = \"v\"\n")
    });
    factory.write("bad.toml", many);
    refuses(&factory, &line, 2, &["and 980 more"]);
    // What never ends is read no further than a file of settings may be.
    let line = ["settings", "import", "/dev/zero"];
    refuses(
        &factory,
        &line,
        2,
        &["/dev/zero: it has more than 1048576 bytes"],
    );
});

#[test]
fn what_nobody_reads_is_listed() {
    let factory = Factory::bare_written(Sqlite);
    let declared = factory.read("settings.toml");
    let lonely = "\n[\"lonely.words\"]\ntype = \"integer\"\ndescription = \"nobody asks\"\n";
    factory.write("settings.toml", format!("{declared}{lonely}"));
    factory.ok(&["apply"]);
    factory.execute("INSERT INTO settings (key, value, updated_at) VALUES ('stray', 'x', 1)");
    let unread = factory.json(&["settings", "list", "--unread"]);
    let unread = unread.as_array().expect("a list").iter();
    let keys: Vec<_> = unread
        .map(|it| it["key"].as_str().expect("a key"))
        .collect();
    assert_eq!(keys, ["lonely.words", "stray"]);
}

// What is exported can be imported, or is not exported.
on_each!(an_export_is_no_longer_than_an_import_may_be, |dialect| {
    let factory = Factory::bare(dialect);
    factory.write(".callboardignore", "/kept.toml\n");
    let long = "x".repeat(700_000);
    for key in ["site.title", "site.description"] {
        factory.write("kept.toml", format!("[values]\n\"{key}\" = \"{long}\"\n"));
        factory.ok(&["settings", "import", "kept.toml", "--yes"]);
    }
    let said = [
        "nothing is exported",
        "`site.title` (700000)",
        "an import takes 1048576",
    ];
    refuses(&factory, &["settings", "export"], 1, &said);
    let json = ["--format", "json", "settings", "export"];
    assert_eq!(factory.run(&json).code, 1);
    factory.ok(&["settings", "unset", "site.title"]);
    for line in [&["settings", "export"][..], &json] {
        factory.write("kept.toml", factory.ok(line));
        let said = factory.ok(&["settings", "import", "kept.toml"]);
        assert!(said.contains("0 settings would change"), "{line:?}");
    }
});

#[test]
fn a_place_that_can_keep_no_pictures_is_refused_when_it_is_set() {
    let factory = Factory::bare(Sqlite);
    let inside = factory.workspace().join("pipelines").display().to_string();
    for (place, said) in [
        ("/etc/passwd", "/etc/passwd is a file"),
        ("/dev/null", "/dev/null is a file"),
        ("callboard.db", "is a file"),
        ("callboard.toml/pictures", "is a file"),
        (inside.as_str(), "is read as a part of the workspace"),
        ("site", "is read as a part of the workspace"),
    ] {
        let line = ["settings", "set", "media.store", place];
        refuses(&factory, &line, 2, &["media.store", said]);
    }
    factory.write(".callboardignore", "/kept.toml\n");
    factory.write("kept.toml", "[values]\n\"media.store\" = \"/dev/null\"\n");
    let line = ["settings", "import", "kept.toml", "--yes"];
    refuses(&factory, &line, 2, &["/dev/null is a file"]);
    assert_eq!(factory.count("settings"), 0);
    factory.ok(&["settings", "set", "media.store", "pictures"]);
    factory.ok(&["check"]);
}
