//! `demo --once`: everything at once, on a repository of the test's own.

use callboard_core::store::Dialect;

use super::refuses;
use crate::canonical::press::press;
use crate::support::daemon::{Daemon, get};
use crate::support::factory::{BARE, DAY, Factory, THIN, board};
use crate::support::host::{Host, Ran};
use crate::support::pictures::PictureServer;
use crate::support::repository::GitFolder;

fn demo(host: &Host, repository: &GitFolder, date: &str) -> Ran {
    let path = repository.path().to_str().expect("UTF-8");
    host.run(&[
        "demo", "--once", "--repo", path, "--date", date, "--out", "out", "--keep", "kept",
    ])
}

#[test]
fn the_demo_writes_a_post_and_leaves_the_site_and_the_workspace() {
    let host = Host::new();
    let ran = demo(&host, &board(), DAY);
    assert_eq!(ran.code, 0, "{ran}");
    let index = host.read("out/index.html");
    assert!(index.contains("posts/"), "{index}");
    let feed = host.read("out/feed.xml");
    assert!(
        feed.contains("(PR #7)") && feed.contains("(PR #8)"),
        "{feed}"
    );
    let posts = host.ok(&["-w", "kept", "posts", "list"]);
    assert!(posts.contains("2026-01-05"), "{posts}");
    for policy in [
        "embeddings_collapse_commits",
        "embeddings_orphan_prune_commits",
    ] {
        assert!(ran.stdout.contains(&format!("{policy}: ")), "{ran}");
    }
    host.ok(&["-w", "kept", "check"]);
    // The folder that is kept is not written over.
    let again = demo(&host, &board(), DAY);
    assert_eq!(again.code, 1, "{again}");
    assert!(again.stderr.contains("nothing was written"), "{again}");
}

#[test]
fn the_demo_with_a_model_has_an_article_written_judged_illustrated_and_published() {
    let (host, press, pictures) = (Host::new(), press(), PictureServer::sdxl());
    let repository = board();
    let path = repository.path().to_str().expect("UTF-8");
    let (model, draws) = (press.url("/"), pictures.url());
    let ran = host.run(&[
        "demo",
        "--once",
        "--repo",
        path,
        "--date",
        DAY,
        "--out",
        "out",
        "--keep",
        "kept",
        "--with-model",
        &model,
        "--model",
        "quill",
        "--small",
        "--pictures",
        &draws,
    ]);
    assert_eq!(ran.code, 0, "{ran}");
    for part in [
        "roles.critic.model = quill",
        "answers of 600 tokens",
        "picture  featured /media/",
        "rail     critic: pass, 85 of 100",
        "fallback caption_pictures: role vision did not do it",
        "done: What the keepers of the Fastnet did all day",
    ] {
        assert!(ran.stdout.contains(part), "no `{part}` in {ran}");
    }
    // What is small is asked for little, in each of its questions; the pipeline says so, too.
    let asked = press
        .asked()
        .into_iter()
        .filter(|asked| asked.path.contains("completions"));
    let short = asked
        .filter(|asked| asked.body.contains("\"max_tokens\":600"))
        .count();
    assert!(short >= 8, "{short} questions were short");
    let pipeline = host.read("kept/pipelines/canonical_blog.toml");
    assert!(pipeline.contains("max_tokens = 600"), "{pipeline}");
    let page = host.read("out/posts/what-the-keepers-of-the-fastnet-did-all-day/index.html");
    assert!(
        page.contains("the model quill-1") && page.contains("keepers"),
        "{page}"
    );
    host.ok(&["-w", "kept", "check"]);
}

#[test]
fn the_demo_with_a_model_that_does_not_answer_says_so_before_it_waits_for_it() {
    let host = Host::new();
    let repository = board();
    let path = repository.path().to_str().expect("UTF-8");
    let nobody = "http://127.0.0.1:9/";
    let line = [
        "demo",
        "--once",
        "--repo",
        path,
        "--date",
        DAY,
        "--with-model",
        nobody,
        "--model",
        "quill",
    ];
    refuses(&host, &line, 3, &["role writer: ", "unreachable"]);
    refuses(&host, &line[..line.len() - 2], 2, &["--model"]);
}

#[test]
fn the_demo_on_a_thin_day_publishes_nothing_and_says_why() {
    let host = Host::new();
    let ran = demo(&host, &board(), THIN);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("thin day: 2026-01-07"), "{ran}");
    assert_eq!(host.ok(&["-w", "kept", "posts", "list"]).trim(), "(none)");
    assert!(!host.read("out/index.html").contains("posts/"));
}

#[test]
fn the_demo_on_a_shallow_clone_says_what_is_missing_and_ends_with_a_site() {
    let (host, whole) = (Host::new(), board());
    let clone = host.workspace().join("clone").display().to_string();
    let url = format!("file://{}", whole.path().display());
    whole.git(&["clone", "--quiet", "--depth=1", &url, &clone], "");
    let line = ["demo", "--once", "--repo", &clone, "--out", "out"];
    let ran = host.run(&line);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stdout.contains("unavailable: ") && ran.stdout.contains("--unshallow"),
        "{ran}"
    );
    assert!(host.read("out/index.html").contains("<html"), "{ran}");
}

#[test]
fn the_demo_without_a_repository_is_unavailable_and_leaves_no_post() {
    let host = Host::new();
    refuses(
        &host,
        &["demo", "--once", "--repo", "nowhere", "--out", "out"],
        3,
        &["no such folder"],
    );
    assert!(!host.workspace().join("out").exists());
    refuses(&host, &["demo", "--once", "--repo", "a", "b"], 2, &[]);
}

#[test]
fn the_demo_leaves_the_workspace_and_the_database_of_the_environment_alone() {
    let factory = Factory::bare(Dialect::Sqlite);
    let before = (
        factory.url(),
        factory.json(&["revisions", "list"]),
        content(&factory),
    );
    let host = Host::new()
        .with("CALLBOARD_DATABASE", before.0.as_str())
        .with("CALLBOARD_WORKSPACE", factory.workspace());
    let repository = board();
    let path = repository.path().to_str().expect("UTF-8");
    let line = ["demo", "--repo", path, "--date", DAY, "--keep", "kept"];
    let server = Daemon::start(&host, &line);
    assert!(get(server.address(), "/").body.contains("/posts/"));
    assert_eq!(get(server.console(), "/console").status, 200);
    server.signal("INT");
    let ran = server.ended();
    assert_eq!(ran.code, 0, "{ran}");
    assert!(host.workspace().join("kept/callboard.db").exists());
    assert_eq!(factory.json(&["revisions", "list"]), before.1);
    assert_eq!(content(&factory), before.2);
    let url = before.0.as_str();
    for line in [
        &["--database", url, "demo", "--once"][..],
        &["demo", "--once", "--database", url],
    ] {
        refuses(&host, line, 2, &["a database of its own"]);
    }
    assert_eq!(content(&factory), before.2);
}

/// How many rows the tables have that a demo writes.
fn content(factory: &Factory) -> Vec<i64> {
    let tables = [
        "revisions",
        "activations",
        "runs",
        "history",
        "posts",
        "commits",
    ];
    tables.map(|table| factory.count(table)).to_vec()
}

#[test]
fn an_export_without_the_sites_address_says_where_its_feeds_lead() {
    let factory = Factory::bare(Dialect::Sqlite);
    let ran = factory.run(&["posts", "export", "out"]);
    assert_eq!(ran.code, 0, "{ran}");
    for part in ["warning: feeds", "http://127.0.0.1:8710/", "`site`"] {
        assert!(ran.stderr.contains(part), "{ran}");
    }
    let site = format!("site = \"https://diary.example/\"\n{BARE}");
    factory.write("callboard.toml", site);
    let ran = factory.run(&["posts", "export", "out"]);
    assert_eq!(
        (ran.code, ran.stderr.contains("warning")),
        (0, false),
        "{ran}"
    );
}
