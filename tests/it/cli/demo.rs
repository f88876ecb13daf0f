//! `demo --once`: everything at once, on a repository of the test's own.

use super::refuses;
use crate::support::factory::{DAY, THIN, board};
use crate::support::host::{Host, Ran};
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
fn the_demo_on_a_thin_day_publishes_nothing_and_says_why() {
    let host = Host::new();
    let ran = demo(&host, &board(), THIN);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("thin day: 2026-01-07"), "{ran}");
    assert_eq!(host.ok(&["-w", "kept", "posts", "list"]).trim(), "(none)");
    assert!(!host.read("out/index.html").contains("posts/"));
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
