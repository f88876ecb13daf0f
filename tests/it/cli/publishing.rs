//! From a run to a post: `run`, `runs`, `tasks` and `posts` as a person sees them.

use callboard_core::store::Dialect::Sqlite;

use super::{refuses, shows};
use crate::support::factory::{DAY, Factory, board, diary};

#[test]
fn a_day_is_written_shown_and_approved() {
    let factory = Factory::bare(Sqlite);
    let repository = board();
    shows(&factory, "tasks_none", &["tasks", "list"]);
    let line = diary(repository.path(), DAY);
    let ran = factory.run(&line.each_ref().map(String::as_str));
    assert_eq!(ran.code, 4, "{ran}");
    assert!(
        ran.stdout
            .starts_with("gated: approve: publish this post?\n"),
        "{ran}"
    );
    for stage in ["collect", "compose", "citations", "save"] {
        assert!(ran.stderr.contains(&format!("✓ {stage} done")), "{ran}");
    }
    let task = factory.task();
    shows(&factory, "tasks_list", &["tasks", "list"]);
    shows(&factory, "tasks_show", &["tasks", "show", &task[..18]]);
    let unknown = ["tasks", "show", "zzzzzzzz"];
    refuses(&factory, &unknown, 2, &["no task `zzzzzzzz`", "help:"]);
    refuses(&factory, &["tasks", "show", ""], 2, &["help:"]);
    shows(
        &factory,
        "tasks_approve",
        &["tasks", "approve", &task, "--by", "Ada"],
    );
    shows(&factory, "tasks_published", &["tasks", "list"]);
    let decided = factory.texts("SELECT decided_by FROM gates", "decided_by");
    assert_eq!(decided, ["Ada"]);
}

#[test]
fn a_published_day_is_listed_shown_exported_and_removed() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", &factory.task()]);
    shows(&factory, "runs_list", &["runs", "list"]);
    let runs = factory.json(&["runs", "list"]);
    let run = runs[0]["id"].as_str().expect("an id");
    shows(&factory, "runs_show", &["runs", "show", run]);
    refuses(
        &factory,
        &["runs", "show", "zzz"],
        2,
        &["no run `zzz`", "help:"],
    );
    shows(&factory, "posts_list", &["posts", "list"]);
    let posts = factory.json(&["posts", "list"]);
    let slug = posts[0]["slug"].as_str().expect("a slug");
    shows(&factory, "posts_show", &["posts", "show", slug]);
    factory.ok(&["posts", "export", "out"]);
    let feed = factory.read("out/feed.xml");
    assert!(feed.contains("(PR #7)") && feed.contains(slug), "{feed}");
    shows(&factory, "posts_remove", &["posts", "remove", slug]);
    for command in ["show", "remove"] {
        let unknown = ["posts", command, "nobody"];
        refuses(&factory, &unknown, 2, &["no post `nobody`", "help:"]);
    }
    let again = factory.ok(&["posts", "remove", slug]);
    assert!(again.starts_with("nothing to do: removed: "), "{again}");
    assert_eq!(factory.ok(&["posts", "list"]).trim(), "(none)");
}

#[test]
fn a_rejected_task_is_kept_with_its_reason() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let task = factory.task();
    let ran = factory.run(&["tasks", "reject", &task]);
    assert_eq!(ran.code, 2, "a reason is asked for: {ran}");
    let reject = ["tasks", "reject", &task, "--feedback", "too dry"];
    shows(&factory, "tasks_reject", &reject);
    shows(
        &factory,
        "runs_rejected",
        &["runs", "list", "--status", "rejected"],
    );
    refuses(
        &factory,
        &["tasks", "approve", &task],
        2,
        &["stands before no gate"],
    );
    assert_eq!(factory.count("posts"), 0);
}
