//! Days of real repositories: what counts, what does not, and what cannot be read.

use callboard_core::outcome::Outcome;
use callboard_factory::diary::bundle::Bundle;
use callboard_factory::diary::git::{Git, GitError};
use callboard_factory::diary::theme::Theme;
use serde_json::{Value as Json, json};

use super::bench::{Bench, Checkout, handler, said};

const DAY: &str = "2026-06-25";

async fn collect(bench: &Bench, input: Json) -> Outcome {
    bench
        .call(handler("content.collect_git"), "run-1", json!({}), input)
        .await
}

async fn bundle(bench: &Bench, input: Json) -> Bundle {
    let outcome = collect(bench, input).await;
    let patch = bench.commit(outcome).await;
    serde_json::from_value(patch["bundle"].clone()).expect("a bundle")
}

/// How many days of this date are remembered as thin.
async fn thin(bench: &Bench, day: &str) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM diary_days WHERE state = 'thin' AND subject LIKE '%:";
    bench.number(&format!("{sql}{day}'")).await
}

fn busy(bench: &Bench) -> Checkout {
    let repository = Checkout::new(&bench.path("app"));
    repository
        .commit("Ann", "2026-06-24T23:59:59Z", "feat: the day before")
        .commit("Ann", "2026-06-25T00:00:00Z", "feat(store): keep rows (#12)\n\nBecause they were lost when the power failed, which nobody wanted.\n\nSigned-off-by: Ann <a@x>")
        .commit("dependabot[bot]", "2026-06-25T08:00:00Z", "chore: bump x from 1.0.0 to 1.0.1")
        .commit("Bob", "2026-06-25T12:00:00Z", "chore(release): 1.4.0")
        .commit("Bob", "2026-06-26T01:30:00+02:00", "fix: late in Berlin, still this day in UTC")
        .commit("Ann", "2026-06-26T00:00:00Z", "feat: the day after");
    repository
}

#[tokio::test]
async fn a_day_has_its_commits_in_utc_without_bots_and_bookkeeping() {
    let bench = Bench::new().await;
    let repository = busy(&bench);
    repository.git(&["tag", "v1.4.0", "HEAD~2"], "Ann", "2026-06-25T12:00:00Z");
    let bundle = bundle(&bench, repository.input(DAY)).await;
    assert_eq!(bundle.repository, "app");
    assert!(bundle.day_is_over);
    let titles: Vec<_> = bundle
        .changes
        .iter()
        .map(|change| change.title.as_str())
        .collect();
    assert_eq!(
        titles,
        ["store: keep rows", "Late in Berlin, still this day in UTC"]
    );
    assert_eq!((bundle.dropped.bots, bundle.dropped.bookkeeping), (1, 0));
    let released: Vec<_> = bundle
        .releases
        .iter()
        .map(|release| release.name.as_str())
        .collect();
    assert_eq!(
        released,
        ["1.4.0"],
        "told by its headline and its tag, once"
    );
    let first = &bundle.changes[0];
    assert_eq!((first.theme, first.request), (Theme::Added, Some(12)));
    assert_eq!((first.commit.paths.len(), first.lines), (1, Some(2)));
    assert_eq!(bundle.people, 2);
    assert!(bundle.substance >= 5, "{}", bundle.substance);
}

#[tokio::test]
async fn a_repository_is_known_by_its_first_commit_or_its_remote() {
    let bench = Bench::new().await;
    let repository = busy(&bench);
    let subject = async |path: &str| {
        let outcome = collect(&bench, json!({ "repository": path, "date": DAY })).await;
        bench.commit(outcome).await["subject"].clone()
    };
    let first = subject(&repository.path).await;
    let copy = bench.path("another-name");
    let clone = ["clone", "--quiet", &repository.path, &copy];
    repository.git(&clone, "Ann", "2026-06-26T00:00:00Z");
    assert_eq!(
        subject(&copy).await,
        first,
        "a copy of another name is the same one"
    );
    let address = "https://ann:secret@host.example:8443/team/app.git";
    repository.git(
        &["remote", "add", "origin", address],
        "Ann",
        "2026-06-26T00:00:00Z",
    );
    let named = subject(&repository.path).await;
    assert_eq!(named, "dev_diary:host.example-8443/team/app:2026-06-25");
}

#[tokio::test]
async fn a_merged_pull_request_brings_its_commits_of_earlier_days() {
    let bench = Bench::new().await;
    let repository = Checkout::new(&bench.path("app"));
    repository.commit("Ann", "2026-06-20T00:00:00Z", "feat: begin");
    repository.git(
        &["switch", "--quiet", "--create", "topic"],
        "Ann",
        "2026-06-20T00:00:00Z",
    );
    repository.commit(
        "Bob",
        "2026-06-23T00:00:00Z",
        "feat: draw the roll\n\nEverybody can see who is missing.",
    );
    repository.git(
        &["switch", "--quiet", "main"],
        "Ann",
        "2026-06-20T00:00:00Z",
    );
    let merge = [
        "merge",
        "--quiet",
        "--no-ff",
        "--message",
        "Merge pull request #31 from bob/topic\n\nDraw the roll",
        "topic",
    ];
    repository.git(&merge, "Ann", "2026-06-25T10:00:00Z");
    let bundle = bundle(&bench, repository.input(DAY)).await;
    let [change] = bundle.changes.as_slice() else {
        panic!("{:?}", bundle.changes);
    };
    assert_eq!(
        (change.request, change.title.as_str()),
        (Some(31), "Draw the roll")
    );
    assert_eq!(change.reasons, ["Everybody can see who is missing."]);
    assert_eq!(change.parts.len(), 1);
    assert_eq!(change.theme, Theme::Added, "that of what it brought");
    // The day of the commit itself tells nothing: it had not landed.
    let before = collect(&bench, repository.input("2026-06-23")).await;
    assert!(
        said(&before).contains("nothing landed in app"),
        "{}",
        said(&before)
    );
}

#[tokio::test]
async fn the_latest_day_is_the_latest_with_substance() {
    let bench = Bench::new().await;
    let repository = busy(&bench);
    repository.commit("Ann", "2026-06-26T08:00:00Z", "chore: a comma");
    let found = bundle(&bench, json!({ "repository": repository.path })).await;
    assert_eq!(found.day, DAY, "the feature of the 26th weighs 3");
}

#[tokio::test]
async fn a_thin_day_is_nothing_to_do_and_remembered_once_it_is_over() {
    let bench = Bench::new().await;
    let repository = Checkout::new(&bench.path("app"));
    repository
        .commit("Ann", "2026-06-25T10:00:00Z", "docs: a comma")
        .commit("Ann", "2026-06-26T10:00:00Z", "docs: a dot");
    let outcome = collect(&bench, repository.input(DAY)).await;
    assert!(
        said(&outcome).starts_with("nothing-to-do: thin day"),
        "{}",
        said(&outcome)
    );
    assert_eq!(thin(&bench, DAY).await, 1);
    let again = collect(&bench, repository.input(DAY)).await;
    assert!(
        said(&again).contains("already looked at"),
        "{}",
        said(&again)
    );
    let today = collect(&bench, repository.input("2026-06-26")).await;
    assert!(said(&today).contains("so far"), "{}", said(&today));
    assert_eq!(thin(&bench, "2026-06-26").await, 0);
}

#[tokio::test]
async fn a_day_without_commits_is_remembered_only_if_the_history_goes_on() {
    let bench = Bench::new().await;
    let repository = Checkout::new(&bench.path("app"));
    repository.commit("Ann", "2026-06-20T10:00:00Z", "feat: x");
    let outcome = collect(&bench, repository.input("2026-06-21")).await;
    assert!(
        said(&outcome).contains("nothing landed in app on 2026-06-21"),
        "{}",
        said(&outcome)
    );
    assert_eq!(
        bench
            .number("SELECT COUNT(*) AS number FROM diary_days")
            .await,
        0
    );
    repository.commit("Ann", "2026-06-22T10:00:00Z", "feat: y");
    collect(&bench, repository.input("2026-06-21")).await;
    assert_eq!(
        bench
            .number("SELECT COUNT(*) AS number FROM diary_days")
            .await,
        1
    );
}

#[tokio::test]
async fn an_empty_repository_is_nothing_to_do() {
    let bench = Bench::new().await;
    let repository = Checkout::new(&bench.path("app"));
    let outcome = collect(&bench, repository.input(DAY)).await;
    assert_eq!(
        said(&outcome),
        "nothing-to-do: empty repository: app has no commit yet"
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_unavailable_and_leaves_no_mark() {
    let bench = Bench::new().await;
    std::fs::write(bench.path("file"), "x").expect("a file");
    std::fs::create_dir(bench.path("plain")).expect("a folder");
    let broken = busy(&bench);
    let head = std::process::Command::new("git")
        .args(["-C", &broken.path, "rev-parse", "HEAD~1"])
        .output()
        .expect("git");
    let id = String::from_utf8(head.stdout).expect("an id");
    let object = format!(
        "{}/.git/objects/{}/{}",
        broken.path,
        &id[..2],
        id[2..].trim()
    );
    std::fs::remove_file(object).expect("an object");
    for (path, why) in [
        (bench.path("missing"), "no such folder"),
        (bench.path("file"), "it is a file"),
        (bench.path("plain"), "not a git repository"),
        (broken.path.clone(), "git refused"),
    ] {
        let outcome = collect(&bench, json!({ "repository": path, "date": DAY })).await;
        let said = said(&outcome);
        assert!(
            said.starts_with("unavailable: repository ") && said.contains(why),
            "{said}"
        );
    }
    assert_eq!(
        bench
            .number("SELECT COUNT(*) AS number FROM diary_days")
            .await,
        0
    );
}

#[tokio::test]
async fn a_shallow_clone_is_no_quiet_day() {
    let bench = Bench::new().await;
    let repository = busy(&bench);
    let clone = bench.path("clone");
    let url = format!("file://{}", repository.path);
    repository.git(
        &["clone", "--quiet", "--depth=1", &url, &clone],
        "Ann",
        "2026-06-26T00:00:00Z",
    );
    for date in [DAY, "latest"] {
        let outcome = collect(&bench, json!({ "repository": clone, "date": date })).await;
        assert!(said(&outcome).contains("--unshallow"), "{}", said(&outcome));
    }
}

#[tokio::test]
async fn a_missing_program_is_unavailable() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let path = folder.path().display().to_string();
    let git = Git::with_program("no-such-git", &path, deadline).expect("a folder");
    assert_eq!(git.identity().await, Err(GitError::NotInstalled));
}

#[tokio::test]
async fn dates_and_paths_that_cannot_be_meant_are_input_errors() {
    let bench = Bench::new().await;
    let repository = busy(&bench);
    for date in ["2026-06-27", "yesterday", "2026-02-30", "", "--all"] {
        let outcome = collect(&bench, repository.input(date)).await;
        assert!(
            said(&outcome).starts_with("failed: input: date"),
            "{}",
            said(&outcome)
        );
    }
    let outcome = collect(&bench, json!({ "repository": " " })).await;
    assert!(
        said(&outcome).starts_with("failed: input: `repository` is empty"),
        "{}",
        said(&outcome)
    );
    let option = collect(&bench, json!({ "repository": "--upload-pack=x" })).await;
    assert!(
        said(&option).starts_with("unavailable"),
        "{}",
        said(&option)
    );
}

#[tokio::test]
async fn a_day_goes_all_the_way_and_not_twice() {
    let bench = Bench::new().await;
    let repository = busy(&bench);
    let mut state = json!({ "repository": repository.path, "date": DAY });
    let stages = [
        "content.collect_git",
        "content.compose_diary",
        "qa.citations",
        "content.save_draft",
        "publish.post",
    ];
    for stage in stages {
        let outcome = bench
            .call(handler(stage), "run-1", json!({}), state.clone())
            .await;
        let patch = bench.commit(outcome).await;
        state.as_object_mut().expect("an object").extend(patch);
    }
    assert_eq!(
        state["draft"]["title"],
        "app 1.4.0 released; store: keep rows"
    );
    assert_eq!(
        bench.number("SELECT COUNT(*) AS number FROM posts").await,
        1
    );
    for date in [DAY, "latest"] {
        let again = collect(&bench, repository.input(date)).await;
        assert!(
            said(&again).starts_with("nothing-to-do: already published as `"),
            "{}",
            said(&again)
        );
    }
    let late = bench
        .call(handler("publish.post"), "run-1", json!({}), state)
        .await;
    assert!(
        said(&late).starts_with("nothing-to-do: already published"),
        "{}",
        said(&late)
    );
}

#[tokio::test]
async fn a_post_of_a_model_is_checked_like_any_other() {
    let bench = Bench::new().await;
    let repository = busy(&bench);
    let mut state = json!({ "repository": repository.path, "date": DAY });
    for stage in ["content.collect_git", "content.compose_diary"] {
        let outcome = bench
            .call(handler(stage), "run-1", json!({}), state.clone())
            .await;
        let patch = bench.commit(outcome).await;
        state.as_object_mut().expect("an object").extend(patch);
    }
    let markdown = state["draft"]["markdown"]
        .as_str()
        .expect("a text")
        .replace("PR #12", "PR #4711");
    state["draft"]["markdown"] = json!(markdown);
    let verdict = bench
        .call(handler("qa.citations"), "run-1", json!({}), state)
        .await;
    assert!(
        said(&verdict).contains("pull request `4711` is not in the bundle"),
        "{}",
        said(&verdict)
    );
}
