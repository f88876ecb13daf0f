//! `revisions`: list, show, diff and rollback; runs stay on the one they began with.

use callboard_core::store::Dialect::Sqlite;

use super::{refuses, shows};
use crate::support::factory::{DAY, Factory, board};

/// Two revisions that differ in a file, one more and one less.
fn two() -> Factory {
    let factory = Factory::bare(Sqlite);
    factory.edit(
        "pipelines/remember.toml",
        "budget = \"10m\"",
        "budget = \"20m\"",
    );
    factory.write(
        "pipelines/probe.toml",
        "name = \"probe\"\nbudget = \"1m\"\n[[stage]]\nid = \"a\"\nhandler = \"probe.store\"\n",
    );
    factory.remove("policies/commits_keep_newest.toml");
    factory.ok(&["apply", "--note", "longer, and a probe"]);
    factory
}

#[test]
fn revisions_are_listed_shown_and_compared() {
    let factory = two();
    shows(&factory, "revisions_list", &["revisions", "list"]);
    shows(&factory, "revisions_show", &["revisions", "show", "1"]);
    shows(&factory, "revisions_diff", &["revisions", "diff", "1"]);
    let old = factory.ok(&[
        "revisions",
        "show",
        "1",
        "--file",
        "pipelines/remember.toml",
    ]);
    assert!(old.contains("budget = \"10m\""), "{old}");
    let new = factory.ok(&["revisions", "show", "--file", "pipelines/remember.toml"]);
    assert!(new.contains("budget = \"20m\""), "{new}");
    refuses(&factory, &["revisions", "show", "7"], 2, &["7"]);
    refuses(
        &factory,
        &["revisions", "show", "1", "--file", "nothing.toml"],
        2,
        &["nothing.toml"],
    );
}

#[test]
fn a_rollback_makes_the_old_revision_count_again() {
    let factory = two();
    assert!(factory.ok(&["pipelines", "list"]).contains("probe"));
    shows(
        &factory,
        "revisions_rollback",
        &["revisions", "rollback", "1"],
    );
    assert!(!factory.ok(&["pipelines", "list"]).contains("probe"));
    assert!(
        factory
            .ok(&["policies", "list"])
            .contains("commits_keep_newest")
    );
    assert_eq!(factory.count("revisions"), 2, "nothing is lost");
    // The folder still has the other one; it can be applied again.
    factory.ok(&["apply"]);
    assert!(factory.ok(&["pipelines", "list"]).contains("probe"));
    refuses(&factory, &["revisions", "rollback", "7"], 2, &["7"]);
}

#[test]
fn a_run_stays_on_the_revision_it_began_with() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    // The next revision has no such pipeline any more.
    factory.remove("pipelines/dev_diary.toml");
    factory.write(
        "pipelines/probe.toml",
        "name = \"probe\"\nbudget = \"1m\"\n[[stage]]\nid = \"a\"\nhandler = \"probe.store\"\n",
    );
    let ran = factory.run(&["apply"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!factory.ok(&["pipelines", "list"]).contains("dev_diary"));
    let ran = factory.run(&["tasks", "approve", &factory.task()]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(factory.count("posts"), 1);
}
