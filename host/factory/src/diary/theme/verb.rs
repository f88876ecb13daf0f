//! What a headline without a type is about, by its verb and what that is done to.

use super::super::headline::Headline;
use super::Theme;

/// What the first word says, that is a verb in whatever form: `Add`, `Adds`, `Added`, `Adding`.
pub(super) fn by_verb(headline: &Headline) -> Theme {
    let title = headline.title.as_str();
    let scope = headline.scope.as_ref();
    let title = scope
        .and_then(|scope| title.strip_prefix(scope.as_str()))
        .unwrap_or(title);
    let words = title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .skip_while(|word| word.chars().all(|c| c.is_ascii_digit()));
    let words: Vec<String> = words.take(WORDS).map(str::to_lowercase).collect();
    let Some((word, rest)) = words.split_first() else {
        return Theme::Other;
    };
    // A forge calls merges of anything so.
    if title.starts_with("Resolve \"") {
        return Theme::Other;
    }
    let is_done = [
        "update", "improve", "tweak", "use", "address", "silence", "more",
    ];
    let theme = by_word(word);
    match object(rest) {
        Some(object) if theme != Theme::Other || is_done.iter().any(|it| is_form(word, it)) => {
            object
        }
        _ => theme,
    }
}

/// So many words say what is done, and to what.
const WORDS: usize = 8;

/// Words between a verb and what it is done to.
const PASSED: [&str; 24] = [
    "a",
    "an",
    "the",
    "missing",
    "more",
    "some",
    "new",
    "all",
    "few",
    "broken",
    "failing",
    "flaky",
    "another",
    "extra",
    "minor",
    "small",
    "up",
    "out",
    "remaining",
    "unit",
    "integration",
    "regression",
    "of",
    "our",
];

/// Two words that name together what the first alone does not.
const PAIRS: [(&str, &str, Theme); 14] = [
    ("type", "annotations", Theme::Chores),
    ("type", "annotation", Theme::Chores),
    ("type", "hints", Theme::Chores),
    ("merge", "conflict", Theme::Chores),
    ("merge", "conflicts", Theme::Chores),
    ("unused", "import", Theme::Chores),
    ("unused", "imports", Theme::Chores),
    ("comment", "about", Theme::Documentation),
    ("comment", "explaining", Theme::Documentation),
    ("changes", "file", Theme::Documentation),
    ("changes", "entry", Theme::Documentation),
    ("code", "comments", Theme::Documentation),
    ("release", "notes", Theme::Documentation),
    ("github", "actions", Theme::Build),
];

/// What a verb is done to, if that is about the work and not about what is made: `add test for x`.
fn object(words: &[String]) -> Option<Theme> {
    let head = words
        .iter()
        .position(|word| !PASSED.contains(&word.as_str()))?;
    let near = &words[head..words.len().min(head + 4)];
    let has = |known: &[&str]| near.iter().any(|word| known.contains(&word.as_str()));
    let pair = PAIRS.iter().find(|(first, second, _)| {
        near[0] == *first && near.get(1).is_some_and(|next| next == second)
    });
    let named = by_object(&near[0]).or_else(|| pair.map(|(.., theme)| *theme));
    if named.is_some() {
        named
    } else if has(&["translation", "translations"]) {
        Some(Theme::Translations)
    } else if has(&["warnings", "clippy", "lint", "lints"]) {
        Some(Theme::Chores)
    } else if has(&["docs", "docstring", "docstrings"]) {
        // `Fix InternalServerError docs`
        Some(Theme::Documentation)
    } else {
        None
    }
}

fn by_object(word: &str) -> Option<Theme> {
    Some(match word {
        "test" | "tests" | "testcase" | "testcases" | "testing" | "doctest" | "doctests" => {
            Theme::Tests
        }
        "typo" | "typos" | "lint" | "lints" | "linter" | "clippy" | "formatting" | "whitespace"
        | "flake8" | "rustfmt" | "conflict" | "conflicts" | "todo" | "todos" | "spelling"
        | "indentation" | "warning" | "warnings" => Theme::Chores,
        "doc" | "docs" | "documentation" | "docstring" | "docstrings" | "readme" | "changelog"
        | "comments" | "example" | "examples" => Theme::Documentation,
        "ci" | "travis" | "appveyor" | "workflow" | "workflows" | "tox" | "makefile"
        | "dockerfile" | "build" => Theme::Build,
        _ => return None,
    })
}

fn by_word(word: &str) -> Theme {
    let verb = |verbs: &[&str]| verbs.iter().any(|verb| is_form(word, verb));
    if verb(&[
        "add",
        "introduce",
        "implement",
        "support",
        "allow",
        "create",
        "enable",
        "offer",
        "provide",
    ]) {
        Theme::Added
    } else if verb(&[
        "fix", "correct", "repair", "mend", "prevent", "avoid", "handle", "stop", "restore",
        "resolve",
    ]) {
        Theme::Fixed
    } else if verb(&[
        "refactor",
        "rework",
        "rename",
        "move",
        "extract",
        "split",
        "simplify",
        "reorganise",
        "reorganize",
        "restructure",
        "rewrite",
        "clean",
    ]) {
        Theme::Reworked
    } else if verb(&["remove", "drop", "delete", "retire"]) {
        Theme::Removed
    } else if verb(&["speed", "optimise", "optimize", "cache"]) {
        Theme::Faster
    } else if verb(&["document", "explain", "describe"]) {
        Theme::Documentation
    } else if verb(&["test"]) {
        Theme::Tests
    } else if verb(&["revert"]) {
        Theme::Reverted
    } else {
        Theme::Other
    }
}

/// Whether a word is a form of an English verb.
fn is_form(word: &str, verb: &str) -> bool {
    let stem = verb.trim_end_matches(['e', 'y']);
    let Some(end) = word.strip_prefix(stem) else {
        return false;
    };
    // The last letter is doubled in `stopped`.
    let doubled = stem.chars().next_back();
    let end = doubled
        .and_then(|last| end.strip_prefix(last))
        .unwrap_or(end);
    word == verb
        || matches!(
            end,
            "s" | "es" | "ed" | "ing" | "ies" | "ied" | "ying" | "ten" | "te"
        )
}

#[cfg(test)]
mod tests {
    use super::super::super::forge::Forge;
    use super::*;

    #[test]
    fn a_verb_is_what_it_is_done_to() {
        for (title, theme) in [
            ("Add test for middleware that return early", Theme::Tests),
            ("searcher: add more tests for `replace_bytes`", Theme::Tests),
            ("Fix test for delayed progress bar display", Theme::Tests),
            ("ignore: fix failing test", Theme::Tests),
            (
                "Add type annotations for the types in `utils`",
                Theme::Chores,
            ),
            ("Fix ALL conflicts", Theme::Chores),
            ("Add some more todos", Theme::Chores),
            ("Fix cargo hack warnings", Theme::Chores),
            ("Fix typo in the parser", Theme::Chores),
            (
                "Fix InternalServerError docs to match current behavior",
                Theme::Documentation,
            ),
            ("Update CHANGES file", Theme::Documentation),
            ("Added appveyor", Theme::Build),
            ("Added Latvian translation", Theme::Translations),
            ("Updated Danish translation", Theme::Translations),
            ("Add support for test fixtures", Theme::Added),
            ("Fix the clock", Theme::Fixed),
            ("1285 fix path does not exist", Theme::Fixed),
            ("The clock", Theme::Other),
        ] {
            let headline = Headline::read(title, Forge::Unknown);
            assert_eq!(by_verb(&headline), theme, "{title}");
        }
    }
}
