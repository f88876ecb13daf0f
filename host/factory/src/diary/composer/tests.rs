//! The text reads well, is the same each time and cites a source for each item.

use super::super::check::tests::{bundle, bundles};
use super::super::grammar::{Kind, Reading, scan};
use super::*;

#[test]
fn the_text_of_a_day_reads_well() {
    let bundle = bundle(&[
        (
            "feat(registry): refuse two handlers of one name (#12)",
            "Before, the last one won and nobody knew.\n\nSigned-off-by: A <a@x>",
        ),
        (
            "fix(http): retry a stale socket once",
            "The peer closes after five seconds:\n\n- one retry\n- on a fresh connection",
        ),
        ("fix: name the table that is missing", ""),
        ("docs: say how", ""),
    ]);
    let draft = compose(&bundle);
    assert_eq!(
        draft.title,
        "Refuse two handlers of one name, retry a stale socket once and 2 more changes"
    );
    assert_reads(&draft.markdown);
    assert_eq!(
        draft.tags,
        [
            "dev-diary",
            "callboard",
            "documentation",
            "features",
            "fixes"
        ]
    );
    assert_eq!(draft.written_by, BUILT_IN);
    assert!(
        draft
            .excerpt
            .starts_with("callboard on 25 June 2026: refuse two handlers"),
        "{}",
        draft.excerpt
    );
}

fn assert_reads(markdown: &str) {
    let expected = "\
On 25 June 2026, **callboard** took in 4 commits by 3 people, with 1 merged pull request. That makes 1 addition, 2 fixes and 1 change to the documentation. 100 lines were added and 12 removed.

## Added

**Refuse two handlers of one name** (PR #12). Before, the last one won and nobody knew.

## Fixed

**Retry a stale socket once** (`023b5c7d`). The peer closes after five seconds:

- one retry
- on a fresh connection

Smaller ones:

- Name the table that is missing (`033b5c7d`)

## Also

- Say how (`043b5c7d`)

---

*Written by the built-in composer from the commits of callboard on 25 June 2026. Left out: 3 commits by bots and 2 commits of bookkeeping (releases, version bumps, merges).*
";
    assert_eq!(markdown, expected);
}

#[test]
fn the_same_bundle_gives_the_same_text() {
    for bundle in bundles() {
        assert_eq!(compose(&bundle), compose(&bundle));
    }
}

#[test]
fn each_item_cites_its_source_and_titles_are_whole() {
    for bundle in bundles() {
        let draft = compose(&bundle);
        let items = draft.markdown.lines().filter(|line| line.starts_with("**"));
        for item in items {
            let tokens = scan(item, Reading::Draft);
            assert!(
                tokens
                    .iter()
                    .any(|t| matches!(t.kind, Kind::PullRequest | Kind::Commit)),
                "{item}"
            );
        }
        assert!(
            draft.title.chars().count() <= 90 && draft.title.contains(' '),
            "{}",
            draft.title
        );
        assert!(draft.excerpt.chars().count() <= 320, "{}", draft.excerpt);
        assert!(
            !draft.markdown.replace("\\<", "").contains("<script"),
            "{}",
            draft.markdown
        );
        assert!(!draft.markdown.contains("]("), "{}", draft.markdown);
    }
}

#[test]
fn the_same_change_is_told_once_with_both_sources() {
    let bundle = bundle(&[
        ("fix: retry once (#3)", ""),
        ("fix: retry once", ""),
        ("fix: log it", ""),
    ]);
    let markdown = compose(&bundle).markdown;
    assert!(
        markdown.contains("- Retry once (PR #3, `023b5c7d`)"),
        "{markdown}"
    );
    assert_eq!(markdown.matches("Retry once").count(), 1, "{markdown}");
    assert!(markdown.contains("That makes 2 fixes."), "{markdown}");
}
