//! What a sentence claims is in the changes that it cites, or it is named.

use super::super::sample::bundle;
use super::*;

fn day() -> Bundle {
    bundle(&[
        (
            "fix(http): retry a stale socket once (#1930)",
            "The peer closes its end after five seconds, and `pool.take(key)` gave it out again in src/pool.rs. Fails with v2.1.3 on 40% of the calls.",
        ),
        (
            "fix: two settings were empty",
            "Ada saw it on 20 June 2026, as GitHub shows.",
        ),
    ])
}

/// The problems of a sentence that cites all changes.
fn problems(sentence: &str) -> String {
    let bundle = day();
    let changes: Vec<&Change> = bundle.changes.iter().collect();
    Material::new(&bundle, &changes)
        .problems(sentence)
        .join("; ")
}

#[test]
fn what_the_changes_say_in_other_words_is_taken() {
    for sentence in [
        "A stale socket is retried once.",
        "The connection was closed by the peer (PR #1930). 5 seconds after the call it was gone.",
        "2 settings were empty.",
        "Two fixes landed on 25 June 2026, a Thursday.",
        "On the twenty-fifth of June the sockets were mended.",
        "Retrying `pool.take(key)` helps, and 40 percent of the calls failed with v2.1.3.",
        "Ada saw it on 20 June 2026 on GitHub.",
        "One of them was in src/pool.rs, and we mended it.",
        "Callboard retries sockets now.",
        "Sockets that the peer has closed are taken from the pool no more.",
        "The pool gave out closed sockets – no one had noticed.",
    ] {
        assert_eq!(problems(sentence), "", "{sentence}");
    }
}

#[test]
fn what_they_do_not_say_is_named() {
    for (sentence, named) in [
        ("Grace Hopper found the socket.", "names `Grace`"),
        ("The socket was found by Linus.", "names `Linus`"),
        ("It runs on Kubernetes now.", "names `Kubernetes`"),
        ("Kubernetes closes the socket.", "names `Kubernetes`"),
        ("On 3 March the socket was closed.", "the day `3 March`"),
        (
            "On the third of March it was closed.",
            "the day `the third of March`",
        ),
        ("It was closed on Tuesday.", "the day `Tuesday`"),
        ("It was mended yesterday.", "the day `yesterday`"),
        (
            "It calls `pool.give(key)` once.",
            "the code `pool.give(key)`",
        ),
        ("It is 30 % faster.", "`30 %`"),
        ("It is faster by thirty percent.", "`thirty percent`"),
        ("Three settings were empty.", "`Three settings`"),
        ("5 settings were empty.", "`5 settings`"),
        ("The peer closes after 5 minutes.", "`5 minutes`"),
        ("It fails with v2.1.4.", "the version `2.1.4`"),
        ("It is in src/other.rs.", "the path `src/other.rs`"),
        (
            "See https://example.com/x.",
            "the address `https://example.com/x`",
        ),
        ("It is PR #1931.", "the pull request `1931`"),
    ] {
        let problems = problems(sentence);
        assert!(problems.contains(named), "{sentence}: {problems}");
    }
}

#[test]
fn only_the_changes_that_are_cited_count() {
    let bundle = day();
    let first = [&bundle.changes[0]];
    let problems = Material::new(&bundle, &first).problems("Two settings were empty.");
    assert_eq!(problems, ["no change that it cites says `Two settings`"]);
}
