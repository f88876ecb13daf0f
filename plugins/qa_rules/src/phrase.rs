//! Words that follow each other, written as they are read: `according to a|the # study|report`.
//!
//! A word stands for itself, in any case; `|` parts words of which one has to be there, `?` marks one
//! that may be absent. `#` is a number, `Aa` a word with a capital, `_` any word, `@` a name that an operator
//! gave, `,` a comma before the next. Between two words stands nothing but space, unless a comma is written.
//! What an operator gave is looked for as it is.

use std::ops::Range;

use crate::text::{CODE, Passage, lower, words};

/// A phrase that is ready to be looked for.
pub(crate) struct Phrase(Vec<Element>);

struct Element {
    choices: Vec<Choice>,
    optional: bool,
    comma: bool,
    /// Marks that may stand before it besides.
    marks: String,
}

/// What may stand in the place of an element.
enum Choice {
    Number,
    Name,
    Any,
    Word(String),
    /// Words that an operator gave, as they are.
    Literal(Phrase),
}

/// Words from two to twelve.
pub(crate) const NUMBERS: [&str; 11] = [
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

impl Phrase {
    pub(crate) fn new(written: &str) -> Self {
        Self::naming(written, &[])
    }

    /// The same with names that an operator gave, each as it is, in the place of `@`.
    pub(crate) fn naming(written: &str, names: &[String]) -> Self {
        let mut comma = false;
        let mut elements = Vec::new();
        for part in written.split(' ') {
            if part == "," {
                comma = true;
                continue;
            }
            let optional = part.ends_with('?');
            let choices = part.trim_end_matches('?').split('|');
            elements.push(Element {
                choices: choices.flat_map(|it| Choice::of(it, names)).collect(),
                optional,
                comma: std::mem::take(&mut comma),
                marks: String::new(),
            });
        }
        Self(elements)
    }

    /// The words of a text one after the other, as it has them: nothing in it means anything else.
    pub(crate) fn literal(text: &str) -> Self {
        let mut end = None;
        let elements = words(text).map(|word| {
            let gap = end.map_or("", |end| &text[end..word.start]);
            end = Some(word.end);
            Element {
                choices: vec![Choice::Word(lower(&text[word]))],
                optional: false,
                comma: gap.contains(','),
                marks: gap.to_owned(),
            }
        });
        Self(elements.collect())
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
        let joined = at == start || joins(passage, at, comma, &wanted.marks);
        if joined && at < passage.words.len() {
            let mut ends = wanted.choices.iter().filter_map(|it| it.end(passage, at));
            let end = ends.find_map(|end| self.matches(passage, start, element + 1, end, false));
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

impl Choice {
    fn of(written: &str, names: &[String]) -> Vec<Self> {
        match written {
            "#" => vec![Choice::Number],
            "Aa" => vec![Choice::Name],
            "_" => vec![Choice::Any],
            "@" => {
                let names = names.iter().map(|name| Phrase::literal(name));
                names.map(Choice::Literal).collect()
            }
            word => vec![Choice::Word(word.to_owned())],
        }
    }

    /// Where it ends, if it stands there.
    fn end(&self, passage: &Passage, at: usize) -> Option<usize> {
        let word = &passage.words[at];
        let is = match self {
            Choice::Number => is_number(&word.lower),
            Choice::Name => is_name(passage.word(at)),
            Choice::Any => true,
            Choice::Word(wanted) => word.lower == *wanted,
            Choice::Literal(phrase) => return phrase.at(passage, at),
        };
        is.then_some(at + 1)
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
fn joins(passage: &Passage, at: usize, comma: bool, marks: &str) -> bool {
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
            || marks.contains(c)
    };
    gap.chars().all(fits) && (!comma || gap.contains(','))
}
