//! `publish.markdown_folder` in a git repository: one commit a publication, nothing of anybody else in it, and what
//! stands in its way is said.

use std::fs;
use std::path::Path;
use std::process::Command;

use callboard_core::store::Dialect::Sqlite;

use super::markdown_folder::{again, published};
use crate::support::factory::Factory;

const COMMITS: &str = ", commit = true, author = \"Ada Lovelace <ada@example.com>\"";

fn git(folder: &Path, args: &[&str]) -> String {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(args);
    let said = git.output().expect("git runs");
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success(), "git {args:?}: {told}");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

fn commits(folder: &Path) -> usize {
    let count = git(folder, &["rev-list", "--count", "--all"]);
    count.parse().expect("a number")
}

/// A published post, whose folder is in a repository of its own from then on.
fn in_repository() -> (Factory, String) {
    let (factory, slug) = published(Sqlite);
    let folder = factory.workspace().join("content");
    git(&folder, &["init", "--quiet"]);
    let config = "front_matter = \"toml\"";
    factory.edit(
        "pipelines/to_folder.toml",
        config,
        &format!("{config}{COMMITS}"),
    );
    factory.ok(&["apply"]);
    (factory, slug)
}

#[test]
fn each_publication_is_one_commit_and_the_same_again_is_none() {
    let (factory, slug) = in_repository();
    let folder = factory.workspace().join("content");
    fs::write(folder.join("mine.txt"), "not ready").expect("written");
    let came = again(&factory, &slug);
    assert_eq!(came["effects"]["commits"], 1, "{came:#}");
    let log = git(
        &folder,
        &["log", "--format=%an <%ae> %cn: %s", "--name-only"],
    );
    let first = "Ada Lovelace <ada@example.com> Ada Lovelace: Publish ";
    assert!(log.starts_with(first), "{log}");
    assert!(log.contains(&format!("posts/{slug}.md")), "{log}");
    assert!(!log.contains("mine.txt"), "{log}");
    let same = again(&factory, &slug);
    assert_eq!(same["effects"], serde_json::json!({}), "{same:#}");
    assert_eq!(commits(&folder), 1);
    // Another address: the old document goes in the same commit.
    factory.ok(&["posts", "retitle", &slug, "The lamp", "--slug", "lamp"]);
    let moved = again(&factory, "lamp");
    assert_eq!(moved["effects"]["commits"], 1, "{moved:#}");
    let last = git(
        &folder,
        &["show", "--format=%s", "--name-status", "--no-renames"],
    );
    assert!(last.starts_with("Publish The lamp"), "{last}");
    assert!(
        last.contains("A\tposts/lamp.md") && last.contains(&format!("D\tposts/{slug}.md")),
        "{last}"
    );
    factory.ok(&["posts", "remove", "lamp"]);
    let gone = again(&factory, "lamp");
    assert_eq!(gone["effects"]["commits"], 1, "{gone:#}");
    assert_eq!(again(&factory, "lamp")["outcome"], "nothing-to-do");
    assert_eq!(commits(&folder), 3);
    let left = git(&folder, &["status", "--porcelain"]);
    assert!(
        left.contains("mine.txt") && !left.contains("posts/"),
        "{left}"
    );
}

#[test]
fn a_hook_that_refuses_is_a_rejection_and_the_next_call_commits() {
    use std::os::unix::fs::PermissionsExt as _;

    let (factory, slug) = in_repository();
    let folder = factory.workspace().join("content");
    let hook = folder.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    fs::write(&hook, "#!/bin/sh\necho 'no posts on Sundays' >&2\nexit 1\n").expect("written");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a program");
    for _ in 0..2 {
        let came = again(&factory, &slug);
        assert_eq!(
            (&came["outcome"], &came["rule"]),
            (&"rejected".into(), &"commit".into()),
            "{came:#}"
        );
        let told = came["detail"].as_str().expect("a reason");
        assert!(told.contains("no posts on Sundays"), "{told}");
        assert_eq!(commits(&folder), 0);
    }
    fs::remove_file(&hook).expect("removed");
    let came = again(&factory, &slug);
    assert_eq!(came["effects"]["commits"], 1, "{came:#}");
    assert_eq!(git(&folder, &["status", "--porcelain", "posts"]), "");
}

#[test]
fn what_somebody_has_staged_or_merges_stands_in_the_way_and_nothing_is_written() {
    let (factory, slug) = in_repository();
    let folder = factory.workspace().join("content");
    assert_eq!(again(&factory, &slug)["effects"]["commits"], 1);
    factory.ok(&["posts", "retitle", &slug, "The lamp", "--slug", "lamp"]);
    fs::write(folder.join("mine.txt"), "not ready").expect("written");
    git(&folder, &["add", "mine.txt"]);
    let refused = |told: &str| {
        let came = again(&factory, "lamp");
        assert_eq!(came["rule"], "dirty", "{came:#}");
        let detail = came["detail"].as_str().expect("a reason");
        assert!(detail.contains(told), "{detail}");
        assert!(!folder.join("posts/lamp.md").exists());
        assert_eq!(commits(&folder), 1);
    };
    refused("`mine.txt` is staged");
    git(&folder, &["rm", "--quiet", "--cached", "mine.txt"]);
    let head = git(&folder, &["rev-parse", "HEAD"]);
    fs::write(folder.join(".git/MERGE_HEAD"), format!("{head}\n")).expect("written");
    refused("MERGE_HEAD");
    fs::remove_file(folder.join(".git/MERGE_HEAD")).expect("removed");
    assert_eq!(again(&factory, "lamp")["effects"]["commits"], 1);
    fs::rename(folder.join(".git"), folder.join("away")).expect("moved");
    let came = again(&factory, "lamp");
    assert_eq!(came["outcome"], "failed", "{came:#}");
    assert!(
        came.to_string().contains("is in no git repository"),
        "{came:#}"
    );
}
