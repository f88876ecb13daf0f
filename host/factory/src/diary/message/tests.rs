//! Messages as people, forges and tools write them.

use super::*;

fn read(body: &str) -> Message {
    Message::read(body, &[], Forge::Unknown, false)
}

fn texts(prose: &[Prose]) -> Vec<String> {
    prose.iter().map(Prose::plain).collect()
}

#[test]
fn reasons_come_without_what_is_for_tools_and_reviewers() {
    let body = "## Why\n\nThe socket was stale, e.g. after\nsix seconds. Retrying once\nmends it.\n\n```\ncode();\n```\n\n- one retry\n  on a fresh connection\n- [x] a test\n\n## Test plan\n\nRun it.\n\nFixes #12\nhttps://a.example/b\nDifferential Revision: https://r.example/D1\nCo-authored-by: B <b@x>\n";
    let message = read(body);
    assert_eq!(
        texts(&message.paragraphs),
        ["The socket was stale, e.g. after six seconds. Retrying once mends it."]
    );
    assert_eq!(
        texts(&message.lists[0].items),
        ["one retry on a fresh connection", "a test"]
    );
    assert_eq!(message.closes, [12]);
}

#[test]
fn wrapped_lines_that_begin_with_a_mark_go_on() {
    let message = read(
        "The tool reads the value of the option, which is the name of a\n<file> or a\n- (dash) for the standard input, and\n# signs are comments. It\nfixes #12 too, and the\nbug: it no longer stops. That is\n3. the last of all.\n",
    );
    assert_eq!(
        texts(&message.paragraphs),
        [
            "The tool reads the value of the option, which is the name of a <file> or a - (dash) for the standard input, and # signs are comments. It fixes #12 too, and the bug: it no longer stops. That is 3. the last of all."
        ]
    );
    assert!(message.lists.is_empty());
    let list = read("Two gaps\n- one\n- two\n\nDone:\n1. all of it\n");
    assert_eq!(texts(&list.lists[0].items), ["one", "two"]);
    assert_eq!(texts(&list.lists[1].items), ["all of it"]);
    assert!(list.lists[1].is_numbered && list.lists[1].after == 2);
}

#[test]
fn a_squashed_body_is_its_commits_with_their_reasons() {
    let body = "* feat: add the route (#3)\n\nNobody could order.\n\n* fix: the answer\n\nBREAKING CHANGE: it is a list now\n\n* fix typo\n\n---------\n\nCo-authored-by: x <x@y>";
    let message = Message::read(body, &[], Forge::Unknown, true);
    let titles: Vec<_> = message
        .parts
        .iter()
        .map(|part| part.headline.title.as_str())
        .collect();
    assert_eq!(titles, ["Add the route", "The answer", "Fix typo"]);
    assert_eq!(texts(&message.parts[0].paragraphs), ["Nobody could order."]);
    assert_eq!(
        message.breaking.as_ref().map(Prose::plain).as_deref(),
        Some("it is a list now")
    );
}

#[test]
fn only_a_footer_says_that_something_breaks() {
    assert_eq!(read("There is no BREAKING CHANGE here.").breaking, None);
    let note = |body| read(body).breaking.map(|note| note.plain());
    assert_eq!(
        note("x y\nBREAKING CHANGE: gone. Run `convert`."),
        Some("gone. Run convert.".into())
    );
    assert_eq!(
        note("BREAKING CHANGE:\n\nIt is gone."),
        Some("It is gone.".into())
    );
    let trailer = [("BREAKING-CHANGE".to_owned(), "gone".to_owned())];
    let message = Message::read("", &trailer, Forge::Unknown, false);
    assert_eq!(
        message.breaking.map(|note| note.plain()),
        Some("gone".into())
    );
}

#[test]
fn what_is_taken_back_is_named() {
    let sha = "1a2b3c4d".repeat(5);
    let message = read(&format!("This reverts commit {sha}.\n\nIt was too slow."));
    assert_eq!(message.undoes, [sha]);
    assert_eq!(texts(&message.paragraphs), ["It was too slow."]);
    assert_eq!(read("Reverts owner/name#12").undoes, ["#12"]);
    assert!(lines::is_private("Mail me at ada@x.example") && lines::is_private("ask @everyone"));
    assert!(!lines::is_private("The token is read"));
}

#[test]
fn an_address_in_the_middle_of_a_sentence_is_a_part_of_it() {
    let told = |body: &str| texts(&read(body).paragraphs);
    assert_eq!(
        told("This uses the width as requested in\nhttps://a.example/b."),
        ["This uses the width as requested in https://a.example/b."]
    );
    assert_eq!(
        told("It is deprecated as of 9.1; see\nhttps://a.example/b\nfor what to do."),
        ["It is deprecated as of 9.1; see https://a.example/b for what to do."]
    );
    assert_eq!(
        told("Mends the clock. This\nfixes #185"),
        ["Mends the clock. This fixes #185"]
    );
    assert_eq!(
        told("It was asked for.\nhttps://a.example/b\n"),
        ["It was asked for."]
    );
    assert_eq!(told("It was asked for\nFixes #12\n"), ["It was asked for"]);
}

#[test]
fn notes_at_the_foot_are_no_words() {
    let body = "This is where we can find those[1]. It is the standard [2] of `list[1]`.\n\n[1]: https://a.example/b\n[2] https://a.example/c\n[3] - https://a.example/d";
    assert_eq!(
        texts(&read(body).paragraphs),
        ["This is where we can find those. It is the standard of list[1]."]
    );
    assert_eq!(
        texts(&read("It reads list[1] once.").paragraphs),
        ["It reads list[1] once."]
    );
}

#[test]
fn what_closes_issues_and_what_is_an_id_is_no_reason() {
    for line in [
        "Closes #3048, Closes #3112.",
        "Fixes #829, Fixes #2731, Fixes #2747,\nFixes #2770 and\nFixes #3144.",
        "Fixes #829, #2731,\n#2747.",
        "Partially fixes #12 (see #13)",
        "#1018.",
        "Amends: 06847da9126a99c88bf347adf213d33bfe4e4af2.",
        "Done in 0a2919f3c14",
        "see d7425fabf6 and 11f796999c for reference",
    ] {
        assert_eq!(texts(&read(line).paragraphs), [""; 0], "{line}");
    }
    let told = "The reader that came with 0a2919f3c14 lost the last line of each file.";
    assert_eq!(texts(&read(told).paragraphs), [told]);
}

#[test]
fn what_another_one_fixed_is_not_closed_by_this_one() {
    assert_eq!(
        read("Turns out #408 fixed #380, so here is a test.").closes,
        [0; 0]
    );
    assert_eq!(
        read("Two rows.\nThis fixes #12, closes #13 and resolves: #14").closes,
        [12, 13, 14]
    );
    assert!(read("Fixes #1332, Closes #3001").fixes && !read("Closes #3001").fixes);
}
