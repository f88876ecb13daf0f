//! The verifier. A claim that quotes has to be in a message that it stands on; a model's own words
//! are held against the changes that they cite; and what is neither, such as the words of the
//! template, may cite nothing that is not in the bundle. No model, no mercy.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::{Bundle, Change, Commit, is_of};
use super::composer::{BUILT_IN, compile, sources};
use super::forge::Forge;
use super::grammar::{CitationReading, Token, TokenKind, distinct, scan};
use super::message::Message;
use super::page::render;
use super::prose::{Prose, tame};
use super::text::bare;
use super::words::Material;
use crate::draft::Draft;
use crate::draft::{Claim, ClaimKind as Said};
use crate::markdown::pictures;

/// Shorter claims are no words of their own: they may be a part of any other.
const SHORTEST: usize = 8;

/// How many different citations passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CitationCounts {
    /// What was said of which change.
    #[serde(default)]
    pub claims: usize,
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
    pub checked: CitationCounts,
}

impl Citations {
    /// Every citation holds.
    pub fn pass(checked: CitationCounts) -> Self {
        Self {
            verdict: "pass".to_owned(),
            checked,
        }
    }
}

/// What the bundle does not bear out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// `title`, `excerpt`, `text` or `claim`.
    pub part: &'static str,
    /// From 1; of a claim its number.
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.part == "claim" { "" } else { " line" };
        write!(f, "{}{place} {}: {}", self.part, self.line, self.what)
    }
}

/// Check a draft against its bundle, and a built-in one against what the template makes of it.
pub fn check(
    draft: &Draft,
    bundle: &Bundle,
    template: &str,
    allowed_versions: &[String],
) -> Result<CitationCounts, Vec<Unsupported>> {
    let said = unillustrated(&draft.markdown);
    let parts = [
        ("title", &draft.title),
        ("excerpt", &draft.excerpt),
        ("text", &said),
    ];
    let empty = parts.iter().filter(|(_, text)| text.trim().is_empty());
    let mut misses: Vec<Unsupported> = empty
        .map(|(part, _)| miss(part, "nothing is written".to_owned()))
        .collect();
    if draft.covers != bundle.day {
        let what = format!("it covers {}, the bundle {}", draft.covers, bundle.day);
        misses.push(miss("text", what));
    }
    misses.extend(unborne(&draft.claims, bundle));
    // What the template makes of the bundle needs no other proof.
    let another = another(draft, &said, bundle, template);
    if draft.written_by != BUILT_IN || another.is_some() {
        let evidence = Evidence::new(bundle, allowed_versions, &draft.written_by);
        for (part, text) in parts {
            misses.extend(evidence.misses(part, &rest(text, part, draft, bundle)));
        }
    }
    misses.extend(another);
    if misses.is_empty() {
        Ok(checked(draft))
    } else {
        Err(misses)
    }
}

/// A text without the pictures that the host put into it: they say nothing of the day.
fn unillustrated(markdown: &str) -> String {
    // What cannot be read has none.
    pictures::without(markdown).unwrap_or_else(|_| markdown.to_owned())
}

/// Where a built-in text, told without its pictures, is not the one that its bundle makes.
fn another(draft: &Draft, said: &String, bundle: &Bundle, template: &str) -> Option<Unsupported> {
    if draft.written_by != BUILT_IN {
        return None;
    }
    let mut composed = compile(bundle);
    composed.page.writer.instead = !draft.notes.is_empty();
    let made = match render(template, &composed.page) {
        Ok(made) => made,
        Err(error) => return Some(miss("text", error.to_string())),
    };
    let parts = [
        ("title", &draft.title, &made.title),
        ("excerpt", &draft.excerpt, &made.excerpt),
        ("text", said, &made.text),
    ];
    // Where pictures stood, the empty lines around them are gone or new.
    let illustrated = *said != draft.markdown;
    let words = |text: &str| {
        let lines = text.lines().map(str::trim_end);
        lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (part, written, made) = parts
        .into_iter()
        .filter(|(_, written, made)| written != made)
        .find(|(_, written, made)| !illustrated || words(written) != words(made))?;
    let same = written
        .lines()
        .zip(made.lines())
        .take_while(|(one, other)| one == other);
    let line = same.count();
    let own = cut(made.lines().nth(line).unwrap_or_default());
    Some(Unsupported {
        part,
        line: line + 1,
        what: format!("the material makes another text: `{own}`"),
    })
}

fn miss(part: &'static str, what: String) -> Unsupported {
    Unsupported {
        part,
        line: 1,
        what,
    }
}

/// What is in a text beside its claims and the name of the repository: a space stands for each.
fn rest(text: &str, part: &str, draft: &Draft, bundle: &Bundle) -> String {
    let spoken = |claim: &'_ Claim| match part {
        "text" => claim.text.clone(),
        _ => claim.plain.clone(),
    };
    let mut words: Vec<String> = draft.claims.iter().map(spoken).collect();
    words.retain(|words| words.len() >= SHORTEST);
    words.sort_by_key(|words| std::cmp::Reverse(words.len()));
    words.dedup();
    let name = Prose::line(bundle.name()).markdown();
    let mut rest = text.replace(&format!("**{name}**"), " | ");
    for words in words {
        if rest.contains(&words) {
            rest = rest.replace(&words, " ");
        }
    }
    rest
}

/// Claims that are not borne out by what they stand on.
fn unborne(claims: &[Claim], bundle: &Bundle) -> Vec<Unsupported> {
    let mut known: Vec<(&str, Vec<String>)> = Vec::new();
    let mut misses = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        let what = match claim.kind {
            Said::Release => {
                let named = |id: &String| {
                    bundle
                        .releases
                        .iter()
                        .any(|it| it.id == *id && it.name == claim.plain)
                };
                (!claim.on.iter().any(named)).then(|| "is no release of the day".to_owned())
            }
            Said::Told => told(claim, bundle),
            _ => quoted(claim, bundle, &mut known),
        };
        misses.extend(what.map(|what| Unsupported {
            part: "claim",
            line: index + 1,
            what: format!("`{}` {what}", cut(&claim.plain)),
        }));
    }
    misses
}

fn cut(text: &str) -> String {
    callboard_core::shown::cut(text, 90)
}

/// What is wrong with words that are to be a message's own.
fn quoted<'b>(
    claim: &Claim,
    bundle: &'b Bundle,
    known: &mut Vec<(&'b str, Vec<String>)>,
) -> Option<String> {
    let words = bare(claim.plain.trim_end_matches('\u{2026}'));
    let inner = words
        .strip_prefix("reapply")
        .or_else(|| words.strip_prefix("revert"));
    for id in &claim.on {
        let Some(change) = bundle.change(id) else {
            return Some(format!("stands on `{id}`, which is no change of the day"));
        };
        if !known.iter().any(|(it, _)| it == id) {
            let undone = change.undoes.iter().map(|undone| bare(&undone.title));
            let texts = change.commits().flat_map(said).chain(undone);
            known.push((&change.id, texts.collect()));
        }
        let texts = known
            .iter()
            .find(|(it, _)| it == id)
            .map(|(_, texts)| texts);
        let says = |words: &str| texts.into_iter().flatten().any(|text| text.contains(words));
        if says(&words) || inner.is_some_and(says) {
            return None;
        }
    }
    Some("is in no message that it stands on".to_owned())
}

/// The letters and digits of a message, as it is written and as it is read.
fn said(commit: &Commit) -> Vec<String> {
    let Commit {
        subject,
        body,
        trailers,
        ..
    } = commit;
    let mut texts = vec![bare(&tame(subject)), bare(&tame(body))];
    let squashed = Message::read(body, trailers, Forge::Unknown, true);
    let plain = Message::read(body, trailers, Forge::Unknown, false);
    for message in [squashed, plain] {
        let parts = message.parts.iter();
        let titles = parts.clone().map(|part| bare(&part.headline.title));
        texts.extend(titles);
        let lines = message
            .paragraphs
            .iter()
            .chain(message.items())
            .chain(&message.breaking);
        let lines = lines.chain(parts.flat_map(|part| &part.paragraphs));
        texts.extend(lines.map(|line| bare(&line.plain())));
    }
    texts
}

/// What is wrong with a model's words.
fn told(claim: &Claim, bundle: &Bundle) -> Option<String> {
    let changes: Option<Vec<&Change>> = claim.on.iter().map(|id| bundle.change(id)).collect();
    let Some(changes) = changes.filter(|changes| !changes.is_empty()) else {
        return Some("cites no change of the day".to_owned());
    };
    let problems = Material::new(bundle, &changes).problems(&claim.text);
    (!problems.is_empty()).then(|| problems.join(", "))
}

/// What the words between claims may cite.
struct Evidence<'b> {
    bundle: &'b Bundle,
    said: BTreeSet<(TokenKind, String)>,
    links: BTreeSet<String>,
}

impl<'b> Evidence<'b> {
    fn new(bundle: &'b Bundle, allowed_versions: &[String], written_by: &str) -> Self {
        let plain = |version: &String| version.to_lowercase().trim_start_matches('v').to_owned();
        let allowed = allowed_versions
            .iter()
            .map(|version| (TokenKind::Version, plain(version)));
        let releases = bundle.releases.iter().map(|release| release.name.as_str());
        let texts = bundle
            .changes
            .iter()
            .flat_map(Change::commits)
            .flat_map(Commit::words);
        let texts =
            texts
                .chain(releases)
                .chain([bundle.repository.as_str(), bundle.name(), written_by]);
        let tokens = texts.flat_map(|text| scan(text, CitationReading::Source));
        let links = bundle
            .changes
            .iter()
            .flat_map(|change| sources(bundle, change));
        let links = links.filter_map(|source| source.link);
        let remote = bundle.remote.as_ref();
        let released = bundle
            .releases
            .iter()
            .filter_map(|it| remote?.commit(&it.commit));
        let home = remote.and_then(super::forge::Remote::home);
        Self {
            bundle,
            said: tokens
                .map(|token| (token.kind, token.text))
                .chain(allowed)
                .collect(),
            links: links.chain(released).chain(home).collect(),
        }
    }

    /// The citations of a text that the bundle does not bear out.
    fn misses(&self, part: &'static str, text: &str) -> Vec<Unsupported> {
        let tokens = scan(text, CitationReading::Draft);
        let wrong = tokens.into_iter().filter(|token| !self.bears_out(token));
        let miss = wrong.map(|token| Unsupported {
            part,
            line: token.line,
            what: format!("{} `{}` is not in the bundle", token.kind, token.text),
        });
        miss.collect()
    }

    fn bears_out(&self, token: &Token) -> bool {
        let text = token.text.as_str();
        let said = |kind| self.said.contains(&(kind, text.to_owned()));
        match token.kind {
            TokenKind::PullRequest => self.has_request(text) || said(TokenKind::PullRequest),
            TokenKind::Reference => {
                self.has_request(text) || said(TokenKind::Reference) || said(TokenKind::PullRequest)
            }
            TokenKind::Commit => self.has_commit(text) || said(TokenKind::Commit),
            TokenKind::Path => self.has_path(text) || said(TokenKind::Path),
            TokenKind::Address => self.links.contains(text) || said(TokenKind::Address),
            TokenKind::Day => text == self.bundle.day || said(TokenKind::Day),
            TokenKind::Count => self.counts().contains(&token.text) || said(TokenKind::Count),
            TokenKind::Version => said(TokenKind::Version),
            TokenKind::Markup => false,
        }
    }

    fn has_request(&self, number: &str) -> bool {
        let mut requests = self
            .bundle
            .changes
            .iter()
            .filter_map(|change| change.request);
        number
            .parse()
            .is_ok_and(|number: u64| requests.any(|it| it == number))
    }

    fn has_commit(&self, id: &str) -> bool {
        let commits = self.bundle.changes.iter().flat_map(Change::commits);
        let mut ids = commits.map(|commit| &commit.id);
        let mut released = self.bundle.releases.iter().map(|release| &release.commit);
        ids.any(|full| full.starts_with(id)) || released.any(|full| full.starts_with(id))
    }

    fn has_path(&self, path: &str) -> bool {
        let commits = self.bundle.changes.iter().flat_map(Change::commits);
        commits
            .flat_map(|commit| &commit.paths)
            .any(|whole| is_of(path, whole))
    }

    /// The counts that are true of the bundle.
    fn counts(&self) -> [String; 4] {
        let Bundle {
            changes,
            dropped,
            people,
            ..
        } = self.bundle;
        let requests = changes
            .iter()
            .filter(|change| change.request.is_some())
            .count();
        [
            format!("{people} author"),
            format!("{requests} pull request"),
            format!("{} commit", dropped.undone),
            format!("{} commit", dropped.over_limit),
        ]
    }
}

fn checked(draft: &Draft) -> CitationCounts {
    let text = format!("{}\n{}\n{}", draft.title, draft.excerpt, draft.markdown);
    let tokens = scan(&text, CitationReading::Draft);
    let count = |kind| distinct(&tokens, kind).len();
    CitationCounts {
        claims: draft.claims.len(),
        pull_requests: count(TokenKind::PullRequest),
        commits: count(TokenKind::Commit),
        versions: count(TokenKind::Version),
        paths: count(TokenKind::Path),
    }
}

#[cfg(test)]
pub(crate) mod tests;
