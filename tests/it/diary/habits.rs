//! Habits of real repositories, each as a small one of its own: what is told of a day is what
//! landed on it, in the words of its messages.

use callboard_factory::diary::bundle::{Bundle, Change};
use callboard_factory::diary::check::check;
use callboard_factory::diary::composer::compose;
use callboard_factory::draft::Draft;
use serde_json::json;

use super::bench::{Bench, Checkout, TEMPLATE, handler};

const DAY: &str = "2026-06-25";

/// A repository in the making, one commit an hour.
pub(super) struct Story {
    bench: Bench,
    pub(super) checkout: Checkout,
    hour: std::cell::Cell<u32>,
}

impl Story {
    pub(super) async fn new() -> Self {
        let bench = Bench::new().await;
        let checkout = Checkout::new(&bench.path("app"));
        checkout.commit("Ann", "2026-06-20T00:00:00Z", "Start");
        let hour = std::cell::Cell::new(0);
        Self {
            bench,
            checkout,
            hour,
        }
    }

    fn time(&self) -> String {
        self.hour.set(self.hour.get() + 1);
        format!("{DAY}T{:02}:00:00Z", self.hour.get())
    }

    pub(super) fn commit(&self, message: &str) -> &Self {
        self.checkout.commit("Ann", &self.time(), message);
        self
    }

    pub(super) fn git(&self, arguments: &[&str]) -> &Self {
        self.checkout.git(arguments, "Ann", &self.time());
        self
    }

    /// A branch of some commits, merged with a message.
    pub(super) fn merge(&self, branch: &str, messages: &[&str], message: &str) -> &Self {
        self.git(&["switch", "--quiet", "--create", branch]);
        for message in messages {
            self.commit(message);
        }
        self.git(&["switch", "--quiet", "main"]);
        self.git(&["merge", "--quiet", "--no-ff", "--message", message, branch])
    }

    fn id(&self, name: &str) -> String {
        self.said(&["rev-parse", name])
    }

    fn said(&self, arguments: &[&str]) -> String {
        let git = std::process::Command::new("git")
            .args(["-C", &self.checkout.path])
            .args(arguments)
            .output();
        String::from_utf8(git.expect("git").stdout)
            .expect("an id")
            .trim()
            .to_owned()
    }

    async fn day(&self, day: &str) -> (Bundle, Draft) {
        self.at(&self.checkout.path, day).await
    }

    /// The day of a repository, composed and found to hold.
    async fn at(&self, path: &str, day: &str) -> (Bundle, Draft) {
        let input = json!({ "repository": path, "date": day });
        let config = json!({ "substance_bar": 0 });
        let collect = handler("content.collect_git");
        let outcome = self.bench.call(collect, "run", config, input).await;
        let patch = self.bench.commit(outcome).await;
        let bundle: Bundle = serde_json::from_value(patch["bundle"].clone()).expect("a bundle");
        let draft = compose(&bundle, TEMPLATE).expect("a text");
        if let Err(misses) = check(&draft, &bundle, TEMPLATE, &[]) {
            panic!("{misses:#?}\n{}", draft.markdown);
        }
        (bundle, draft)
    }

    /// The text of the day has these parts, and none of those.
    pub(super) async fn tells(&self, parts: &[&str], none: &[&str]) -> Draft {
        let (_, draft) = self.day(DAY).await;
        for part in parts {
            assert!(
                draft.markdown.contains(part),
                "no `{part}` in {}",
                draft.markdown
            );
        }
        for part in none {
            assert!(
                !draft.markdown.contains(part),
                "`{part}` in {}",
                draft.markdown
            );
        }
        draft
    }
}

#[tokio::test]
async fn what_is_merged_is_told_on_the_day_it_lands() {
    let story = Story::new().await;
    story.merge(
        "topic",
        &["feat: draw the roll\n\nNobody saw who was missing."],
        "Merge pull request #5 from ann/topic\n\nDraw the whole roll",
    );
    let text = story
        .tells(
            &["**Draw the whole roll** (PR #5). Nobody saw who was missing."],
            &["draw the roll\n"],
        )
        .await;
    assert!(
        text.markdown.contains("took in 1 change by 1 person"),
        "{}",
        text.markdown
    );
}

#[tokio::test]
async fn a_merge_is_told_by_what_it_says_itself() {
    let story = Story::new().await;
    story
        .merge("a", &["feat: ask one thing at a time"], "Add the wizard (#12)\n\nPeople left the page half way.")
        .merge("b", &["feat: part two of it"], "Merge pull request #13 from a/b\n\nSigned-off-by: Ann <ann@example.com>")
        .merge("c", &["feat: part three of it"], "Merge pull request #14 from a/c\n\n## Summary\n\nTwo were not enough.")
        .merge("d", &["x: part four"], "Merge branch 'd'\n\nA faster way to open things, by a factor of two.\n\n* d:\n  x: part four")
        .merge("e", &["feat: search the archive", "fix: close the file"], "Merge branch 'e'");
    story
        .tells(
            &[
                "**Add the wizard** (PR #12). People left the page half way.",
                "Part two of it (PR #13)",
                "**Part three of it** (PR #14). Two were not enough.",
                "A faster way to open things, by a factor of two (`",
                "Search the archive (`",
                "Close the file (`",
            ],
            &["Signed-off", "Summary", "Merge branch", "* d"],
        )
        .await;
}

#[tokio::test]
async fn what_the_day_takes_back_is_no_news_and_what_it_restores_is_told_once() {
    let story = Story::new().await;
    story.commit("feat: turn the new engine on\n\nIt is twice as fast.");
    story.git(&["revert", "--no-edit", "HEAD"]);
    story.commit("fix: close the file\n\nThe disk was never free again.");
    story.git(&["revert", "--no-edit", "HEAD"]);
    story.git(&["revert", "--no-edit", "HEAD"]);
    let draft = story
        .tells(
            &["**Close the file** (`", "took in 1 change by 1 person"],
            &["engine", "Revert", "Reapply"],
        )
        .await;
    assert_eq!(draft.markdown.matches("Close the file").count(), 1);
}

#[tokio::test]
async fn a_revert_of_another_day_is_told_as_one() {
    let story = Story::new().await;
    story.checkout.commit(
        "Ann",
        "2026-06-24T00:00:00Z",
        "feat: turn the new engine on",
    );
    story.git(&["revert", "--no-edit", "HEAD"]);
    story
        .tells(
            &[
                "## Reverted",
                "**Revert \"Turn the new engine on\"** (`",
                "What it takes back is of 24 June 2026 (`",
            ],
            &["## Added"],
        )
        .await;
}

#[tokio::test]
async fn a_squashed_body_keeps_its_reasons_and_says_what_breaks() {
    let story = Story::new().await;
    story.commit("feat(api): new routes (#31)\n\n* feat: add the route of orders\n\nNobody could order.\n\n* fix: the answer is read once\n\nBREAKING CHANGE: the answer is a list now\n\n* fix typo\n\n* address review comments\n\n* Merge branch 'main' into x\n\n---------\n\nCo-authored-by: Bob <bob@example.com>");
    story.commit("fix: the second backport (#40) (#41)");
    story.commit(
        "docs: say that there is no BREAKING CHANGE in it\n\nThere is no BREAKING CHANGE here.",
    );
    let draft = story
        .tells(
            &[
                "**Breaking: api: new routes** (PR #31). The answer is a list now.",
                "- Add the route of orders. Nobody could order.",
                "- The answer is read once",
                "The second backport (PR #41)",
                "by 2 people",
            ],
            &[
                "typo",
                "review comments",
                "Merge branch",
                "#40",
                "Co-authored",
            ],
        )
        .await;
    assert_eq!(draft.markdown.matches("Breaking:").count(), 1);
}

#[tokio::test]
async fn messages_are_read_by_their_own_grammar() {
    let story = Story::new().await;
    story.commit("feat: call `map[key](arg)` only once\n\nThe handler used list[0](x) for each row, see https://x.example/d for\nthe numbers. It is the name of a\n<file> or a\n- (dash) for the input, and\n# signs are comments.\n\nThe fix reads `a_b` once.");
    story.commit("fix: carriage return\r\n\r\nFirst line of it.\r\nSecond line.\r\n\r\nSigned-off-by: A <a@x.example>\r\n");
    story.commit("fix: ANSI \u{1b}[31mred\u{1b}[0m and bell \u{7} and \u{202e}gnp.exe");
    story.commit("ABC-123: let people log in\n\nFixes a crash.\n\nRefs: ABC-123\nDifferential Revision: https://reviews.example/D1");
    story.commit("feat: show the example of it\n\nPassword: hunter2 is in it. Mail ada@x.example.");
    story
        .tells(
            &[
                "**Call `map[key](arg)` only once**",
                "The handler used list\\[0\\](x) for each row, see https://x.example/d for the numbers.",
                "It is the name of a \\<file\\> or a - (dash) for the input, and # signs are comments. The fix reads `a_b` once.",
                "First line of it. Second line.",
                "ANSI red and bell and gnp.exe",
                "**Let people log in** (`",
            ],
            &["Signed-off", "Refs:", "Differential", "ABC-123", "hunter2", "@x.example", "\u{1b}", "\u{202e}"],
        )
        .await;
}

#[tokio::test]
async fn releases_are_told_as_such_and_bots_are_counted() {
    let story = Story::new().await;
    story
        .commit("chore(main): release 1.4.0")
        .commit("Version Packages (#77)")
        .commit("Release v2.0.0-beta.1 (#79)");
    story.git(&["tag", "core-v3.1.0"]);
    story
        .checkout
        .commit("dependabot[bot]", &story.time(), "Use x 2");
    story.checkout.commit(
        "devin-ai-integration[bot]",
        &story.time(),
        "feat: search by the words of a post",
    );
    story
        .tells(
            &[
                "Released: ",
                "1.4.0 (`",
                "2.0.0-beta.1",
                "core 3.1.0",
                "Search by the words of a post",
                "Left out: 1 change by bots and 1 change of bookkeeping",
            ],
            &["Version Packages", "Use x 2", "release 1.4.0"],
        )
        .await;
}

#[tokio::test]
async fn changes_of_one_name_stay_several_and_people_of_one_address_one() {
    let story = Story::new().await;
    for _ in 0..3 {
        story.commit("Update the page of orders");
    }
    let (bundle, draft) = story.day(DAY).await;
    assert_eq!((bundle.changes.len(), bundle.people), (3, 1));
    let told = |text: &str| draft.markdown.matches(text).count();
    assert_eq!(told("Update the page of orders"), 1, "{}", draft.markdown);
    let cited = |change: &Change| told(&format!("`{}`", change.commit.short));
    assert!(bundle.changes.iter().all(|change| cited(change) == 1));
}

#[tokio::test]
async fn a_title_in_a_script_without_spaces_is_one() {
    let story = Story::new().await;
    let body = "当网络不可用时，应用会把更改保存在本地。".to_owned()
        + &"另外我们还修复了很多问题。".repeat(30);
    story.commit(&format!("feat: 支持离线模式 (#3)\n\n{body}"));
    let draft = story
        .tells(
            &["**支持离线模式** (PR #3). 当网络不可用时，应用会把更改保存在本地。另外"],
            &[],
        )
        .await;
    assert_eq!(draft.title, "支持离线模式");
    assert!(draft.markdown.chars().count() < 900, "{}", draft.markdown);
}

#[tokio::test]
async fn a_merge_request_is_no_issue_and_a_remote_gives_links() {
    let story = Story::new().await;
    story.git(&[
        "remote",
        "add",
        "origin",
        "https://ann:secret@gitlab.example/g/p.git",
    ]);
    story.merge("m", &["Speak to the printer (#99)\n\nIt is asked for its paper."], "Merge branch 'm' into 'main'\n\nResolve \"Printer\"\n\nCloses #99\n\nSee merge request g/p!31");
    let cited = "**Resolve \"Printer\"** ([MR !31](https://gitlab.example/g/p/-/merge_requests/31)). It is asked for its paper.";
    let draft = story.tells(&[cited], &["#99", "Closes", "secret"]).await;
    assert!(!draft.excerpt.contains("secret"));
}

#[tokio::test]
async fn a_partial_clone_is_told_without_lines_and_a_worktree_by_its_repository() {
    let story = Story::new().await;
    story.commit("feat: search the archive\n\nNobody found anything.");
    story.git(&["config", "uploadpack.allowFilter", "true"]);
    let (partial, tree) = (story.bench.path("partial"), story.bench.path("tree"));
    let url = format!("file://{}", story.checkout.path);
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        std::fs::remove_dir_all(&partial).ok();
        story.git(&["clone", "--quiet", filter, "--no-checkout", &url, &partial]);
        let (bundle, draft) = story.at(&partial, DAY).await;
        assert_eq!(bundle.changes[0].lines, None, "{filter}");
        assert!(
            draft.markdown.contains("**Search the archive**"),
            "{}",
            draft.markdown
        );
    }
    story.git(&["worktree", "add", "--quiet", &tree, "-b", "other"]);
    let (bundle, _) = story.at(&tree, DAY).await;
    let (own, _) = story.day(DAY).await;
    assert_eq!(
        (bundle.repository, bundle.identity),
        (own.repository, own.identity)
    );
    assert_eq!(own.changes[0].lines, Some(2));
    assert_eq!(own.changes[0].commit.id, story.id("main"));
}

#[tokio::test]
async fn a_snapshot_that_lacks_the_content_of_a_file_is_told_without_lines() {
    let story = Story::new().await;
    story.commit("feat: search the archive\n\nNobody found anything.");
    let listed = story.said(&["ls-tree", "-r", "HEAD"]);
    let blobs = listed.lines().filter_map(|it| it.split_whitespace().nth(2));
    for blob in blobs.collect::<std::collections::BTreeSet<_>>() {
        let objects = std::path::Path::new(&story.checkout.path).join(".git/objects");
        std::fs::remove_file(objects.join(&blob[..2]).join(&blob[2..])).expect("a loose object");
    }
    let (bundle, draft) = story.day(DAY).await;
    assert_eq!(bundle.changes[0].lines, None);
    let told = &draft.markdown;
    assert!(told.contains("**Search the archive**"), "{told}");
}

#[tokio::test]
async fn thin_is_what_has_no_substance() {
    let bench = Bench::new().await;
    let checkout = Checkout::new(&bench.path("app"));
    let days = [
        ("2026-06-21", "docs: typo"),
        ("2026-06-22", "fix(deps): update dependency foo to v2"),
        ("2026-06-23", "x"),
        (
            "2026-06-24",
            "Rewrite the scheduler so that it never loses a job",
        ),
    ];
    for (day, message) in days {
        let lines = "a line\n".repeat(60);
        let file = std::path::Path::new(&checkout.path).join(format!("{day}.rs"));
        std::fs::write(file, lines).expect("a file");
        checkout.commit("Ann", &format!("{day}T10:00:00Z"), message);
    }
    for (day, message) in days {
        let collect = handler("content.collect_git");
        let outcome = bench
            .call(collect, "run", json!({}), checkout.input(day))
            .await;
        let told = outcome.name() == "done";
        assert_eq!(
            told,
            message.starts_with("Rewrite"),
            "{message}: {}",
            outcome.detail()
        );
    }
}
