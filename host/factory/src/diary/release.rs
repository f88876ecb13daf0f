//! Releases: from headlines that say nothing else, and from tags.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A release of the day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Release {
    /// What claims name it by: `r1`.
    pub id: String,
    /// `1.4.0`, or `name 1.4.0`.
    pub name: String,
    /// The full id of the commit.
    pub commit: String,
    pub short: String,
}

/// What a headline releases, if it says nothing else: `v1.2.3`, `chore(main): release 1.2.3`,
/// `Release name v1.2.3 (#7)`, `Bump version to 2.0.0-rc.1`.
pub fn in_headline(line: &str) -> Option<String> {
    pattern!(
        RELEASE,
        r"(?ix)^(?:(?:chore|build|ci|release|meta)(?:\([^)]*\))?!?:\s*)?
          (?:(?:prepare(?:s|d)?|bump(?:s|ed)?|cut|tag(?:ged)?|publish(?:ed)?|make|new)\s+)*
          (?:this\s+is\s+)?(?:the\s+|a\s+|for\s+)?(?:(?:releas(?:e|es|ed|ing)|version|tag)\s+)*
          (?:(?:from\s+\S+\s+)?to\s+|of\s+)?(?:the\s+)?
          (?:(?<name>@?[\w./-]*[a-z][\w./-]*?)[\s@]+)?
          v?(?<version>\d+(?:\.\d+){1,3}(?:[-+.][\w.+-]+)?)
          (?:\s+release|\s+for\s+release|\s+and\s+(?:related|other)\s+(?:crates|packages|versions))?
          (?:\s*\(\#\d+\))*\.?$"
    );
    // `grep-0.3.0`, alone, is written like a tag.
    if let Some(name) = Some(line.trim()).filter(|line| !line.contains(' ')) {
        return in_tag(name).filter(|_| name.contains('.'));
    }
    let found = RELEASE.captures(line.trim())?;
    let words = [
        "release", "releases", "version", "to", "from", "bump", "for", "of", "prepare",
    ];
    let name = found.name("name").map(|name| name.as_str());
    let name = name.filter(|name| !words.contains(&name.to_lowercase().as_str()));
    let says_so = line.to_lowercase();
    let says_so = ["release", "version", "tag", "publish"]
        .iter()
        .any(|word| says_so.contains(word));
    // `Use sqlite 3.50` releases nothing, `core 1.2.3` alone does.
    let alone = line.split_whitespace().count() == 2 && found["version"].matches('.').count() > 1;
    if name.is_some() && !says_so && !alone {
        return None;
    }
    let version = &found["version"];
    Some(name.map_or_else(|| version.to_owned(), |name| format!("{name} {version}")))
}

/// Whether a headline says that the work on a version begins, which releases nothing.
pub fn begins(line: &str) -> bool {
    pattern!(
        BEGINS,
        r"(?i)^(?:start|begin|open)\w*\s+(?:the\s+|work\s+on\s+|next\s+|new\s+|development\s+(?:of\s+)?)*(?:version|release|cycle|v?\d+\.\d+)"
    );
    BEGINS.is_match(line.trim())
}

/// Whether all that a release commit needs to touch is touched: manifests, changelogs and versions.
pub fn is_made_of<'p>(mut paths: impl Iterator<Item = &'p String>) -> bool {
    paths.all(|path| {
        let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
        let manifests = [
            "cargo.toml",
            "cargo.lock",
            "package.json",
            "setup.py",
            "setup.cfg",
            "pyproject.toml",
            "meson.build",
        ];
        manifests.contains(&name.as_str())
            || [
                "-lock.json",
                ".lock",
                ".gemspec",
                ".metainfo.xml",
                ".appdata.xml",
                ".appdata.xml.in",
            ]
            .iter()
            .any(|end| name.ends_with(end))
            || [
                "change",
                "news",
                "history",
                "release",
                "version",
                "__init__.py",
                "__about__.py",
            ]
            .iter()
            .any(|head| name.starts_with(head))
    })
}

/// By what releases are put in order: their name, and the numbers of their version, where what
/// comes before a release is told before it.
pub fn order(name: &str) -> (String, Vec<u64>, bool, String) {
    let (of, version) = name.rsplit_once(' ').unwrap_or(("", name));
    let end = version.find(['-', '+']).unwrap_or(version.len());
    let numbers = version[..end].split('.');
    let numbers = numbers.map(|number| number.parse().unwrap_or_default());
    let is_whole = !version[end..].starts_with('-');
    (
        of.to_owned(),
        numbers.collect(),
        is_whole,
        version[end..].to_owned(),
    )
}

/// What a tag releases: `v1.2.3`, `name-v1.2.3`, `name@1.2.3`, `release-1.2`.
pub fn in_tag(tag: &str) -> Option<String> {
    pattern!(
        TAG,
        r"(?i)^(?:(?:refs/tags/)?(?<name>@?[\w./-]*[a-z][\w./]*)[-@/_])?v?(?<version>\d+(?:\.\d+){1,3}(?:[-+.][\w.+-]+)?)$"
    );
    let found = TAG.captures(tag)?;
    let version = &found["version"];
    let name = found.name("name").map(|name| name.as_str());
    let name = name.filter(|name| {
        !matches!(
            name.to_lowercase().as_str(),
            "release" | "releases" | "v" | "version"
        )
    });
    Some(name.map_or_else(|| version.to_owned(), |name| format!("{name} {version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headlines_that_say_nothing_else_are_releases() {
        for (line, name) in [
            ("v1.2.3", Some("1.2.3")),
            ("1.2.3", Some("1.2.3")),
            ("Release 1.2.3", Some("1.2.3")),
            ("Release v2.0.0-beta.1 (#79)", Some("2.0.0-beta.1")),
            ("chore(main): release 1.4.0", Some("1.4.0")),
            ("chore(release): 1.4.0", Some("1.4.0")),
            ("chore: release v1.2.3", Some("1.2.3")),
            ("Bump version to 2.0.0-rc.1", Some("2.0.0-rc.1")),
            ("chore(main): release core 1.4.0", Some("core 1.4.0")),
            ("Prepare release 3.1", Some("3.1")),
            ("core 1.2.3", Some("core 1.2.3")),
            ("Use sqlite 3.50", None),
            ("Release the lock", None),
            ("feat: speak TLS 1.3", None),
            ("Bump lodash from 1.2.3 to 1.2.4", None),
            ("Version Packages", None),
            ("fix: 2 settings", None),
            ("This is 6.1", Some("6.1")),
            ("grep-0.3.0", Some("grep 0.3.0")),
            ("Release axum 0.8.5 and related crates", Some("axum 0.8.5")),
            ("Start version 8.1.5", None),
            ("utf-8", None),
        ] {
            assert_eq!(in_headline(line).as_deref(), name, "{line}");
        }
    }

    #[test]
    fn tags_with_a_version_are_releases() {
        for (tag, name) in [
            ("v1.2.3", Some("1.2.3")),
            ("core-v1.2.3", Some("core 1.2.3")),
            ("@a/core@1.2.3", Some("@a/core 1.2.3")),
            ("release-1.2", Some("1.2")),
            ("latest", None),
            ("nightly-2026-06-25", None),
            ("v1", None),
        ] {
            assert_eq!(in_tag(tag).as_deref(), name, "{tag}");
        }
    }

    #[test]
    fn releases_are_in_the_order_of_their_versions() {
        let mut names = [
            "14.0.1",
            "grep 0.3.0",
            "14.0.0",
            "9.10.0",
            "14.0.0-rc.1",
            "9.9.0",
        ];
        names.sort_by_key(|name| order(name));
        let told = [
            "9.9.0",
            "9.10.0",
            "14.0.0-rc.1",
            "14.0.0",
            "14.0.1",
            "grep 0.3.0",
        ];
        assert_eq!(names, told);
        assert!(begins("Start version 8.1.5") && !begins("Start the clock"));
    }
}
