//! A database that another program could write: a backup that was passed on, a server of another
//! owner. What it says of a revision is what was applied, or it is not taken.

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::plugin::{ComponentSource, PluginError, Runtime};
use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;

use super::attacks;
use crate::plugins::bench::manifest;
use crate::scenario::roll_call::add_plugin;
use crate::support::compiles;
use crate::support::database::with_database;
use crate::support::factory::Factory;
use crate::support::guests::guest;

attacks! {
    a_prompt_is_another: "the content of a prompt is another one, under the digest of the first" => {
        both another_content
    };
    a_component_is_another: "the content of a component is another one, and the doctor is asked" => {
        both another_component
    };
    a_file_is_gone: "a revision lacks a file that was applied, and the folder is applied again" => {
        both a_file_that_is_gone
    };
    code_under_a_claimed_digest: "a component lies under the digest of another, whose code is kept for all workspaces of the user" => {
        both a_claimed_digest
    };
    a_path_that_leads_out: "a file of a revision has a path that leads out of the folder of an export" => {
        both a_path_leads_out
    };
    a_file_that_was_not_applied: "a revision has a file more than was applied" => {
        both another_file
    };
}

/// Put the content of one file of the revision in the place of another's.
fn replace(factory: &Factory, path: &str, with: &str) {
    let digest = |path: &str| format!("(SELECT digest FROM revision_files WHERE path = '{path}')");
    let (old, new) = (digest(path), digest(with));
    let changed = factory.execute(&format!(
        "UPDATE blobs SET content = (SELECT content FROM blobs WHERE digest = {new}) WHERE digest = {old}"
    ));
    assert_eq!(changed, 1, "{path}");
}

/// The doctor names the file; what works on the revision does not begin.
#[track_caller]
fn named(factory: &Factory, words: &[&str]) {
    let doctor = factory.run(&["doctor"]);
    assert_ne!(doctor.code, 0, "{doctor}");
    let said = doctor.to_string();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(said.contains(word), "{word}: {doctor}");
    }
}

fn another_content(dialect: Dialect) {
    let factory = Factory::bare(dialect);
    replace(&factory, "prompts/dev_diary.md", "callboard.toml");
    named(
        &factory,
        &["prompts/dev_diary.md", "not what its digest says"],
    );
    let ran = factory.run(&["run", "dev_diary"]);
    assert!(
        ran.code > 0 && ran.to_string().contains("prompts/dev_diary.md"),
        "{ran}"
    );
    healed(&factory);
}

/// The folder has what the database lost, and `apply` puts it there, although nothing in it changed.
fn healed(factory: &Factory) {
    factory.ok(&["apply"]);
    let doctor = factory.run(&["doctor"]).to_string();
    assert!(!doctor.contains("cannot be read"), "{doctor}");
    factory.ok(&["revisions", "show"]);
}

fn another_component(dialect: Dialect) {
    let factory = Factory::bare_written(dialect);
    add_plugin(&factory, "describer");
    let applied = factory.run(&["apply"]);
    assert_eq!(applied.code, 0, "{applied}");
    replace(
        &factory,
        "plugins/describer/describer.wasm",
        "callboard.toml",
    );
    named(
        &factory,
        &[
            "plugins/describer/describer.wasm",
            "not what its digest says",
        ],
    );
    healed(&factory);
}

fn a_file_that_is_gone(dialect: Dialect) {
    let factory = Factory::bare(dialect);
    let gone = "path = 'prompts/dev_diary.md'";
    factory.execute(&format!("DELETE FROM revision_files WHERE {gone}"));
    named(&factory, &["revision 1 is not what its digest says"]);
    healed(&factory);
}

fn a_claimed_digest(dialect: Dialect) {
    with_database(dialect, async |store: Store, _: String| {
        compiles();
        let digest = "ab".repeat(32);
        let bytes = std::fs::read(guest("describer")).expect("a component");
        let insert = Statement::new("INSERT INTO blobs (digest, content) VALUES ($1, $2)");
        let insert = insert.bind(digest.as_str()).bind(bytes);
        store.execute(insert).await.expect("kept");
        let source = ComponentSource::stored(digest, store.clone());
        let (manifest, limits) = (manifest("describer"), CallLimits::default());
        let plugin = Runtime::new().plugin(&manifest, source, Grants::default(), limits, None);
        let prepared = plugin.expect("a plugin").prepare().await;
        let error = prepared.expect_err("it is another one");
        assert!(matches!(error, PluginError::Unreadable { .. }), "{error}");
        assert!(
            error.to_string().contains("not what its digest says"),
            "{error}"
        );
    });
}

/// One more file, with a content that is there.
fn add_file(factory: &Factory, path: &str) {
    let added = factory.execute(&format!(
        "INSERT INTO revision_files (revision, path, digest) \
         SELECT revision, '{path}', digest FROM revision_files WHERE path = 'callboard.toml'"
    ));
    assert_eq!(added, 1);
}

fn a_path_leads_out(dialect: Dialect) {
    for path in ["site/../../out-of-it.txt", "site//tmp/out-of-it.txt"] {
        let factory = Factory::bare(dialect);
        add_file(&factory, path);
        let ran = factory.run(&["posts", "export", "out"]);
        assert!(
            ran.code > 0 && ran.to_string().contains("leads out of its folder"),
            "{ran}"
        );
        let found = factory.workspace().join("out-of-it.txt");
        assert!(!found.exists(), "{}", found.display());
        named(&factory, &["leads out of its folder"]);
    }
}

fn another_file(dialect: Dialect) {
    let factory = Factory::bare(dialect);
    add_file(&factory, "site/one-more.txt");
    named(&factory, &["revision 1 is not what its digest says"]);
}
