//! What a sentence in its writer's own words claims, held against the changes that it cites: names,
//! numbers with their nouns, days, code, and everything that the grammar of citations knows.

mod common;
mod numbers;

use std::collections::BTreeSet;

use jiff::civil::Date;

use self::common::is_common;
use self::numbers::{Quantity, quantities};
use super::bundle::{Bundle, Change, Commit, is_of};
use super::day::in_words;
use super::grammar::{CitationReading, Token, TokenKind, scan};

/// What some changes say, ready to be asked.
pub struct Material<'b> {
    bundle: &'b Bundle,
    changes: Vec<&'b Change>,
    said: SaidWords,
    tokens: BTreeSet<(TokenKind, String)>,
}

impl<'b> Material<'b> {
    /// The material of the changes that a sentence cites.
    pub fn new(bundle: &'b Bundle, changes: &[&'b Change]) -> Self {
        let commits = changes.iter().flat_map(|change| change.commits());
        let texts: Vec<&str> = commits
            .flat_map(Commit::words)
            .chain([bundle.repository.as_str()])
            .collect();
        let tokens = texts
            .iter()
            .flat_map(|text| scan(text, CitationReading::Source));
        Self {
            bundle,
            changes: changes.to_vec(),
            tokens: tokens.map(|token| (token.kind, token.text)).collect(),
            said: SaidWords::new(texts.join("\n")),
        }
    }

    /// What a sentence in Markdown claims that the changes do not say.
    pub fn problems(&self, sentence: &str) -> Vec<String> {
        let mut problems: Vec<String> = self.cited(sentence);
        let (text, code) = apart(sentence);
        let unknown = code.iter().filter(|code| !self.has_code(code));
        problems
            .extend(unknown.map(|code| format!("no change that it cites has the code `{code}`")));
        let (text, days) = dates(&text);
        let wrong = days.iter().filter(|day| !self.has_day(day));
        problems.extend(wrong.map(|day| format!("the day `{day}` is another one")));
        problems.extend(self.amounts(&text));
        problems.extend(self.names(&text));
        problems.dedup();
        problems
    }

    /// What the grammar of citations finds.
    fn cited(&self, sentence: &str) -> Vec<String> {
        let tokens = scan(sentence, CitationReading::Draft).into_iter();
        let wrong = tokens.filter(|token| {
            !matches!(token.kind, TokenKind::Count | TokenKind::Day) && !self.bears_out(token)
        });
        wrong
            .map(|token| {
                format!(
                    "no change that it cites has the {} `{}`",
                    token.kind, token.text
                )
            })
            .collect()
    }

    fn bears_out(&self, token: &Token) -> bool {
        let text = token.text.as_str();
        let said = |kind| self.tokens.contains(&(kind, text.to_owned()));
        let own = |number: u64| {
            let mut changes = self.changes.iter();
            changes.any(|it| it.request == Some(number) || it.issues.contains(&number))
        };
        let commits = || self.changes.iter().flat_map(|change| change.commits());
        match token.kind {
            TokenKind::PullRequest | TokenKind::Reference => {
                text.parse().is_ok_and(own)
                    || said(TokenKind::Reference)
                    || said(TokenKind::PullRequest)
            }
            TokenKind::Commit => {
                commits().any(|commit| commit.id.starts_with(text)) || said(TokenKind::Commit)
            }
            TokenKind::Path => {
                let mut paths = commits().flat_map(|commit| &commit.paths);
                paths.any(|path| is_of(text, path)) || said(TokenKind::Path)
            }
            kind => said(kind),
        }
    }

    fn has_code(&self, code: &str) -> bool {
        let ids = self.changes.iter().flat_map(|change| change.commits());
        self.said.whole.contains(code.trim())
            || ids
                .map(|it| &it.id)
                .any(|id| code.len() >= 7 && id.starts_with(code))
    }

    /// Whether a day is the one that the post is about, or one that the changes name.
    fn has_day(&self, day: &str) -> bool {
        let lower = day.to_lowercase();
        if self.said.lower.contains(&lower) {
            return true;
        }
        let Ok(date) = self.bundle.day.parse::<Date>() else {
            return false;
        };
        let weekday = date.strftime("%A").to_string().to_lowercase();
        let of = in_words(&self.bundle.day).to_lowercase();
        let mut of = of.split(' ');
        let (number, month) = (of.next().unwrap_or_default(), of.next().unwrap_or_default());
        let own = [
            number,
            month,
            &date.year().to_string(),
            &weekday,
            "of",
            "the",
            "",
        ]
        .map(str::to_owned);
        let ordinal = numbers::ordinal(date.day());
        let mut parts = lower.split(|c: char| !c.is_alphanumeric() && c != '-');
        lower == self.bundle.day
            || parts.all(|part| {
                let bare = part.trim_end_matches(|c: char| c.is_alphabetic());
                own.iter().any(|own| own == part)
                    || part == ordinal
                    || (bare == number && bare != part)
            })
    }

    /// Numbers that the changes do not have, with these nouns.
    fn amounts(&self, text: &str) -> Vec<String> {
        let counted = |wanted: &Quantity| {
            wanted.value == self.changes.len().to_string() && wanted.counts_changes()
        };
        let wrong = self.said.amounts(text, counted).into_iter();
        wrong
            .map(|written| format!("no change that it cites says `{written}`"))
            .collect()
    }

    /// Names of people, products and places that are nowhere in the changes.
    fn names(&self, text: &str) -> Vec<String> {
        let unknown = self.said.names(text, FirstWord::Strict).into_iter();
        unknown
            .map(|name| format!("no change that it cites names `{name}`"))
            .collect()
    }
}

/// Whether the first word of a sentence is a name because it is no common word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstWord {
    Strict,
    /// Only if it is written like one within, or the next word is, too.
    Lenient,
}

/// What a text says, ready to be asked for names and numbers.
pub struct SaidWords {
    /// All words as they are written.
    whole: String,
    lower: String,
    stems: BTreeSet<String>,
    quantities: Vec<Quantity>,
}

impl SaidWords {
    pub fn new(whole: String) -> Self {
        Self {
            lower: whole.to_lowercase(),
            stems: words(&whole).map(stem).collect(),
            quantities: quantities(&whole),
            whole,
        }
    }

    /// What a sentence in Markdown names, or counts in digits, that the text does not.
    pub fn lacks(&self, sentence: &str) -> Vec<String> {
        let (text, code) = apart(sentence);
        let lacks_code = |code: &&String| !self.whole.contains(code.as_str());
        let unknown = code.iter().filter(lacks_code).cloned();
        let (text, days) = dates(&text);
        let days = days
            .into_iter()
            .filter(|day| !self.lower.contains(&day.to_lowercase()));
        let mut lacking: Vec<String> = unknown.chain(days).collect();
        let has = |wanted: &Quantity| {
            let in_words = !wanted.written.starts_with(|c: char| c.is_ascii_digit());
            in_words || self.quantities.iter().any(|own| own.value == wanted.value)
        };
        lacking.extend(self.amounts(&text, has));
        lacking.extend(self.names(&text, FirstWord::Lenient));
        lacking.dedup();
        lacking
    }

    /// Numbers with their nouns that it does not have, as they are written.
    fn amounts(&self, text: &str, besides: impl Fn(&Quantity) -> bool) -> Vec<String> {
        let known = |wanted: &Quantity| {
            let mut quantities = self.quantities.iter();
            besides(wanted) || quantities.any(|quantity| quantity.bears_out(wanted))
        };
        let wrong = quantities(text).into_iter().filter(|wanted| !known(wanted));
        wrong.map(|wanted| wanted.written).collect()
    }

    /// Names that are nowhere in it.
    fn names(&self, text: &str, beginning: FirstWord) -> Vec<String> {
        let mut unknown = Vec::new();
        let mut begins = true;
        let mut all = text.split_whitespace().peekable();
        while let Some(word) = all.next() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            for (index, part) in bare.split(['-', '/', '\u{2014}', '\u{2013}']).enumerate() {
                let part = part.trim_matches(|c: char| !c.is_alphanumeric());
                let first = begins && index == 0;
                let named = is_name(part, first)
                    && (!first
                        || beginning == FirstWord::Strict
                        || part.chars().skip(1).any(char::is_uppercase)
                        || all
                            .peek()
                            .is_some_and(|next| next.starts_with(char::is_uppercase)));
                if named && !self.knows(part) {
                    unknown.push(part.to_owned());
                }
            }
            begins =
                word.ends_with(['.', '!', '?', ':', ';', '\u{201d}']) || bare.is_empty() && begins;
        }
        unknown
    }

    fn knows(&self, word: &str) -> bool {
        let own = word.trim_end_matches("'s").trim_end_matches("\u{2019}s");
        self.stems.contains(&stem(own))
            || (own.len() > 3 && self.lower.contains(&own.to_lowercase()))
    }
}

/// Whether a word may be a name: it is written like one, and does not only begin a sentence.
fn is_name(word: &str, begins: bool) -> bool {
    let mut chars = word.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    if chars.any(char::is_uppercase) && word.chars().any(char::is_alphabetic) {
        return true;
    }
    first.is_uppercase() && word.len() > 1 && !(begins && is_common(word))
}

/// The text of a sentence without its code, and the code.
fn apart(sentence: &str) -> (String, Vec<String>) {
    pattern!(CODE, r"(`+)(?s:(.+?))(`+)");
    pattern!(
        LINK,
        r"\(?\b(?:PR|MR) ?[#!]\d+\)?|[#!]\d+|https?://\S+|\b\d{4}-\d\d-\d\d\b"
    );
    let code = CODE
        .captures_iter(sentence)
        .map(|found| found[2].trim().to_owned());
    let code = code.collect();
    let text = CODE.replace_all(sentence, "x");
    let text = LINK.replace_all(&text, " ").replace('\\', "");
    (text, code)
}

/// A text without the days in it, and the days.
fn dates(text: &str) -> (String, Vec<String>) {
    pattern!(
        DAY,
        r"(?ix)\b(?:(?:the\s+)?(?:\d{1,2}(?:st|nd|rd|th)?|[a-z-]+(?:st|nd|rd|th))\s+(?:of\s+)?(?-i:January|February|March|April|May|June|July|August|September|October|November|December)(?:,?\s+\d{4})?
          | (?-i:January|February|March|April|May|June|July|August|September|October|November|December)(?:\s+\d{1,2}(?:st|nd|rd|th)?)?(?:,?\s+\d{4})?
          | (?-i:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day
          | yesterday | tomorrow | tonight | last\s+(?:week|month|year|night) | next\s+(?:week|month|year)
        )\b"
    );
    let days = DAY.find_iter(text).map(|found| found.as_str().to_owned());
    let days = days.collect();
    (DAY.replace_all(text, " ").into_owned(), days)
}

/// The words of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty())
}

/// What forms of a word share.
fn stem(word: &str) -> String {
    let lower = word.to_lowercase();
    for end in ["ies", "ied", "ying"] {
        if let Some(stem) = lower.strip_suffix(end).filter(|stem| stem.len() > 2) {
            return format!("{stem}y");
        }
    }
    let ends = ["ings", "ing", "ers", "er", "ed", "es", "ly", "s", "e"];
    let mut stems = ends.iter().filter_map(|end| lower.strip_suffix(end));
    let stem = stems
        .find(|stem| stem.chars().count() > 2)
        .unwrap_or(&lower);
    // The last letter is doubled in `stopped`.
    let last = stem.chars().next_back().unwrap_or_default();
    let doubled =
        stem.len() > 4 && stem.ends_with(&format!("{last}{last}")) && !"ls".contains(last);
    if doubled {
        stem[..stem.len() - last.len_utf8()].to_owned()
    } else {
        stem.to_owned()
    }
}

#[cfg(test)]
mod tests;
