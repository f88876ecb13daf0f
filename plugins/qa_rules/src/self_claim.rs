//! `qa.self_claim`: what a draft says of the system that it is about, held against that system: versions,
//! settings, paths. Of anything else it knows nothing, and says so.

use callboard_plugin::{Call, Done, Handler, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::review::{Draft, Finding, Review, Severity};
use crate::text::Text;

pub(crate) struct SelfClaim;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// What is known of the system, if no stage before it writes it.
    system: Option<System>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Reads {
    draft: Draft,
    /// What is known of the system that it may be about.
    system: Option<System>,
}

/// What is known of a system.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct System {
    /// Its name: a draft without it is not about it.
    name: String,
    /// Versions that there are.
    versions: Vec<String>,
    /// Keys of its settings.
    settings: Vec<String>,
    /// Paths of its files.
    paths: Vec<String>,
    /// The least and the greatest score that it has given.
    scores: Option<[u32; 2]>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Writes {
    self_claim: Review,
}

impl Handler for SelfClaim {
    const NAME: &'static str = "qa.self_claim";
    const SUMMARY: &'static str = "Rejects a draft that names versions, settings or paths that the system it is about does not have";
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    fn handle(_: &Call, config: Config, reads: Reads) -> Result<Done<Writes>, Stop> {
        let Some(system) = reads.system.or(config.system) else {
            return Err(Stop::nothing_to_do(
                "nothing is known of the system that it may be about",
            ));
        };
        let about = [&reads.draft.title, &reads.draft.markdown];
        let name = system.name.to_lowercase();
        if name.is_empty() || !about.iter().any(|text| text.to_lowercase().contains(&name)) {
            return Err(Stop::nothing_to_do(format!(
                "it is not about {}",
                system.name
            )));
        }
        review(&reads.draft, &system).verdict(|self_claim| Writes { self_claim })
    }
}

pub(crate) fn review(draft: &Draft, system: &System) -> Review {
    let text = Text::read(&draft.title, &draft.markdown);
    let mut findings = Vec::new();
    let mut miss = |rule: &str, at: usize, said: &str| {
        findings.push(Finding {
            rule: rule.to_owned(),
            severity: Severity::Error,
            message: format!("{} has no `{said}`", system.name),
            line: Some(text.line(at)),
            excerpt: said.to_owned(),
        });
    };
    let name = system.name.to_lowercase();
    for passage in text.body() {
        for (index, word) in passage.words.iter().enumerate() {
            let version = word.lower.strip_prefix('v').unwrap_or(&word.lower);
            // Of something else a version may be anything.
            let of_it =
                (index.saturating_sub(3)..index).any(|before| passage.words[before].lower == name);
            if of_it && is_version(version) && !known(&system.versions, version) {
                miss("unknown_version", word.at, passage.word(index));
            }
            let scored = |before: usize| word_is_score(&passage.words[before].lower);
            if (index.saturating_sub(BEHIND)..index).any(scored)
                && is_strange(system.scores, &word.lower)
            {
                miss(
                    "unknown_score",
                    word.at,
                    &format!("score {}", passage.word(index)),
                );
            }
        }
    }
    for span in &text.spans {
        let said = span.text.trim();
        if is_setting(said, &system.settings) && !known(&system.settings, said) {
            miss("unknown_setting", span.at, said);
        } else if is_path(said, &system.paths) && !known(&system.paths, said) {
            miss("unknown_path", span.at, said);
        }
    }
    Review::of(findings)
}

fn known(list: &[String], said: &str) -> bool {
    let said = said.trim_start_matches('v').trim_end_matches('/');
    list.iter()
        .any(|it| it.trim_start_matches('v').trim_end_matches('/') == said)
}

/// How many words may stand between a score and its number.
const BEHIND: usize = 3;

fn word_is_score(word: &str) -> bool {
    matches!(word, "score" | "scores" | "scored" | "scoring")
}

/// Whether a number is none that could have been scored, one beside included.
fn is_strange(scores: Option<[u32; 2]>, said: &str) -> bool {
    let Some([least, most]) = scores else {
        return false;
    };
    let number = said.parse::<f64>();
    number.is_ok_and(|number| number < f64::from(least) - 1.0 || number > f64::from(most) + 1.0)
}

fn is_version(text: &str) -> bool {
    let mut parts = text.split('.');
    text.contains('.')
        && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a code span looks like a key: its first part is that of a setting that there is.
fn is_setting(text: &str, settings: &[String]) -> bool {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte));
    let first = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
    plain && text.contains('.') && settings.iter().any(|key| first(key) == first(text))
}

/// Whether a code span looks like a path: its first folder is one that there is.
fn is_path(text: &str, paths: &[String]) -> bool {
    let plain = !text.contains(char::is_whitespace) && !text.contains("://");
    let folder = text.split_once('/').map(|(first, _)| first);
    plain
        && folder.is_some_and(|folder| {
            paths
                .iter()
                .any(|path| path.split('/').next() == Some(folder))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_the_system_is_so() {
        let list = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
        let system = System {
            name: "Callboard".to_owned(),
            versions: list(&["0.1.0"]),
            settings: list(&["roles.writer.url"]),
            paths: list(&["host/core/src/lib.rs", "host/core"]),
            scores: Some([60, 88]),
        };
        let said = |markdown: &str| {
            let draft = Draft {
                markdown: markdown.to_owned(),
                ..Draft::default()
            };
            let review = review(&draft, &system);
            review
                .findings
                .into_iter()
                .map(|it| (it.rule, it.excerpt))
                .collect::<Vec<_>>()
        };
        let found = |rule: &str, said: &str| vec![(rule.to_owned(), said.to_owned())];
        assert_eq!(
            said("Callboard v0.9.1 is out."),
            found("unknown_version", "v0.9.1")
        );
        assert_eq!(
            said("Set `roles.writer.adress`."),
            found("unknown_setting", "roles.writer.adress")
        );
        assert_eq!(
            said("See `host/core/src/main.rs`."),
            found("unknown_path", "host/core/src/main.rs")
        );
        assert_eq!(
            said("Its drafts score about 97."),
            found("unknown_score", "score 97")
        );
        for fine in [
            "Its drafts scored 61 and 89, of 100 days.",
            "Callboard 0.1.0 is out, on Rust 1.95.0.",
            "Set `roles.writer.url`, and see `host/core/` and `src/lib.rs`, or `serde_json::to_string`.",
        ] {
            assert_eq!(said(fine), Vec::new(), "{fine}");
        }
    }
}
