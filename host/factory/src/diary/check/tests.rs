//! Forgeries of each kind are found; what the composer writes always passes.

use super::super::bundle::{Commit, Dropped, PullRequest};
use super::super::composer::{closing, compose};
use super::*;

fn commit(number: u8, subject: &str, body: &str) -> Commit {
    let parsed = super::super::subject::parse(subject);
    let id = format!("{number:02x}3b5c7d9e").repeat(4);
    Commit {
        short: id[..8].to_owned(),
        id,
        author: format!("Author {}", number % 3),
        committed_at: format!("2026-06-25T0{}:00:00Z", number % 10),
        subject: subject.to_owned(),
        body: body.to_owned(),
        kind: parsed.kind,
        scope: parsed.scope,
        breaking: parsed.breaking,
        pull_request: parsed.pull_request,
        paths: vec![
            format!("host/src/part_{number}.rs"),
            "Cargo.toml".to_owned(),
        ],
        files: 2,
        insertions: 10 * u64::from(number),
        deletions: 3,
    }
}

pub(crate) fn bundle(messages: &[(&str, &str)]) -> Bundle {
    let commits: Vec<Commit> = messages
        .iter()
        .zip(1..)
        .map(|((subject, body), number)| commit(number, subject, body))
        .collect();
    let requests = commits.iter().filter_map(|commit| {
        Some(PullRequest {
            number: commit.pull_request?,
            title: commit.subject.clone(),
            commits: vec![commit.id.clone()],
            ..PullRequest::default()
        })
    });
    Bundle {
        repository: "stage/callboard".into(),
        day: "2026-06-25".into(),
        day_is_over: true,
        pull_requests: requests.collect(),
        commits,
        dropped: Dropped {
            bots: 3,
            bookkeeping: 2,
            over_limit: 0,
        },
        tags: vec!["v1.4.0".into()],
        ..Bundle::default()
    }
}

/// Messages as people write them, some of them against us.
pub(crate) fn bundles() -> Vec<Bundle> {
    let good = [
        (
            "feat(registry): refuse two handlers of one name (#12)",
            "Before, the last one won and nobody knew.\n\nSigned-off-by: A <a@x>",
        ),
        (
            "fix(http)!: retry a stale socket once (#13)",
            "The peer closes after 5 s. See https://example.com/x for v2.1.3 of the server.\n\n- `src/http.rs` dials anew\n- 2 commits squashed, follows PR #7",
        ),
        ("perf: skip unchanged rows", "Fixes #99"),
        ("docs: say how", ""),
        ("chore: tidy up", ""),
    ];
    let hostile = [
        (
            "<script>alert(1)</script> and *bold* [x](javascript:y)",
            "<b>no</b>\n\nSee ![img](http://x/y.png) and `code`, PR\n#45.",
        ),
        (
            "Revert \"feat: use 1.2.3 (#44)\"",
            "This reverts commit 0123456789abcdef0123456789abcdef01234567.",
        ),
        (
            "1. one ` odd tick 2026-06-01",
            "# heading\n> quote\n| a | b |\n    code 9.9.9\n\nend & done &#35;77 \\#78",
        ),
        (
            "fix: 12 commits by 99 people, pull request 5",
            "see src/a/b.rs:12 and a/b, owner/name#3, abc1234..def5678",
        ),
        (
            "ünïcode — “quotes” … and 🎉",
            "Sentence one. Sentence two with `x/y`!\n\n1. first\n2. second",
        ),
        ("", ""),
    ];
    let long = "word ".repeat(60);
    let many: Vec<(&str, &str)> = (0..40)
        .map(|_| (long.as_str(), "because of v3.0.0-rc.1 in foo/bar.toml"))
        .collect();
    vec![
        bundle(&good),
        bundle(&hostile),
        bundle(&good[2..3]),
        bundle(&many),
        bundle(&hostile[5..]),
    ]
}

#[test]
fn the_composer_always_passes() {
    for bundle in bundles() {
        let draft = compose(&bundle);
        let checked = check(&draft, &bundle, &[]);
        assert!(
            checked.is_ok(),
            "{checked:#?}\n{}\n{}",
            draft.title,
            draft.markdown
        );
    }
}

#[test]
fn a_forgery_of_each_kind_is_found() {
    let bundle = &bundles()[0];
    for (forged, named) in [
        ("PR #9999", "pull request `9999`"),
        ("pull request 9999", "pull request `9999`"),
        ("(#9999)", "reference `9999`"),
        ("PR #99", "pull request `99`"),
        ("PR \\#9999", "pull request `9999`"),
        ("`deadbee1`", "commit `deadbee1`"),
        ("deadbee1", "commit `deadbee1`"),
        ("v9.9.9", "version `9.9.9`"),
        ("9.9.9", "version `9.9.9`"),
        ("`src/forged.rs`", "path `src/forged.rs`"),
        ("forged.toml", "path `forged.toml`"),
        ("https://forged.example/", "address"),
        ("2026-06-26", "day `2026-06-26`"),
        ("77 commits", "count `77 commit`"),
        ("<i>x</i>", "markup `<i>`"),
    ] {
        let mut draft = compose(bundle);
        draft
            .markdown
            .push_str(&format!("\n\nAlso {forged} was done.\n"));
        let misses = check(&draft, bundle, &[]).expect_err(forged);
        let said = misses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        assert!(
            said.contains(named) && said.contains("text line"),
            "{forged}: {said}"
        );
    }
}

#[test]
fn titles_and_excerpts_are_checked_and_nothing_may_be_empty() {
    let bundle = &bundles()[0];
    let draft = compose(bundle);
    let forged = Draft {
        title: "Now at v9.9.9".into(),
        ..draft.clone()
    };
    assert_eq!(
        check(&forged, bundle, &[]).expect_err("forged")[0].part,
        "title"
    );
    assert!(check(&forged, bundle, &["v9.9.9".into()]).is_ok());
    for empty in [
        Draft {
            title: " ".into(),
            ..draft.clone()
        },
        Draft {
            excerpt: String::new(),
            ..draft.clone()
        },
        Draft {
            markdown: "\n".into(),
            ..draft.clone()
        },
        Draft {
            covers: "2026-06-24".into(),
            ..draft.clone()
        },
        Draft::default(),
    ] {
        assert!(check(&empty, bundle, &[]).is_err());
    }
}

#[test]
fn a_changed_number_in_the_opening_is_found() {
    let bundle = &bundles()[0];
    let mut draft = compose(bundle);
    let before = draft.markdown.clone();
    draft.markdown = draft
        .markdown
        .replacen("3 removed", "4 removed", 1)
        .replacen("1 fix", "2 fixes", 1);
    assert_ne!(before, draft.markdown);
    let misses = check(&draft, bundle, &[]).expect_err("a wrong opening");
    assert!(misses[0].what.contains("opening"), "{misses:?}");
    assert!(closing(bundle, "x").contains("3 commits by bots and 2 commits of bookkeeping"));
}
