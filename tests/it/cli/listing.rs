//! What there is: plugins, pipelines, policies and handlers of the active revision.

use callboard_core::store::Dialect::{self, Sqlite};

use super::{refuses, shows};
use crate::support::factory::{DAY, Factory, KEEP, board, on_each};

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

on_each!(a_list_that_is_cut_says_so, |dialect: Dialect| {
    let factory = Factory::bare(dialect);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", "latest"]);
    factory.ok(&["settings", "set", "site.title", "Days"]);
    for number in 10..30 {
        factory.execute(&format!(
            "INSERT INTO history (id, pipeline, revision, status, detail, input, origin, \
             priority, created_at, spent, fence, signals, finished_at) \
             SELECT '{number}a204a3-1a73-74cf-98f8-6693deb782f1', pipeline, revision, status, detail, input, \
             origin, priority, created_at - 1, spent, fence, signals, finished_at FROM history \
             WHERE created_at = (SELECT MAX(created_at) FROM history)"
        ));
    }
    let cut = "`--limit NUMBER` shows more";
    let ran = factory.run(&["runs", "list"]);
    assert!(
        ran.stderr
            .contains(&format!("only the newest 20 are shown; {cut}")),
        "{ran}"
    );
    assert_eq!(ran.stdout.matches("dev_diary").count(), 20, "{ran}");
    let ran = factory.run(&["--format", "json", "runs", "list"]);
    assert!(ran.stderr.contains(cut), "{ran}");
    let listed: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one document");
    assert_eq!(listed.as_array().map(Vec::len), Some(20), "{ran}");
    let ran = factory.run(&["runs", "list", "--limit", "21"]);
    assert_eq!(ran.stdout.matches("dev_diary").count(), 21, "{ran}");
    assert_eq!(ran.stderr, "", "{ran}");
    for list in [
        ["tasks", "list"],
        ["posts", "list"],
        ["settings", "history"],
    ] {
        let ran = factory.run(&[&list[..], &["--limit", "0"]].concat());
        assert!(ran.stderr.contains(cut), "{ran}");
        let ran = factory.run(&[&list[..], &["--limit", "1"]].concat());
        assert_eq!(ran.stderr, "", "{ran}");
    }
});
