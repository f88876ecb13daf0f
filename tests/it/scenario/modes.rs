//! S5, S7: every mode of the program sees the same, and a task comes to the same end whichever
//! process carries it out.

use callboard_core::outcome::Patch;
use callboard_core::store::Dialect::Sqlite;
use callboard_core::store::Store;
use callboard_core::store::runs::{self, Run, RunLimits, RunOrigin, RunStatus};
use serde_json::{Value as Json, json};

use crate::support::daemon::{Daemon, eventually, get};
use crate::support::database::runtime;
use crate::support::factory::{DAY, Factory, KEEP, board};
use crate::support::repository::GitFolder;

/// One command line of every command that has a workspace.
const MODES: [&[&str]; 22] = [
    &["init"],
    &["check"],
    &["apply"],
    &["revisions", "list"],
    &["revisions", "diff", "1"],
    &["serve"],
    &["serve", "--no-work"],
    &["work"],
    &["run", "dev_diary"],
    &["runs", "list"],
    &["tasks", "list"],
    &["posts", "list"],
    &["posts", "export", "out"],
    &["handlers", "list"],
    &["handlers", "list", "--native"],
    &["plugins", "list"],
    &["pipelines", "list"],
    &["policies", "list"],
    &["policies", "run", KEEP],
    &["settings", "list"],
    &["demo"],
    &["completions", "bash"],
];

#[test]
fn every_mode_sees_the_same_digests_of_revision_settings_and_registry() {
    let factory = Factory::bare(Sqlite);
    factory.ok(&["settings", "set", "site.title", "Our diary"]);
    let said = |mode: &[&str]| factory.ok(&[mode, &["--print-digest"]].concat());
    let first = said(MODES[0]);
    assert_eq!(
        first.matches(|c: char| c.is_ascii_hexdigit()).count() / 64,
        3,
        "{first}"
    );
    for mode in MODES {
        assert_eq!(said(mode), first, "{mode:?}");
    }
    let json = factory.json(&["runs", "list", "--print-digest"]);
    for digest in ["revision", "settings", "registry"] {
        assert!(
            first.contains(json[digest].as_str().expect("a digest")),
            "{digest}"
        );
    }
    // It is no constant: a setting changes one of the three.
    factory.ok(&["settings", "set", "site.title", "Another"]);
    let other = factory.json(&["check", "--print-digest"]);
    assert_ne!(other["settings"], json["settings"]);
    assert_eq!(
        (&other["revision"], &other["registry"]),
        (&json["revision"], &json["registry"])
    );
}

#[test]
fn the_digests_with_plugins_are_the_same_in_a_fresh_process_and_in_the_server() {
    let factory = Factory::whole(Sqlite);
    let server = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    let (_, address) = (server.address(), server.console());
    let console: Json = serde_json::from_str(&get(address, "/console.json").body).expect("JSON");
    let digests = factory.json(&["policies", "run", KEEP, "--print-digest"]);
    assert_eq!(console["registry_digest"], digests["registry"]);
    assert_eq!(console["settings_digest"], digests["settings"]);
    assert_eq!(console["revision"]["digest"], digests["revision"]);
    // S7: the same handlers by name, those of plugins among them.
    let names = |list: &Json| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        list.map(|handler| handler["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    let listed = names(&factory.json(&["handlers", "list"]));
    assert_eq!(names(&console["handlers"]), listed);
    for of_a_plugin in [
        "retention.embeddings_collapse",
        "retention.embeddings_orphan_prune",
    ] {
        assert!(listed.iter().any(|name| name == of_a_plugin), "{listed:?}");
    }
    let ran = factory.run(&["policies", "run", "embeddings_collapse_commits"]);
    assert_eq!(ran.code, 0, "{ran}");
}

/// What a reader gets of the only post.
fn post(factory: &Factory) -> (String, String, String) {
    let posts = factory.json(&["posts", "list"]);
    let text = |key: &str| posts[0][key].as_str().expect("a text").to_owned();
    (text("slug"), text("title"), text("markdown"))
}

/// Written by `run`, approved by `tasks approve`.
fn by_hand(repository: &GitFolder) -> Factory {
    let factory = Factory::bare(Sqlite);
    let ran = factory.diary(repository.path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    let ran = factory.run(&["tasks", "approve", &factory.task(), "--by", "Ada"]);
    assert_eq!(ran.code, 0, "{ran}");
    factory
}

/// Queue a run as another process does.
fn queue(factory: &Factory, repository: &GitFolder) -> String {
    let mut input = Patch::new();
    input.insert(
        "repository".into(),
        json!(repository.path().to_str().expect("UTF-8")),
    );
    input.insert("date".into(), json!(DAY));
    let now = jiff::Timestamp::now();
    let run = Run {
        id: uuid::Uuid::now_v7().to_string(),
        pipeline: "dev_diary".to_owned(),
        revision: 1,
        status: RunStatus::Queued,
        detail: String::new(),
        input,
        settings: None,
        origin: RunOrigin::Cli,
        priority: 0,
        limits: RunLimits::default(),
        created_at: now,
        started_at: None,
        wake_at: now,
        spent: std::time::Duration::ZERO,
        finished_at: None,
    };
    let insert = runs::insert(&run, Sqlite).expect("a run");
    runtime().block_on(async {
        let store = Store::open(&factory.url())
            .await
            .expect("the database opens");
        store.execute(insert).await.expect("it is queued");
        store.close().await;
    });
    run.id
}

#[test]
fn a_task_comes_to_the_same_post_by_run_by_serve_and_by_work() {
    let repository = board();
    let by_hand = post(&by_hand(&repository));
    assert!(by_hand.2.contains("(PR #7)"), "{}", by_hand.2);
    assert_eq!(
        post(&self::by_hand(&repository)),
        by_hand,
        "a second fresh workspace"
    );
    for mode in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["work", "--slots", "1"],
    ] {
        let factory = Factory::bare(Sqlite);
        let daemon = Daemon::start(&factory, mode);
        let run = queue(&factory, &repository);
        let status = |wanted: &str| {
            let shown = factory.json(&["runs", "show", &run]);
            (shown["run"]["status"] == wanted).then_some(())
        };
        eventually("the worker comes to the gate", || status("gated"));
        // This process or the worker, whichever is faster, carries it on.
        let ran = factory.run(&["tasks", "approve", &factory.task()]);
        assert!([0, 4].contains(&ran.code), "{ran}");
        eventually("the post is published", || status("done"));
        assert_eq!(post(&factory), by_hand, "{mode:?}");
        daemon.signal("TERM");
        assert_eq!(daemon.ended().code, 0);
    }
}

#[test]
fn a_policy_ends_the_same_when_it_is_due_and_when_it_is_run_by_hand() {
    let repository = board();
    let ends = [
        None,
        Some(&["work"][..]),
        Some(&["serve", "--listen", "127.0.0.1:0"]),
    ]
    .map(|mode| {
        let factory = Factory::bare_written(Sqlite);
        factory.edit(&format!("policies/{KEEP}.toml"), "keep = 20000", "keep = 1");
        factory.ok(&["apply"]);
        let path = format!("repository={}", repository.path().display());
        factory.ok(&["run", "remember", "--input", &path]);
        assert_eq!(factory.count("commits"), 3);
        let daemon = mode.map(|mode| Daemon::start(&factory, mode));
        if daemon.is_none() {
            factory.ok(&["policies", "run", KEEP]);
        }
        let last = eventually("the policy ran", || {
            let listed = factory.json(&["policies", "list"]);
            let last = &listed[0]["last"];
            (!last.is_null()).then(|| last["status"].as_str().expect("a status").to_owned())
        });
        drop(daemon);
        let rows = factory.query("SELECT report FROM stage_runs WHERE stage = 'upkeep'");
        let report = rows
            .first()
            .expect("a stage")
            .text("report")
            .expect("a text");
        (
            last,
            report,
            factory.texts("SELECT subject FROM commits", "subject"),
        )
    });
    assert_eq!(ends[0].0, "done");
    assert_eq!(ends[0].2, ["chore: keep a note"]);
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0], ends[2]);
}
