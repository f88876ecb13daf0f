//! The first line of a commit, read: conventional type, scope, and the pull request.

/// The conventional types that count as such; anything else before a colon is a scope.
const TYPES: [&str; 16] = [
    "feat", "feature", "fix", "bugfix", "hotfix", "perf", "security", "refactor", "docs", "doc",
    "test", "tests", "build", "ci", "chore", "style",
];

/// A subject in its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The conventional type, in its usual spelling.
    pub kind: Option<String>,
    pub scope: Option<String>,
    pub breaking: bool,
    pub pull_request: Option<u64>,
    /// What is left: a sentence fragment with a capital.
    pub title: String,
}

/// Read a subject.
pub fn parse(subject: &str) -> Subject {
    let (rest, pull_request) = trailing_number(subject.trim());
    let mut parsed = prefix(rest).unwrap_or_else(|| Subject {
        title: rest.to_owned(),
        ..Subject::default()
    });
    if is_revert(&parsed.title) && parsed.kind.is_none() {
        parsed.kind = Some("revert".to_owned());
    }
    parsed.title = tidy(&parsed.title);
    parsed.pull_request = pull_request;
    parsed
}

/// `subject (#12)`, as a squashed pull request ends.
fn trailing_number(subject: &str) -> (&str, Option<u64>) {
    let inside = subject
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('('));
    let number = inside.and_then(|(rest, inner)| {
        let inner = inner
            .trim_start_matches("PR ")
            .trim_start_matches("pull request ");
        let digits = inner.strip_prefix(['#', '!'])?;
        Some((rest.trim_end(), digits.parse().ok()?))
    });
    number.map_or((subject, None), |(rest, number)| (rest, Some(number)))
}

/// `type(scope)!: title`, `type: title` or `scope: title`.
fn prefix(subject: &str) -> Option<Subject> {
    let (head, title) = subject.split_once(':')?;
    if !title.starts_with(' ') || title.trim().is_empty() {
        return None;
    }
    let (head, breaking) = head
        .strip_suffix('!')
        .map_or((head, false), |head| (head, true));
    let (word, scope) = match head.split_once('(') {
        Some((word, scope)) => (word, Some(scope.strip_suffix(')')?.trim().to_owned())),
        None => (head, None),
    };
    let kind = usual(word.trim());
    if kind.is_none() && (scope.is_some() || !is_scope(word)) {
        return None;
    }
    let scope = scope.or_else(|| kind.is_none().then(|| word.to_owned()));
    Some(Subject {
        kind,
        scope: scope.filter(|scope| !scope.is_empty()),
        breaking,
        pull_request: None,
        title: title.trim().to_owned(),
    })
}

fn usual(word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let kind = match lower.as_str() {
        "feature" => "feat",
        "bugfix" | "hotfix" => "fix",
        "doc" => "docs",
        "tests" => "test",
        "sec" => "security",
        "revert" => "revert",
        known if TYPES.contains(&known) => known,
        _ => return None,
    };
    Some(kind.to_owned())
}

/// A scope in the manner of kernels and compilers: one short word in lower case.
fn is_scope(word: &str) -> bool {
    (2..=30).contains(&word.len())
        && word.starts_with(|first: char| first.is_ascii_lowercase())
        && word
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-/.".contains(c))
}

fn is_revert(title: &str) -> bool {
    title.starts_with("Revert \"")
}

/// Without picture codes and the full stop, with a capital.
fn tidy(title: &str) -> String {
    let mut title = title.trim();
    while let Some((code, rest)) = picture(title) {
        let _ = code;
        title = rest.trim_start();
    }
    let title = title
        .strip_suffix('.')
        .filter(|rest| !rest.ends_with('.'))
        .unwrap_or(title);
    capital(title.trim())
}

/// `:sparkles: rest`, or a leading symbol that is no letter, digit or bracket.
fn picture(title: &str) -> Option<(&str, &str)> {
    if let Some(rest) = title.strip_prefix(':') {
        let (code, rest) = rest.split_once(':')?;
        let named = !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        return named.then_some((code, rest));
    }
    let first = title.chars().next()?;
    let symbol = !first.is_ascii() && !first.is_alphanumeric();
    symbol.then(|| title.split_at(first.len_utf8()))
}

/// With a capital, unless the first word is a name such as `iOS` or `snake_case`.
pub fn capital(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    let plain = word.chars().all(|c| c.is_lowercase() || "'-,".contains(c));
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if plain => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// The pull request that a merge brought in: its number and title.
pub fn merged(subject: &str, body: &str) -> Option<(u64, String)> {
    let first_line = body.lines().map(str::trim).find(|line| !line.is_empty());
    let or_subject = |title: &str| {
        if title.is_empty() {
            subject.to_owned()
        } else {
            title.to_owned()
        }
    };
    if let Some(rest) = subject.strip_prefix("Merge pull request #") {
        let title = first_line.unwrap_or_else(|| branch(rest));
        return Some((leading(rest)?, or_subject(title)));
    }
    if let Some(rest) = subject.strip_prefix("Merge pull request '") {
        let (title, rest) = rest.split_once("' (#")?;
        return Some((leading(rest)?, title.to_owned()));
    }
    if let Some(rest) = subject.strip_prefix("Merged PR ") {
        let title = rest.split_once(':').map_or("", |(_, title)| title.trim());
        return Some((leading(rest)?, or_subject(title)));
    }
    if let Some((_, rest)) = subject.split_once("(pull request #") {
        return Some((leading(rest)?, or_subject(first_line.unwrap_or_default())));
    }
    let line = body
        .lines()
        .find(|line| line.contains("See merge request "))?;
    let number = leading(line.rsplit_once('!')?.1)?;
    Some((
        number,
        or_subject(
            first_line
                .filter(|first| *first != line)
                .unwrap_or_default(),
        ),
    ))
}

fn leading(text: &str) -> Option<u64> {
    let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The branch in `12 from owner/branch`, if nothing better names the pull request.
fn branch(rest: &str) -> &str {
    let name = rest.split_once(" from ").map_or("", |(_, name)| name);
    name.split_once('/').map_or(name, |(_, branch)| branch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conventional_subjects_come_apart() {
        let parsed = parse("feat(store)!: keep the newest rows. (#123)");
        assert_eq!(parsed.kind.as_deref(), Some("feat"));
        assert_eq!(parsed.scope.as_deref(), Some("store"));
        assert!(parsed.breaking);
        assert_eq!(parsed.pull_request, Some(123));
        assert_eq!(parsed.title, "Keep the newest rows");
        assert_eq!(parse("Bugfix: x y").kind.as_deref(), Some("fix"));
        assert_eq!(parse("revert: x y").kind.as_deref(), Some("revert"));
        assert_eq!(parse("Revert \"feat: x\"").kind.as_deref(), Some("revert"));
    }

    #[test]
    fn other_subjects_keep_their_words() {
        let kernel = parse("sched/core: fix the clock");
        assert_eq!(
            (kernel.kind, kernel.scope.as_deref()),
            (None, Some("sched/core"))
        );
        let plain = parse("Note: the parser: slow");
        assert_eq!(
            (plain.kind, plain.title.as_str()),
            (None, "Note: the parser: slow")
        );
        assert_eq!(
            parse("snake_case names stay").title,
            "snake_case names stay"
        );
        assert_eq!(parse(":sparkles: ✨ add x").title, "Add x");
        assert_eq!(parse("Say (why)").pull_request, None);
        assert_eq!(parse("Wait...").title, "Wait...");
        assert_eq!(parse("").title, "");
    }

    #[test]
    fn merges_name_their_pull_request() {
        let title = |subject, body| merged(subject, body);
        assert_eq!(
            title("Merge pull request #12 from a/fix-x", "\nFix x\n"),
            Some((12, "Fix x".into()))
        );
        assert_eq!(
            title("Merge pull request #12 from a/fix-x", ""),
            Some((12, "fix-x".into()))
        );
        assert_eq!(
            title("Merge pull request 'Fix x' (#7) from a/b into main", ""),
            Some((7, "Fix x".into()))
        );
        assert_eq!(title("Merged PR 9: Fix x", ""), Some((9, "Fix x".into())));
        assert_eq!(
            title("Merged in a/b (pull request #5)", "Fix x"),
            Some((5, "Fix x".into()))
        );
        assert_eq!(
            title(
                "Merge branch 'x' into 'main'",
                "Fix x\n\nSee merge request g/p!31"
            ),
            Some((31, "Fix x".into()))
        );
        assert_eq!(title("Merge branch 'x'", ""), None);
        assert_eq!(title("Merge pull request #x from y", "z"), None);
    }
}
