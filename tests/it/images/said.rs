//! What the settings say of pictures is held against what the program reads: each setting has its
//! type, its words and its place, before anything is asked for.

use callboard_core::registry::Registry;
use callboard_core::settings::read_of;
use callboard_core::store::Dialect::Sqlite;

use crate::support::factory::Factory;

/// A factory in whose `settings.toml` something is written otherwise.
fn with(from: &str, to: &str) -> Factory {
    let factory = Factory::bare(Sqlite);
    let declared = factory.read("settings.toml");
    assert!(declared.contains(from), "{from}");
    factory.write("settings.toml", declared.replacen(from, to, 1));
    factory
}

/// `check` says these, and ends with 1.
fn missed(factory: &Factory, parts: &[&str]) {
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    for part in parts {
        assert!(ran.to_string().contains(part), "`{part}` is not in\n{ran}");
    }
}

#[test]
fn what_is_read_of_pictures_and_searches_is_declared_as_that() {
    for (key, kind, other) in [
        ("images.key", "secret", "string"),
        ("images.url", "url", "integer"),
        ("images.url", "url", "csv"),
        ("images.model", "model", "boolean"),
        ("images.provider", "string", "csv"),
        ("research.search.url", "url", "integer"),
        ("media.secret_key", "secret", "string"),
    ] {
        let line = |kind: &str| format!("[\"{key}\"]\ntype = \"{kind}\"");
        let factory = with(&line(kind), &line(other));
        let problem = format!("`{key}` is declared as {other}");
        let mend = format!("write `type = \"{kind}\"`");
        // A default of one type may be none of the other; here only the type is looked at.
        let ran = factory.run(&["check"]);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(
            ran.to_string().contains(&problem) && ran.to_string().contains(&mend),
            "{ran}"
        );
    }
}

#[test]
fn whatever_a_native_handler_reads_has_a_type() {
    let registry = Registry::native().expect("native handlers");
    let read = registry
        .iter()
        .flat_map(|entry| &entry.contract.needs.settings);
    for key in read {
        assert!(
            read_of(key).is_some(),
            "nobody says what `{key}` is read as"
        );
    }
}

#[test]
fn a_word_that_is_none_is_refused_where_it_is_written() {
    let factory = Factory::bare(Sqlite);
    for (slip, meant) in [("opnai", "openai"), ("Openai", "openai"), ("none ", "none")] {
        let ran = factory.run(&["settings", "set", "images.provider", slip]);
        assert_eq!(ran.code, 2, "{ran}");
        let mend = format!("callboard settings set images.provider {meant}");
        assert!(ran.stderr.contains(&mend), "{ran}");
    }
    let factory = with("default = \"none\"", "default = \"opnai\"");
    missed(
        &factory,
        &[
            "settings.toml:",
            "`opnai` is none of",
            "write `default = \"openai\"`",
        ],
    );
}

#[test]
fn a_server_or_a_bucket_that_is_named_is_set_whole() {
    let factory = Factory::bare(Sqlite);
    factory.ok(&["settings", "set", "images.provider", "openai"]);
    missed(
        &factory,
        &[
            "settings.toml:",
            "`images.url` is not set",
            "callboard settings set images.url VALUE",
        ],
    );
    factory.ok(&["settings", "set", "images.url", "http://127.0.0.1:1/"]);
    factory.ok(&["check"]);
    factory.ok(&["settings", "set", "media.store", "s3://pictures/of"]);
    missed(
        &factory,
        &[
            "callboard settings set media.endpoint VALUE",
            "callboard settings set media.secret_key -",
        ],
    );
}

#[test]
fn a_store_of_pictures_is_a_folder_of_its_own_or_a_bucket() {
    let factory = Factory::bare(Sqlite);
    for (slip, told) in [
        ("s3:/b/p", "callboard settings set media.store s3://b/p"),
        ("s3://", "names no bucket"),
        ("file:///pictures", "no folder and no `s3://"),
        ("~/pictures", "nobody reads `~`"),
        ("site", "read as a part of the workspace"),
        ("./prompts/x", "read as a part of the workspace"),
        (".", "the workspace itself"),
    ] {
        let ran = factory.run(&["settings", "set", "media.store", slip]);
        assert_eq!(ran.code, 2, "{slip}: {ran}");
        assert!(ran.stderr.contains(told), "{slip}: {ran}");
    }
    factory.ok(&["settings", "set", "images.provider", "sdxl"]);
    factory.ok(&["settings", "set", "images.url", "http://127.0.0.1:1/"]);
    let ran = factory.run(&["settings", "set", "media.store", "callboard.toml"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("callboard.toml is a file"), "{ran}");
    factory.ok(&["settings", "set", "media.store", "/proc/nope"]);
    missed(&factory, &["settings.toml:", "/proc cannot be written"]);
    // One that was a place, and is none any more.
    let outside = tempfile::tempdir().expect("a folder");
    let place = outside.path().join("pictures");
    let named = place.to_str().expect("UTF-8");
    factory.ok(&["settings", "set", "media.store", named]);
    factory.ok(&["check"]);
    std::fs::write(&place, "no folder").expect("written");
    missed(
        &factory,
        &[
            "settings.toml:",
            "pictures is a file",
            "callboard settings set media.store PLACE",
        ],
    );
    factory.ok(&["settings", "set", "media.store", "pictures"]);
    factory.ok(&["check"]);
}
