//! `check` and `apply`: what they say about workspaces that fit and ones that do not.

use callboard::store::Dialect::Sqlite;

use super::shows;
use crate::support::factory::Factory;

#[test]
fn the_bundled_workspace_answers_and_is_applied_once() {
    let factory = Factory::written(Sqlite);
    shows(&factory, "check", &["check"]);
    shows(&factory, "apply", &["apply", "--note", "the first"]);
    shows(&factory, "apply_again", &["apply"]);
    assert_eq!(factory.count("revisions"), 1);
    let roll = factory.ok(&["check", "--all", "--format", "json"]);
    for referrer in [
        "stage dev_diary/compose",
        "policy embeddings_collapse_commits",
        "plugin embeddings_collapse",
    ] {
        assert!(roll.contains(referrer), "{referrer}: {roll}");
    }
}

#[test]
fn a_workspace_with_many_mistakes_is_told_all_of_them() {
    let factory = Factory::bare_written(Sqlite);
    let pipeline = "pipelines/dev_diary.toml";
    factory.edit(pipeline, "content.compose_diary", "content.compose_dairy");
    factory.edit(pipeline, "needs = [\"save\"]", "needs = [\"saved\"]");
    factory.edit(
        "policies/commits_keep_newest.toml",
        "table = \"commits\"",
        "table = \"comits\"",
    );
    factory.edit("prompts/dev_diary.md", "{{ day }}", "{{ dya }}");
    let ran = shows(&factory, "check_broken", &["check"]);
    assert_eq!(ran.code, 1);
    let ran = shows(&factory, "apply_broken", &["apply"]);
    assert_eq!(ran.code, 1);
    assert_eq!(factory.count("revisions"), 0);
}

#[test]
fn a_retention_that_eats_its_summaries_is_refused() {
    let factory = Factory::written(Sqlite);
    let policy = "name = \"eats\"\nhandler = \"retention.ttl_prune\"\ntable = \"embeddings\"\n\
        every = \"24h\"\n[config]\ntable = \"embeddings\"\ncolumn = \"created_at\"\nttl_days = 1\n";
    factory.write("policies/eats.toml", policy);
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("policies/eats.toml"), "{ran}");
}
