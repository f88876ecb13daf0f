//! What a change is about: its theme by type, by the files it touches, or by its verb and what that
//! is done to.

mod verb;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::verb::by_verb;
use super::headline::Headline;

/// The themes, in the order in which a diary tells them.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    Security,
    Added,
    Fixed,
    Faster,
    Reworked,
    #[default]
    Other,
    Removed,
    Reverted,
    /// What was taken back before is there again.
    Restored,
    Documentation,
    Translations,
    Tests,
    Build,
    Chores,
}

impl Theme {
    /// The theme of a change.
    pub fn of<'p>(headline: &Headline, paths: impl Iterator<Item = &'p String> + Clone) -> Self {
        if let Some(undo) = &headline.undo {
            return if undo.restores {
                Theme::Restored
            } else {
                Theme::Reverted
            };
        }
        let scope = headline.scope.as_deref().unwrap_or_default();
        if scope == "deps" || scope.starts_with("deps-") || scope == "dependencies" {
            return Theme::Build;
        }
        let kind = headline.kind.as_deref();
        kind.and_then(by_type)
            .or_else(|| by_paths(paths))
            .unwrap_or_else(|| by_verb(headline))
    }

    /// What one change of this theme weighs by itself.
    pub fn weight(self) -> u32 {
        match self {
            Theme::Security => 4,
            Theme::Added | Theme::Faster => 3,
            Theme::Fixed | Theme::Reworked | Theme::Removed | Theme::Reverted | Theme::Restored => {
                2
            }
            Theme::Other => 1,
            Theme::Documentation
            | Theme::Translations
            | Theme::Tests
            | Theme::Build
            | Theme::Chores => 0,
        }
    }

    /// Whether it is about the work and not about what is made.
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

/// A change that touches nothing but translations, documentation, tests or build files is about
/// them.
fn by_paths<'p>(paths: impl Iterator<Item = &'p String> + Clone) -> Option<Theme> {
    // A line in a list of changes is no documentation of anything.
    let others = paths.clone().filter(|path| !is_changelog(path));
    let only_changelog = others.clone().next().is_none();
    let all = |test: fn(&str) -> bool| {
        if only_changelog {
            paths.clone().next().is_some() && paths.clone().all(|path| test(path))
        } else {
            others.clone().all(|path| test(path))
        }
    };
    if all(is_translation) {
        Some(Theme::Translations)
    } else if all(is_documentation) {
        Some(Theme::Documentation)
    } else if all(is_test) {
        Some(Theme::Tests)
    } else if all(is_build) {
        Some(Theme::Build)
    } else {
        None
    }
}

fn is_translation(path: &str) -> bool {
    let folders = ["po/", "locale/", "locales/", "translations/", "i18n/"];
    let ends = [".po", ".pot", ".ftl", ".xliff", "/LINGUAS"];
    let below = |folder: &&str| path.starts_with(*folder) || path.contains(&format!("/{folder}"));
    ends.iter().any(|end| path.ends_with(end)) || folders.iter().any(below)
}

fn is_documentation(path: &str) -> bool {
    let ends = [".md", ".rst", ".adoc"]
        .iter()
        .any(|end| path.ends_with(end));
    let name = path.rsplit('/').next().unwrap_or_default();
    let names = [
        "README",
        "AUTHORS",
        "CONTRIBUTING",
        "CONTRIBUTORS",
        "LICENSE",
        "COPYING",
        "THANKS",
    ];
    let named = names.contains(&name.split_once('.').map_or(name, |(stem, _)| stem));
    ends || named || is_changelog(path) || path.starts_with("docs/") || path.starts_with("doc/")
}

fn is_changelog(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let names = ["CHANGES", "CHANGELOG", "NEWS", "HISTORY"];
    names.iter().any(|known| stem.eq_ignore_ascii_case(known))
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

#[cfg(test)]
mod tests {
    use super::super::forge::Forge;
    use super::*;

    fn theme(subject: &str, paths: &[&str]) -> Theme {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        Theme::of(&Headline::read(subject, Forge::Unknown), paths.iter())
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
        assert_eq!(theme("Update Polish", &["po/pl.po"]), Theme::Translations);
        let docs = ["CHANGES", "docs/bashcomplete.rst", "docs/utils.rst"];
        assert_eq!(theme("Clean up Sphinx errors", &docs), Theme::Documentation);
        let tests = ["CHANGES.md", "tests/test_a.py"];
        assert_eq!(theme("Check more", &tests), Theme::Tests);
        assert_eq!(theme("Say less", &["README"]), Theme::Documentation);
    }

    #[test]
    fn verbs_are_known_in_every_form() {
        for title in ["Adds x", "Adding x", "Added x", "store: allow x"] {
            assert_eq!(theme(title, &[]), Theme::Added, "{title}");
        }
        assert_eq!(theme("Stopped x", &[]), Theme::Fixed);
        assert_eq!(theme("Simplified x", &[]), Theme::Reworked);
        assert_eq!(theme("Address x", &[]), Theme::Other);
        assert_eq!(theme("Reapply \"feat: x\"", &[]), Theme::Restored);
    }
}
