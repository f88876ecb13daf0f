//! What a change is about: its theme by type, by the files it touches, or by its verb.

use super::subject::Subject;

/// The themes, in the order in which a diary tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Theme {
    Security,
    Added,
    Fixed,
    Faster,
    Reworked,
    Other,
    Removed,
    Reverted,
    Documentation,
    Tests,
    Build,
    Chores,
}

impl Theme {
    /// The theme of a change.
    pub fn of<'p>(subject: &Subject, paths: impl Iterator<Item = &'p String> + Clone) -> Self {
        let kind = subject.kind.as_deref();
        kind.and_then(by_type)
            .or_else(|| by_paths(paths))
            .unwrap_or_else(|| by_verb(&subject.title))
    }

    /// The heading of its section.
    pub fn heading(self) -> &'static str {
        match self {
            Theme::Security => "Security",
            Theme::Added => "Added",
            Theme::Fixed => "Fixed",
            Theme::Faster => "Made faster",
            Theme::Reworked => "Reworked",
            Theme::Other => "Changed",
            Theme::Removed => "Removed",
            Theme::Reverted => "Reverted",
            Theme::Documentation => "Documentation",
            Theme::Tests => "Tests",
            Theme::Build => "Build and checks",
            Theme::Chores => "Housekeeping",
        }
    }

    /// One and several changes of this theme, in a sentence.
    pub fn nouns(self) -> (&'static str, &'static str) {
        match self {
            Theme::Security => ("security change", "security changes"),
            Theme::Added => ("addition", "additions"),
            Theme::Fixed => ("fix", "fixes"),
            Theme::Faster => ("speed-up", "speed-ups"),
            Theme::Reworked => ("rework", "reworks"),
            Theme::Other => ("other change", "other changes"),
            Theme::Removed => ("removal", "removals"),
            Theme::Reverted => ("revert", "reverts"),
            Theme::Documentation => (
                "change to the documentation",
                "changes to the documentation",
            ),
            Theme::Tests => ("change to the tests", "changes to the tests"),
            Theme::Build => ("change to the build", "changes to the build"),
            Theme::Chores => ("chore", "chores"),
        }
    }

    /// What one change of this theme weighs.
    pub fn weight(self) -> u32 {
        match self {
            Theme::Security | Theme::Added | Theme::Faster => 4,
            Theme::Fixed => 3,
            Theme::Reworked | Theme::Removed | Theme::Reverted => 2,
            Theme::Other | Theme::Documentation | Theme::Tests => 1,
            Theme::Build | Theme::Chores => 0,
        }
    }

    /// Whether it is told in passing when it gives no reason.
    pub fn is_minor(self) -> bool {
        self >= Theme::Documentation
    }

    /// The tag of a post, if the theme is one.
    pub fn tag(self) -> Option<&'static str> {
        match self {
            Theme::Security => Some("security"),
            Theme::Added => Some("features"),
            Theme::Fixed => Some("fixes"),
            Theme::Faster => Some("performance"),
            Theme::Documentation => Some("documentation"),
            _ => None,
        }
    }
}

fn by_type(kind: &str) -> Option<Theme> {
    Some(match kind {
        "feat" => Theme::Added,
        "fix" => Theme::Fixed,
        "perf" => Theme::Faster,
        "security" => Theme::Security,
        "refactor" => Theme::Reworked,
        "revert" => Theme::Reverted,
        "docs" => Theme::Documentation,
        "test" => Theme::Tests,
        "build" | "ci" => Theme::Build,
        "chore" | "style" => Theme::Chores,
        _ => return None,
    })
}

/// A change that touches nothing but documentation, tests or build files is about them.
fn by_paths<'p>(paths: impl Iterator<Item = &'p String> + Clone) -> Option<Theme> {
    let all = |test: fn(&str) -> bool| {
        paths.clone().next().is_some() && paths.clone().all(|path| test(path))
    };
    if all(is_documentation) {
        Some(Theme::Documentation)
    } else if all(is_test) {
        Some(Theme::Tests)
    } else if all(is_build) {
        Some(Theme::Build)
    } else {
        None
    }
}

fn is_documentation(path: &str) -> bool {
    let ends = [".md", ".rst", ".adoc"]
        .iter()
        .any(|end| path.ends_with(end));
    ends || path.starts_with("docs/") || path.starts_with("doc/")
}

fn is_test(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let in_tests = folders
        .split('/')
        .any(|folder| matches!(folder, "tests" | "test" | "__tests__"));
    let stem = path.rsplit('/').next().unwrap_or_default();
    in_tests || stem.starts_with("test_") || stem.contains("_test.") || stem.contains(".test.")
}

fn is_build(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let folders = [".github/", ".gitlab/", ".ci/"];
    folders.iter().any(|folder| path.starts_with(folder))
        || name.ends_with(".lock")
        || matches!(
            name,
            "Cargo.toml"
                | "package.json"
                | "package-lock.json"
                | "Makefile"
                | "justfile"
                | "Dockerfile"
                | ".gitignore"
                | "go.sum"
                | "rust-toolchain.toml"
        )
}

fn by_verb(title: &str) -> Theme {
    let word = title
        .split([' ', ','])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    match word.as_str() {
        "add" | "adds" | "added" | "introduce" | "introduces" | "implement" | "implements"
        | "support" | "allow" | "allows" | "create" | "enable" | "offer" | "provide" => {
            Theme::Added
        }
        "fix" | "fixes" | "fixed" | "correct" | "repair" | "mend" | "prevent" | "avoid"
        | "handle" | "stop" | "restore" => Theme::Fixed,
        "refactor" | "rework" | "rename" | "move" | "extract" | "split" | "simplify"
        | "reorganise" | "reorganize" | "restructure" | "rewrite" | "clean" => Theme::Reworked,
        "remove" | "removes" | "drop" | "delete" | "retire" => Theme::Removed,
        "speed" | "optimise" | "optimize" | "cache" => Theme::Faster,
        "document" | "explain" | "describe" => Theme::Documentation,
        "test" => Theme::Tests,
        "revert" => Theme::Reverted,
        _ => Theme::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::subject::parse;
    use super::*;

    fn theme(subject: &str, paths: &[&str]) -> Theme {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        Theme::of(&parse(subject), paths.iter())
    }

    #[test]
    fn the_type_goes_before_the_files_and_these_before_the_verb() {
        assert_eq!(theme("feat: x", &["README.md"]), Theme::Added);
        assert_eq!(
            theme("Fix the example", &["README.md"]),
            Theme::Documentation
        );
        assert_eq!(
            theme("Fix the clock", &["src/a.rs", "README.md"]),
            Theme::Fixed
        );
        assert_eq!(theme("Fix the clock", &[]), Theme::Fixed);
        assert_eq!(theme("The clock", &["src/a.rs"]), Theme::Other);
        assert_eq!(
            theme("Check more", &[".github/workflows/a.yml"]),
            Theme::Build
        );
        assert_eq!(theme("Check more", &["tests/it/a.rs"]), Theme::Tests);
    }
}
