//! The one grammar of citations. The composer writes in it and the verifier reads it, so no
//! form passes one and escapes the other.
//!
//! | kind | forms |
//! |---|---|
//! | pull request | `PR #12`, `PR 12`, `PRs #12 and #13`, `pull request 12`, `MR !12` |
//! | reference | `#12`, which may be an issue too |
//! | commit | 7 to 40 hexadecimal digits |
//! | version | `v2`, `v1.2.3`, `1.2.3-rc.1`, `version 1.2` |
//! | path | `src/lib.rs`, `src/`, a code span with a `/`, a file name with a usual ending |
//! | address, link | `https://…`, `www.…`, `[text](…)` |
//! | day | `2026-06-25` |
//! | count | `12 commits`, `3 pull requests`, `2 people` |

mod forms;
mod words;

use std::collections::BTreeSet;
use std::fmt;

use self::words::{TextWord, words};

/// What a token of a text claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    PullRequest,
    Reference,
    Commit,
    Version,
    Path,
    Address,
    Day,
    Count,
    /// Raw HTML, in which a citation could hide.
    Markup,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenKind::PullRequest => "pull request",
            TokenKind::Reference => "reference",
            TokenKind::Commit => "commit",
            TokenKind::Version => "version",
            TokenKind::Path => "path",
            TokenKind::Address => "address",
            TokenKind::Day => "day",
            TokenKind::Count => "count",
            TokenKind::Markup => "markup",
        })
    }
}

/// One citation, in its usual spelling: `12`, `1a2b3c4d`, `1.2.3`, `src/lib.rs`, `12 commit`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    pub kind: TokenKind,
    pub text: String,
    /// The line it stands in, from 1.
    pub line: usize,
}

/// How strictly words are read as citations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CitationReading {
    /// A text that is to be checked.
    Draft,
    /// A source that is to be cited from: everything counts as code.
    Source,
}

/// Every citation in a text.
pub fn scan(text: &str, reading: CitationReading) -> Vec<Token> {
    let words = words(text, reading);
    let mut tokens = forms::links(text, reading);
    let mut listing = Listing::None;
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| words.get(index));
        if word.apart {
            listing = Listing::None;
        }
        listing = requests(&words, index, listing, &mut tokens);
        let found = forms::of(word, before, words.get(index + 1..).unwrap_or_default());
        tokens.extend(found.into_iter().map(|(kind, text)| Token {
            kind,
            text,
            line: word.line,
        }));
    }
    tokens
}

/// The distinct texts of one kind.
pub fn distinct(tokens: &[Token], kind: TokenKind) -> BTreeSet<&str> {
    let of_kind = tokens.iter().filter(|token| token.kind == kind);
    of_kind.map(|token| token.text.as_str()).collect()
}

/// Whether the words before announce the numbers of pull requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    None,
    /// `pull`, `merge`: `request` has to follow.
    Half,
    /// `PR`, `pull request`, `PR number`.
    Announced,
    /// A number of the list came last.
    Under,
}

/// Take the numbers of pull requests in a word, and say what the next word may be.
fn requests(
    words: &[TextWord],
    index: usize,
    listing: Listing,
    tokens: &mut Vec<Token>,
) -> Listing {
    let word = &words[index];
    let lower = word.text.to_lowercase();
    let (keyword, marked) = forms::keyword(&lower);
    let announced = keyword || matches!(listing, Listing::Announced | Listing::Under);
    let bare = announced && !marked.is_empty() && marked.iter().all(|number| !number.marked);
    let counts_something = bare && forms::is_count(words, index);
    if marked.is_empty() || counts_something {
        return follow(&lower, listing);
    }
    let numbers = marked.iter().filter(|number| number.marked || announced);
    let numbers: Vec<_> = numbers.collect();
    if numbers.is_empty() {
        return Listing::None;
    }
    let kind = if announced {
        TokenKind::PullRequest
    } else {
        TokenKind::Reference
    };
    for number in numbers {
        tokens.push(Token {
            kind,
            text: number.digits.clone(),
            line: word.line,
        });
    }
    if announced {
        Listing::Under
    } else {
        Listing::None
    }
}

fn follow(word: &str, listing: Listing) -> Listing {
    match word {
        "pr" | "prs" | "mr" | "mrs" => Listing::Announced,
        "pull-request" | "pull-requests" | "merge-request" => Listing::Announced,
        "pull" | "merge" => Listing::Half,
        "request" | "requests" if listing == Listing::Half => Listing::Announced,
        "no" | "number" | "numbers" | "nr" if listing == Listing::Announced => Listing::Announced,
        "and" | "or" | "to" | "&" | "-" | "through" if listing == Listing::Under => Listing::Under,
        _ => Listing::None,
    }
}

#[cfg(test)]
mod tests;
