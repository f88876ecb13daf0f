//! What is news of a day: what a merge brings for the first time, and what is released on it.

use super::habits::Story;

#[tokio::test]
async fn what_a_merge_brings_a_second_time_is_no_news() {
    let story = Story::new().await;
    let (before, fix) = ("2026-06-21T00:00:00Z", "fix: close the file (#7)");
    story.checkout.commit("Ann", before, fix);
    story
        .git(&["switch", "--quiet", "--create", "v1", "main~1"])
        .git(&["cherry-pick", "main"]);
    story
        .checkout
        .commit("Bob", "2026-06-22T00:00:00Z", "feat: speak to the printer");
    story
        .git(&["revert", "--no-edit", "HEAD~1"])
        .git(&["switch", "--quiet", "main"])
        .git(&[
            "merge",
            "--quiet",
            "--no-ff",
            "--message",
            "Merge branch 'v1'",
            "v1",
        ]);
    story
        .tells(
            &[
                "took in 1 change by 1 person",
                "Speak to the printer",
                "Left out: 2 commits that were taken back again or are there twice.",
            ],
            &["lose the file"],
        )
        .await;
}

#[tokio::test]
async fn a_merge_without_words_that_is_taken_back_on_the_day_is_no_news() {
    let story = Story::new().await;
    story.merge(
        "e",
        &["feat: search the archive", "fix: read the file"],
        "Merge branch 'e'",
    );
    story.git(&["revert", "--no-edit", "--mainline", "1", "HEAD"]);
    story.commit("feat: speak to the printer");
    story
        .tells(
            &["took in 1 change", "Speak to the printer"],
            &["archive", "Revert", "read the file"],
        )
        .await;
}

#[tokio::test]
async fn a_release_is_of_the_day_of_its_tag_and_leads() {
    let story = Story::new().await;
    let before = "2026-06-23T00:00:00Z";
    story.checkout.commit("Ann", before, "Release 1.9.0");
    story.checkout.git(
        &["tag", "--annotate", "--message", "x", "1.9.0"],
        "Ann",
        before,
    );
    story.checkout.commit("Ann", before, "Release 1.10.0");
    story.git(&["tag", "--annotate", "--message", "x", "1.10.0"]);
    story
        .commit("feat: search the archive")
        .commit("Release 2.0.0");
    story.checkout.git(
        &["tag", "--annotate", "--message", "x", "2.0.0"],
        "Ann",
        "2026-06-27T00:00:00Z",
    );
    story.commit("Release 1.11.0").commit("Start version 1.12");
    let draft = story
        .tells(
            &[
                "Released: 1.10.0 (`",
                "`), 1.11.0 (`",
                "took in 1 change",
                "1 change of bookkeeping",
            ],
            &["1.9.0", "2.0.0", "Start version"],
        )
        .await;
    assert_eq!(draft.title, "app 1.11.0 released; Search the archive");
    assert!(
        draft.excerpt.contains("app 1.11.0 released; "),
        "{}",
        draft.excerpt
    );
}

#[tokio::test]
async fn the_only_commit_of_a_merge_names_it() {
    let story = Story::new().await;
    story
        .merge(
            "t",
            &["Delete and remember in batches: plain names in SQL"],
            "Merge the work on tests",
        )
        .merge(
            "u",
            &["Draw the one", "Draw the other"],
            "Merge the rows: one reading of each",
        );
    story
        .tells(
            &[
                "Delete and remember in batches: plain names in SQL (`",
                "**Rows: one reading of each** (`",
            ],
            &["Merge the", "work on tests"],
        )
        .await;
}
