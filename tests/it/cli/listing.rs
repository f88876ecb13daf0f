//! What there is: plugins, pipelines, policies and handlers of the active revision.

use callboard_core::store::Dialect::Sqlite;

use super::{refuses, shows};
use crate::support::factory::{Factory, KEEP};

#[test]
fn plugins_are_listed_shown_and_explained() {
    let factory = Factory::whole(Sqlite);
    shows(&factory, "plugins_list", &["plugins", "list"]);
    shows(
        &factory,
        "plugins_show",
        &["plugins", "show", "embeddings_orphan_prune"],
    );
    let explain = |target| ["plugins", "explain", "embeddings_orphan_prune", target];
    let allowed = explain("DELETE FROM embeddings WHERE id = $1");
    assert_eq!(shows(&factory, "plugins_explain_allowed", &allowed).code, 0);
    let denied = explain("DELETE FROM commits");
    assert_eq!(shows(&factory, "plugins_explain_denied", &denied).code, 1);
    let address = explain("https://api.example.com/v1");
    assert_eq!(shows(&factory, "plugins_explain_address", &address).code, 1);
    for own in [
        "SELECT * FROM settings",
        "SELECT 1; DROP TABLE posts",
        "PRAGMA writable_schema = 1",
        "ATTACH 'x' AS y",
    ] {
        let ran = factory.run(&explain(own));
        assert_eq!(ran.code, 1, "{own}: {ran}");
        assert!(ran.stdout.starts_with("denied"), "{own}: {ran}");
    }
    // What is no statement, is none whatever is granted.
    for wrong in ["DELETE FORM embeddings", "SELECT nothing FROM embeddings"] {
        let ran = factory.run(&explain(wrong));
        assert_eq!(ran.code, 1, "{wrong}: {ran}");
        assert!(ran.stdout.starts_with("wrong"), "{wrong}: {ran}");
    }
    // Nor is a grant worth its lines for a table that is not there.
    let ran = factory.run(&explain("SELECT * FROM nosuch"));
    assert!(
        ran.stdout.starts_with("wrong: there is no table `nosuch`"),
        "{ran}"
    );
    let ran = factory.run(&explain("log"));
    assert_eq!(ran.code, 0, "{ran}");
    let ran = factory.run(&explain("vectors"));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout
            .contains("write `vectors = true` under [grants.embeddings_orphan_prune]"),
        "{ran}"
    );
    refuses(
        &factory,
        &["plugins", "show", "nobody"],
        2,
        &["no plugin `nobody`", "help:"],
    );
}

#[test]
fn pipelines_are_listed_and_shown() {
    let factory = Factory::bare(Sqlite);
    shows(&factory, "pipelines_list", &["pipelines", "list"]);
    shows(
        &factory,
        "pipelines_show",
        &["pipelines", "show", "dev_diary"],
    );
    refuses(
        &factory,
        &["pipelines", "show", "diary"],
        2,
        &["no pipeline `diary`", "help:"],
    );
    let shown = factory.json(&["pipelines", "show", "dev_diary"]);
    assert_eq!(shown["stages"][4]["gate"], "publish this post?");
}

#[test]
fn policies_are_listed_with_how_they_ended() {
    let factory = Factory::bare(Sqlite);
    shows(&factory, "policies_list", &["policies", "list"]);
    shows(&factory, "policies_run", &["policies", "run", KEEP]);
    shows(&factory, "policies_list_after", &["policies", "list"]);
    refuses(
        &factory,
        &["policies", "run", "nobody"],
        2,
        &["no policy `nobody`", "help:"],
    );
    factory.edit(
        &format!("policies/{KEEP}.toml"),
        "every",
        "enabled = false\nevery",
    );
    factory.ok(&["apply"]);
    assert!(factory.ok(&["policies", "list"]).contains("off"));
}

#[test]
fn a_handler_is_shown_with_what_it_reads_and_writes() {
    let factory = Factory::bare(Sqlite);
    shows(
        &factory,
        "handlers_show",
        &["handlers", "show", "qa.citations"],
    );
    refuses(
        &factory,
        &["handlers", "show", "qa.citation"],
        2,
        &["did you mean `qa.citations`?"],
    );
}
