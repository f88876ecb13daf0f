//! The text of a day reads well, is the same each time and cites a source for each change.

use super::super::sample::{TEMPLATE, bundle, id};
use super::*;

fn text(messages: &[(&str, &str)]) -> Draft {
    compose(&bundle(messages), TEMPLATE).expect("a text")
}

const MESSAGES: [(&str, &str); 5] = [
    (
        "feat(registry): refuse two handlers of one name (#12)",
        "Before, the last one won and nobody knew.",
    ),
    (
        "fix(http): retry a stale socket once",
        "The peer closes after five seconds:\n\n- one retry\n- on a fresh connection",
    ),
    ("fix: name the table that is missing", ""),
    ("docs: say how", ""),
    ("chore(main): release 1.4.0", ""),
];

#[test]
fn the_text_of_a_day_reads_well() {
    let draft = text(&MESSAGES);
    assert_eq!(
        draft.title,
        "callboard 1.4.0 released; registry: refuse two handlers of one name"
    );
    assert_eq!(
        draft.excerpt,
        "callboard on 25 June 2026: callboard 1.4.0 released; registry: refuse two handlers of one name; http: retry a stale socket once; Name the table that is missing; Say how."
    );
    let expected = "\
On 25 June 2026, **callboard** took in 4 changes by 3 people: 1 addition, 2 fixes and 1 change to the documentation. Released: 1.4.0 (`053b5c7d`).

## Added

**registry: refuse two handlers of one name** (PR #12). Before, the last one won and nobody knew.

## Fixed

**http: retry a stale socket once** (`023b5c7d`). The peer closes after five seconds:

- One retry
- On a fresh connection

With no more than a title:

- Name the table that is missing (`033b5c7d`)

## Also

- Documentation: Say how (`043b5c7d`)

---

*Written by the built-in composer from what landed in callboard on 25 June 2026.*
";
    assert_eq!(draft.markdown, expected);
    let tags = [
        "dev-diary",
        "callboard",
        "documentation",
        "features",
        "fixes",
        "releases",
    ];
    assert_eq!(draft.tags, tags);
    assert_eq!(text(&MESSAGES), draft);
}

#[test]
fn a_title_is_a_title() {
    let long = format!("feat: {}", "one two three four ".repeat(8));
    let draft = text(&[(&long, "")]);
    assert!(
        draft.title.chars().count() <= TITLE && draft.title.ends_with('\u{2026}'),
        "{}",
        draft.title
    );
    let draft = text(&[(&long, ""), ("feat: a title that fits", "")]);
    assert_eq!(draft.title, "A title that fits");
    assert_eq!(
        text(&[("feat: x", "A reason that is told.")]).title,
        "Work on callboard, 25 June 2026"
    );
    assert_eq!(text(&[("feat: 支持离线模式", "")]).title, "支持离线模式");
}

#[test]
fn what_is_told_is_bounded_and_the_rest_is_a_list() {
    let reason =
        "It was slow for everybody who had more than a thousand orders on a page. ".repeat(4);
    let subjects = (0..120).map(|place| {
        let own = format!("Part {place} of the wizard was the slowest of all. {reason}");
        (format!("feat: part {place} of the wizard"), own)
    });
    let subjects: Vec<(String, String)> = subjects.collect();
    let messages: Vec<(&str, &str)> = subjects
        .iter()
        .map(|(subject, reason)| (subject.as_str(), reason.as_str()))
        .collect();
    let bundle = bundle(&messages);
    let draft = compose(&bundle, TEMPLATE).expect("a text");
    let told = draft.markdown.split("## Also").next().unwrap_or_default();
    assert!(
        (500..950).contains(&told.split_whitespace().count()),
        "{told}"
    );
    // Every change is told, named or counted.
    let named = bundle
        .changes
        .iter()
        .filter(|change| draft.markdown.contains(&change.commit.short));
    let counted = bundle.changes.len() - named.count();
    assert!(
        draft.markdown.contains(&format!(
            "Left out: {counted} changes that had no room here.*"
        )),
        "{counted}"
    );
}

#[test]
fn sources_are_links_where_the_forge_is_known() {
    let mut bundle = bundle(&MESSAGES);
    bundle.remote =
        super::super::forge::Remote::read("https://u:secret@github.com/stage/callboard");
    let draft = compose(&bundle, TEMPLATE).expect("a text");
    let link = format!(
        "[`023b5c7d`](https://github.com/stage/callboard/commit/{})",
        id(1)
    );
    assert!(draft.markdown.contains(&link), "{}", draft.markdown);
    assert!(
        draft
            .markdown
            .contains("[PR #12](https://github.com/stage/callboard/pull/12)")
    );
    assert!(!draft.markdown.contains("secret"));
}

#[test]
fn a_template_says_it_in_its_own_words() {
    let german = "{% block title %}{{ title }}{% endblock %}{% block excerpt %}{{ summary | length }} Titel{% endblock %}\
        {% block text %}Am {{ day.day }}. {{ day.month }}. {{ day.year }}:\n{% for section in sections %}\
        {% for item in section.items %}\n- {{ item.text }} ({{ item.cite }})\n{% endfor %}{% endfor %}{% endblock %}";
    let draft = compose(&bundle(&MESSAGES[..2]), german).expect("a text");
    assert!(
        draft.markdown.starts_with("Am 25. 6. 2026:"),
        "{}",
        draft.markdown
    );
    let error = compose(
        &bundle(&MESSAGES),
        "{% block title %}{{ nothing }}{% endblock %}",
    )
    .expect_err("no text");
    assert!(
        error
            .to_string()
            .starts_with("templates/diary.md, line 1: "),
        "{error}"
    );
}

#[test]
fn what_a_stranger_writes_is_no_template() {
    let draft = text(&[(
        "feat: {{ title }} and {% raw %}",
        "Because of {{ day.iso }} it was slow.",
    )]);
    assert!(
        draft.markdown.contains("{{ title }} and {% raw %}"),
        "{}",
        draft.markdown
    );
}

#[test]
fn what_ends_within_quotes_and_brackets_is_ended() {
    let reasons = "It says \"a single match.\"\n\nThere are others (names, paths, etc.)";
    let draft = text(&[("feat: name what is found", reasons)]);
    let told = "It says \"a single match.\" There are others (names, paths, etc.)\n";
    assert!(draft.markdown.contains(told), "{}", draft.markdown);
}

#[test]
fn what_is_only_named_stands_by_its_theme_and_what_is_left_out_is_told_once() {
    let draft = text(&[
        ("fix: close the file", "It stayed open."),
        ("ci: add aarch64 Windows", ""),
        ("style: apply rustfmt", ""),
        ("docs: link the page", ""),
        ("ci: ask less", ""),
        ("feat: x", ""),
    ]);
    let told = "\
## Also

- Documentation: Link the page (`043b5c7d`)
- Build and checks: Add aarch64 Windows (`023b5c7d`); Ask less (`053b5c7d`)
- Housekeeping: Apply rustfmt (`033b5c7d`)

---

*Written by the built-in composer from what landed in callboard on 25 June 2026. Left out: 1 change whose title says nothing.*
";
    assert!(draft.markdown.ends_with(told), "{}", draft.markdown);
}

#[test]
fn what_leads_is_told_first_even_without_a_reason() {
    let mut bundle = bundle(&[
        ("feat: name the parts", "Nobody knew them."),
        ("feat: rewrite the reader", ""),
    ]);
    bundle.changes[1].importance = 9;
    let draft = compose(&bundle, TEMPLATE).expect("a text");
    assert_eq!(draft.title, "Rewrite the reader");
    let told = "## Added\n\n**Rewrite the reader** (`023b5c7d`).\n\n**Name the parts** (`013b5c7d`). Nobody";
    assert!(draft.markdown.contains(told), "{}", draft.markdown);
}

#[test]
fn tests_and_moves_lead_only_where_nothing_else_is() {
    let draft = text(&[
        (
            "Move some files to mod.rs",
            "It closes a gap, and crashes no more.\n\nCloses #3",
        ),
        (
            "Add test for middleware that returns early",
            "Turns out #408 fixed #380.",
        ),
        ("Name the parts", ""),
    ]);
    assert_eq!(draft.title, "Name the parts");
    assert_eq!(
        text(&[("Move some files to mod.rs", "")]).title,
        "Move some files to mod.rs"
    );
}

#[test]
fn kinds_that_are_guessed_are_not_counted() {
    let guessed = text(&[
        ("Fix the clock", ""),
        ("Add the page", ""),
        ("feat: ask once", ""),
    ]);
    assert!(
        guessed
            .markdown
            .contains("took in 3 changes by 3 people.\n"),
        "{}",
        guessed.markdown
    );
}

#[test]
fn a_text_and_a_title_are_told_once() {
    let reason = "The miner has to be asked by its name, since there are several of them now.";
    let draft = text(&[
        ("Port the albums", reason),
        ("Port the songs", reason),
        ("Added a check of libnotify", ""),
        ("Added a check of libnotify", ""),
    ]);
    let told = draft.markdown;
    assert_eq!(told.matches(reason).count(), 1, "{told}");
    assert!(
        told.contains("- Port the ") && told.contains("**Port the "),
        "{told}"
    );
    assert!(
        told.contains("Added a check of libnotify** (`033b5c7d`, `043b5c7d`)"),
        "{told}"
    );
}

#[test]
fn of_a_branch_only_what_holds_is_told_and_the_rest_is_counted() {
    let parts = [
        "Add licenses to all examples",
        "Is this how you install `diff`?",
        "Revert \"Add licenses to all examples\"",
        "Fix lint",
        "Rewrap text",
        "Address review comments",
        "Read the first part",
        "Read the second part",
        "Read the third part",
        "Read the fourth part",
        "Read the fifth part",
        "Read the sixth part",
        "Add the seventh part",
    ];
    let body: String = parts.iter().map(|part| format!("* {part}\n\n")).collect();
    let draft = text(&[("Share one readme (#458)", &body)]);
    let told = draft.markdown;
    assert_eq!(
        told.lines()
            .filter(|line| line.starts_with("- Read the"))
            .count(),
        5,
        "{told}"
    );
    assert!(
        told.contains("- Add the seventh part\n\nAnd 1 more.\n"),
        "{told}"
    );
    for gone in ["licenses", "diff", "lint", "Rewrap", "review"] {
        assert!(!told.contains(gone), "{gone}: {told}");
    }
}

#[test]
fn a_list_is_told_with_what_announces_it_and_not_without() {
    let body = "The values were read in no order, in order to have the default values read last:\n\n1. Values from the line\n2. Values from the environment\n3. Default values\n\nTests were added. Drive-by:\n\n- Update the page\n- Draw the rest";
    let told = text(&[("feat: read values in an order", body)]).markdown;
    let list = "read last:\n\n1. Values from the line\n2. Values from the environment\n3. Default values\n";
    assert!(told.contains(list) && !told.contains("Drive-by"), "{told}");
    let told = text(&[(
        "feat: read values",
        "It was slow.\n\nSections moved:\n\n- x\n",
    )])
    .markdown;
    assert!(
        told.contains("It was slow.\n") && !told.contains("moved"),
        "{told}"
    );
}
