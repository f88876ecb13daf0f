//! The verifier: every citation of a text has to be in the bundle. No model, no mercy.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::Bundle;
use super::composer::{self, BUILT_IN, Draft};
use super::grammar::{Kind, Reading, Token, distinct, scan};

/// How many different citations passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    pub pull_requests: usize,
    pub commits: usize,
    pub versions: usize,
    pub paths: usize,
}

/// The verdict on a draft whose citations all hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Citations {
    /// `pass`; a draft that does not pass is rejected instead.
    pub verdict: String,
    pub checked: Checked,
}

impl Citations {
    /// Every citation holds.
    pub fn pass(checked: Checked) -> Self {
        Self {
            verdict: "pass".to_owned(),
            checked,
        }
    }
}

/// A citation that the bundle does not bear out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// `title`, `excerpt` or `text`.
    pub part: &'static str,
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.part, self.line, self.what)
    }
}

/// What a text may cite.
pub struct Evidence<'b> {
    bundle: &'b Bundle,
    requests: BTreeSet<u64>,
    said: Vec<Token>,
    allowed_versions: Vec<String>,
}

impl<'b> Evidence<'b> {
    /// The evidence in a bundle, and versions that may be named besides.
    pub fn new(bundle: &'b Bundle, allowed_versions: &[String]) -> Self {
        let requests = bundle.pull_requests.iter().map(|request| request.number);
        let inline = bundle
            .commits
            .iter()
            .filter_map(|commit| commit.pull_request);
        let plain = |version: &String| version.to_lowercase().trim_start_matches('v').to_owned();
        Self {
            bundle,
            requests: requests.chain(inline).collect(),
            said: sources(bundle),
            allowed_versions: allowed_versions.iter().map(plain).collect(),
        }
    }

    /// The citations of a text that it does not bear out.
    pub fn misses(&self, part: &'static str, text: &str) -> Vec<Miss> {
        let tokens = scan(text, Reading::Draft);
        let wrong = tokens.into_iter().filter(|token| !self.bears_out(token));
        let miss = wrong.map(|token| Miss {
            part,
            line: token.line,
            what: format!("{} `{}` is not in the bundle", token.kind, token.text),
        });
        miss.collect()
    }

    /// Whether a text cites nothing else.
    pub fn bears_out_all(&self, text: &str) -> bool {
        scan(text, Reading::Draft)
            .iter()
            .all(|token| self.bears_out(token))
    }

    fn bears_out(&self, token: &Token) -> bool {
        let text = token.text.as_str();
        let said = |kind| {
            self.said
                .iter()
                .any(|other| other.kind == kind && other.text == text)
        };
        match token.kind {
            Kind::PullRequest => self.has_request(text) || said(Kind::PullRequest),
            Kind::Reference => {
                self.has_request(text) || said(Kind::Reference) || said(Kind::PullRequest)
            }
            Kind::Commit => self.has_commit(text) || said(Kind::Commit),
            Kind::Version => self.allowed_versions.iter().any(|v| v == text) || said(Kind::Version),
            Kind::Path => self.has_path(text) || said(Kind::Path),
            Kind::Address => said(Kind::Address),
            Kind::Day => self.has_day(text) || said(Kind::Day),
            Kind::Count => self.counts().contains(&token.text) || said(Kind::Count),
            Kind::Markup => false,
        }
    }

    fn has_request(&self, number: &str) -> bool {
        number
            .parse()
            .is_ok_and(|number| self.requests.contains(&number))
    }

    fn has_commit(&self, id: &str) -> bool {
        let commits = self.bundle.commits.iter().map(|commit| &commit.id);
        let requests = &self.bundle.pull_requests;
        let others = requests
            .iter()
            .flat_map(|request| request.merge.iter().chain(&request.commits));
        commits.chain(others).any(|full| full.starts_with(id))
    }

    /// A file of the bundle, the end of its path, or a folder above it.
    fn has_path(&self, path: &str) -> bool {
        let mut paths = self.bundle.commits.iter().flat_map(|commit| &commit.paths);
        paths.any(|whole| {
            whole == path
                || whole
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
                || whole
                    .strip_suffix(path)
                    .is_some_and(|rest| rest.ends_with('/'))
        })
    }

    fn has_day(&self, day: &str) -> bool {
        let mut commits = self.bundle.commits.iter();
        day == self.bundle.day || commits.any(|commit| commit.committed_at.starts_with(day))
    }

    /// The counts that are true of the bundle.
    fn counts(&self) -> Vec<String> {
        let Bundle {
            commits,
            pull_requests,
            dropped,
            ..
        } = self.bundle;
        let counted = commits.len() as u64;
        let numbers = [
            counted,
            counted + dropped.over_limit,
            counted + dropped.bots + dropped.bookkeeping + dropped.over_limit,
            dropped.bots,
            dropped.bookkeeping,
            dropped.over_limit,
        ];
        let mut counts: Vec<String> = numbers.iter().map(|n| format!("{n} commit")).collect();
        counts.push(format!("{} pull request", pull_requests.len()));
        counts.push(format!("{} author", self.bundle.authors()));
        counts
    }
}

/// Citations in what the bundle says: messages, titles, paths, tags and names.
fn sources(bundle: &Bundle) -> Vec<Token> {
    let Bundle {
        repository,
        commits,
        pull_requests,
        tags,
        ..
    } = bundle;
    let messages = commits
        .iter()
        .flat_map(|c| [&c.subject, &c.body].into_iter().chain(&c.scope));
    let paths = commits.iter().flat_map(|commit| &commit.paths);
    let authors = commits.iter().map(|commit| &commit.author);
    let titles = pull_requests
        .iter()
        .flat_map(|request| [&request.title, &request.body]);
    let texts = messages
        .chain(paths)
        .chain(authors)
        .chain(titles)
        .chain(tags);
    let mut tokens: Vec<Token> = texts
        .chain([repository])
        .flat_map(|text| scan(text, Reading::Source))
        .collect();
    tokens.extend(scan(bundle.name(), Reading::Source));
    tokens
}

/// Check a draft against its bundle.
pub fn check(
    draft: &Draft,
    bundle: &Bundle,
    allowed_versions: &[String],
) -> Result<Checked, Vec<Miss>> {
    let mut evidence = Evidence::new(bundle, allowed_versions);
    evidence
        .said
        .extend(scan(&draft.written_by, Reading::Source));
    let parts = [
        ("title", &draft.title),
        ("excerpt", &draft.excerpt),
        ("text", &draft.markdown),
    ];
    let mut misses = empty(&parts);
    misses.extend(
        parts
            .iter()
            .flat_map(|(part, text)| evidence.misses(part, text)),
    );
    misses.extend(wrong_opening(draft, bundle));
    if draft.covers != bundle.day {
        misses.push(miss(
            "text",
            format!("it covers {}, the bundle {}", draft.covers, bundle.day),
        ));
    }
    if misses.is_empty() {
        Ok(checked(draft))
    } else {
        Err(misses)
    }
}

fn miss(part: &'static str, what: String) -> Miss {
    Miss {
        part,
        line: 1,
        what,
    }
}

fn empty(parts: &[(&'static str, &String)]) -> Vec<Miss> {
    let empty = parts.iter().filter(|(_, text)| text.trim().is_empty());
    empty
        .map(|(part, _)| miss(part, "nothing is written".to_owned()))
        .collect()
}

/// The built-in opening is nothing but numbers, so it has to be the one this bundle gives.
fn wrong_opening(draft: &Draft, bundle: &Bundle) -> Option<Miss> {
    let opening = composer::opening(bundle);
    let wrong = draft.written_by == BUILT_IN && !draft.markdown.starts_with(&opening);
    wrong.then(|| {
        miss(
            "text",
            format!("the opening is not the one of the bundle: {opening}"),
        )
    })
}

fn checked(draft: &Draft) -> Checked {
    let text = format!("{}\n{}\n{}", draft.title, draft.excerpt, draft.markdown);
    let tokens = scan(&text, Reading::Draft);
    let count = |kind| distinct(&tokens, kind).len();
    Checked {
        pull_requests: count(Kind::PullRequest),
        commits: count(Kind::Commit),
        versions: count(Kind::Version),
        paths: count(Kind::Path),
    }
}

#[cfg(test)]
pub(crate) mod tests;
