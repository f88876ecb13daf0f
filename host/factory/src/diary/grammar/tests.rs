//! The forms, each with its look-alikes.

use super::*;

fn found(text: &str) -> Vec<(TokenKind, String)> {
    let tokens = scan(text, CitationReading::Draft);
    tokens
        .into_iter()
        .map(|token| (token.kind, token.text))
        .collect()
}

fn only(kind: TokenKind, texts: &[&str]) -> Vec<(TokenKind, String)> {
    texts
        .iter()
        .map(|text| (kind, (*text).to_owned()))
        .collect()
}

#[test]
fn pull_requests_have_many_spellings() {
    for text in [
        "PR #12",
        "PR 12",
        "PR#12",
        "pull request 12",
        "Pull Request #12",
        "(PR #12).",
        "MR !12",
        "pr-12",
        "pull request number 12",
        "PR **#12**",
        "PR \\#12",
        "PR &#35;12",
        "PR \u{ff03}12",
        "PR #\u{200b}12",
        "PR\n#12",
        "PR #0012",
        "pull-request 12",
        "`PR 12`",
    ] {
        assert_eq!(
            found(text),
            only(TokenKind::PullRequest, &["12"]),
            "{text:?}"
        );
    }
    assert_eq!(
        found("PRs #12, #13 and 14"),
        only(TokenKind::PullRequest, &["12", "13", "14"])
    );
    assert_eq!(
        found("PRs #12-15"),
        only(TokenKind::PullRequest, &["12", "15"])
    );
    assert_eq!(found("see #7"), only(TokenKind::Reference, &["7"]));
    assert_eq!(found("owner/name#7"), only(TokenKind::Reference, &["7"]));
    assert_eq!(found("a press of 12 keys, # 1"), []);
    assert_eq!(found("colour #12ab99"), []);
}

#[test]
fn commits_are_hexadecimal() {
    let id = "1a2b3c4d";
    for text in [
        "`1a2b3c4d`",
        "1a2b3c4d",
        "(1A2B3C4D)",
        "commit/1a2b3c4d",
        "x@1a2b3c4d",
    ] {
        let tokens = scan(text, CitationReading::Draft);
        assert!(distinct(&tokens, TokenKind::Commit).contains(id), "{text}");
    }
    assert_eq!(
        found("1a2b3c4..5d6e7f8"),
        only(TokenKind::Commit, &["1a2b3c4", "5d6e7f8"])
    );
    assert_eq!(found("`1234567`"), only(TokenKind::Commit, &["1234567"]));
    assert_eq!(found("1234567 defaced effaced facade12x"), []);
}

#[test]
fn versions_need_a_mark_or_three_parts() {
    assert_eq!(
        found("v1.2.3, 1.2.3 and v2."),
        only(TokenKind::Version, &["1.2.3", "1.2.3", "2"])
    );
    assert_eq!(found("version 1.2"), only(TokenKind::Version, &["1.2"]));
    assert_eq!(
        found("sqlx@0.9.1-rc.2"),
        only(TokenKind::Version, &["0.9.1-rc.2"])
    );
    assert_eq!(found("takes 1.5 seconds, ipv6, sha256, utf8"), []);
}

#[test]
fn paths_have_folders_or_usual_endings() {
    assert_eq!(
        found("in src/lib.rs:12."),
        only(TokenKind::Path, &["src/lib.rs"])
    );
    assert_eq!(found("`host/src`"), only(TokenKind::Path, &["host/src"]));
    assert_eq!(
        found("Cargo.toml and ./docs/"),
        only(TokenKind::Path, &["Cargo.toml", "docs"])
    );
    assert_eq!(found("input/output, and/or, TCP/IP"), []);
}

#[test]
fn addresses_links_days_counts_and_markup_are_seen() {
    assert_eq!(
        found("https://x.y/z?a=b"),
        only(TokenKind::Address, &["https://x.y/z"])
    );
    assert_eq!(
        found("[a](javascript:x)"),
        only(TokenKind::Address, &["javascript:x"])
    );
    assert_eq!(
        found("on 2026-06-25"),
        only(TokenKind::Day, &["2026-06-25"])
    );
    assert_eq!(
        found("12 commits by 3 people in 1 pull request"),
        only(
            TokenKind::Count,
            &["12 commit", "3 author", "1 pull request"]
        )
    );
    assert_eq!(
        found("**Speak HTTP 2** (PR #12)"),
        only(TokenKind::PullRequest, &["12"])
    );
    assert_eq!(
        found("**Add number 1** (pull request #12)"),
        only(TokenKind::PullRequest, &["12"])
    );
    assert_eq!(found("a part 2 commit"), []);
    assert_eq!(
        found("see `deadbee`"),
        only(TokenKind::Commit, &["deadbee"])
    );
    assert_eq!(found("a <b>x"), only(TokenKind::Markup, &["<b>"]));
    assert_eq!(found("`Vec<T>` and Vec\\<T\\>"), []);
}

#[test]
fn lines_are_counted() {
    let tokens = scan("a\n\nPR #3\n", CitationReading::Draft);
    assert_eq!(
        tokens.iter().map(|token| token.line).collect::<Vec<_>>(),
        [3]
    );
}

#[test]
fn a_list_of_numbers_ends_with_its_sentence_or_bracket() {
    let numbers = |text: &str| {
        let tokens = scan(text, CitationReading::Draft);
        let numbers = tokens
            .iter()
            .filter(|token| token.kind == TokenKind::PullRequest);
        numbers.map(|token| token.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("(PR #1930). 5 seconds after it"), ["1930"]);
    assert_eq!(numbers("It is PR #7. 39 posts have none"), ["7"]);
    assert_eq!(numbers("PRs #12, #13 and 14"), ["12", "13", "14"]);
}
