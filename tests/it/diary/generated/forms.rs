//! The forms of messages in histories that are made up.

/// How many forms there are.
pub(super) const FORMS: usize = 16;

/// A message about a word: what it says, its request, and whether it breaks something.
pub(super) fn message(form: usize, word: &str, number: u64) -> (String, Option<u64>, bool) {
    if form < 8 {
        plain(form, word, number)
    } else {
        odd(form, word)
    }
}

fn plain(form: usize, word: &str, number: u64) -> (String, Option<u64>, bool) {
    let request = Some(number);
    match form {
        0 => (format!("feat: add {word} to the page"), None, false),
        1 => (
            format!(
                "fix(api): {word} crashes no more (#{number})\n\nIt was read twice, because of a split. Now it is read once."
            ),
            request,
            false,
        ),
        2 => (format!("✨ {word} is drawn at last"), None, false),
        3 => (
            format!(
                ":bug: close {word} again\r\n\r\nIt stayed open.\r\nNobody saw it.\r\n\r\nSigned-off-by: A <a@x.example>"
            ),
            None,
            false,
        ),
        4 => (
            format!(
                "feat: tell of {word} in full\n\n{}",
                "It is long, and 12 commits by 99 people say v9.9.9 so. ".repeat(600)
            ),
            None,
            false,
        ),
        5 => (
            format!(
                "fix: 修复了 {word} 的错误\n\n当用户的路径里有空格时，程序会崩溃。现在路径会被正确地引用。"
            ),
            None,
            false,
        ),
        6 => (
            format!(
                "Name {word} in the list\n\nThe tool reads the name of a\n<file> or a\n- (dash) and\n# signs, fixes #12 too, and the\nbug: it stops. That is\n3. the last."
            ),
            None,
            false,
        ),
        7 => (
            format!(
                "feat(x): squash {word} into one (#{number})\n\n* feat: begin with the first part\n\nBecause it was asked for.\n\n* fix typo\n\n---------\n\nCo-authored-by: Bob <bob@example.com>"
            ),
            request,
            false,
        ),
        _ => unreachable!("a form of the others"),
    }
}

fn odd(form: usize, word: &str) -> (String, Option<u64>, bool) {
    match form {
        8 => (
            format!(
                "feat!: drop {word} for good\n\nBREAKING CHANGE: it is gone. Run `convert` first."
            ),
            None,
            true,
        ),
        9 => (
            format!(
                "feat: sign {word} off\n\nPiperOrigin-RevId: 345559154\nCq-Include-Trybots: a.b:c\nChange-Id: I12"
            ),
            None,
            false,
        ),
        10 => (
            format!("ABC-12: let {word} log in\n\nRefs: ABC-12"),
            None,
            false,
        ),
        11 => (
            format!("<script>{word}</script> and *bold* [x](javascript:y) ``a`b`` `odd"),
            None,
            false,
        ),
        12 => (
            format!("fix: tell {word} \u{1b}[31mred\u{1b}[0m \u{7}\u{202e}gnp\u{200b} apart"),
            None,
            false,
        ),
        13 => (
            format!("feat: show {{{{ {word} }}}} and {{% raw %}} as they are"),
            None,
            false,
        ),
        14 => (
            format!("docs: {word} of 2026-01-01, PR 5, deadbeef1 and src/none.rs:12"),
            None,
            false,
        ),
        _ => (
            format!(
                "sched/core: give {word} a `list[0](x)` of 39\n\n39 posts (see [x](https://x.example/a_b?c=d)) have no title\\. *Why?*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one of `a|b`\n- two"
            ),
            None,
            false,
        ),
    }
}
