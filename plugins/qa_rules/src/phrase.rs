//! Words that follow each other, written as they are read: `according to a|the # study|report`.
//!
//! A word stands for itself, in any case; `|` parts words of which one has to be there, `?` marks one
//! that may be absent. `#` is a number, `Aa` a word with a capital, `_` any word, `,` a comma before the
//! next. Between two words stands nothing but space, unless a comma is written.

use std::ops::Range;

use crate::text::{CODE, Passage};

/// A phrase that is ready to be looked for.
pub(crate) struct Phrase(Vec<Element>);

struct Element {
    options: Vec<String>,
    optional: bool,
    comma: bool,
}

/// Words from two to twelve.
pub(crate) const NUMBERS: [&str; 11] = [
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

impl Phrase {
    pub(crate) fn new(written: &str) -> Self {
        let mut comma = false;
        let mut elements = Vec::new();
        for part in written.split(' ') {
            if part == "," {
                comma = true;
                continue;
            }
            let optional = part.ends_with('?');
            let options = part.trim_end_matches('?').split('|');
            elements.push(Element {
                options: options.map(str::to_owned).collect(),
                optional,
                comma: std::mem::take(&mut comma),
            });
        }
        Self(elements)
    }

    /// Where it stands in a passage, as words.
    pub(crate) fn find(&self, passage: &Passage) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for start in 0..passage.words.len() {
            if found.last().is_some_and(|last| last.end > start) {
                continue;
            }
            if let Some(end) = self.at(passage, start) {
                found.push(start..end);
            }
        }
        found
    }

    /// Where it ends, if it begins with a word.
    pub(crate) fn at(&self, passage: &Passage, start: usize) -> Option<usize> {
        self.matches(passage, start, 0, start, false)
    }

    /// `comma` is one that is owed by elements that are absent.
    fn matches(
        &self,
        passage: &Passage,
        start: usize,
        element: usize,
        at: usize,
        comma: bool,
    ) -> Option<usize> {
        let Some(wanted) = self.0.get(element) else {
            return (at > start).then_some(at);
        };
        let comma = comma || wanted.comma;
        let joined = at == start || joins(passage, at, comma);
        if joined && at < passage.words.len() && wanted.is(passage, at) {
            let end = self.matches(passage, start, element + 1, at + 1, false);
            if end.is_some() {
                return end;
            }
        }
        if wanted.optional {
            return self.matches(passage, start, element + 1, at, comma);
        }
        None
    }
}

impl Element {
    fn is(&self, passage: &Passage, at: usize) -> bool {
        let word = &passage.words[at];
        self.options.iter().any(|option| match option.as_str() {
            "#" => is_number(&word.lower),
            "Aa" => is_name(passage.word(at)),
            "_" => true,
            option => word.lower == option,
        })
    }
}

pub(crate) fn is_number(lower: &str) -> bool {
    lower.starts_with(|c: char| c.is_ascii_digit()) || NUMBERS.contains(&lower)
}

/// Whether a word is written as a name is.
pub(crate) fn is_name(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_uppercase)
        && chars.next().is_some_and(|c| c.is_alphabetic() && c != CODE)
}

/// Whether a word follows the one before it in one breath.
fn joins(passage: &Passage, at: usize, comma: bool) -> bool {
    if at >= passage.words.len() {
        return false;
    }
    let gap = passage.gap(at);
    let short = at > 0 && matches!(passage.word(at - 1), "Dr" | "Prof" | "Mr" | "Mrs" | "Ms");
    let fits = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '“' | '”' | '$' | '%')
            || (c == ',' && comma)
            || (c == '.' && short)
    };
    gap.chars().all(fits) && (!comma || gap.contains(','))
}
