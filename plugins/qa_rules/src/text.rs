//! A draft as a rule sees it. The Markdown is read by a parser: what stands in code is no prose, what is
//! linked is known to be linked, and a heading is a heading.

mod reader;

pub(crate) use self::reader::{lower, words};

use std::ops::Range;

/// Stands for a code span in the text of a passage; it is a word of its own.
pub(crate) const CODE: char = '\u{fffc}';

/// A draft, read.
pub(crate) struct Text<'t> {
    pub(crate) title: &'t str,
    pub(crate) raw: &'t str,
    /// The Markdown with what stands in code made blank; the places are the same.
    pub(crate) prose: String,
    pub(crate) passages: Vec<Passage>,
    pub(crate) links: Vec<Link>,
    pub(crate) spans: Vec<Piece>,
    pub(crate) fences: Vec<Fence>,
    /// What the last part of it is.
    pub(crate) ends_with: Option<Kind>,
}

/// A line of thought: a paragraph, a heading, an item, a cell.
pub(crate) struct Passage {
    pub(crate) kind: Kind,
    /// Without its marks; [`CODE`] for each code span.
    pub(crate) text: String,
    pub(crate) words: Vec<Word>,
    /// Whether all of it is emphasised.
    pub(crate) emphasised: bool,
    /// Where it begins in the Markdown.
    pub(crate) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Heading(u8),
    Paragraph,
    Item,
    Quote,
    Cell,
    Code,
    Rule,
    Image,
    Html,
}

pub(crate) struct Word {
    pub(crate) lower: String,
    /// Its place in the passage.
    pub(crate) range: Range<usize>,
    /// Its place in the Markdown.
    pub(crate) at: usize,
    pub(crate) linked: bool,
}

pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) text: String,
    pub(crate) at: usize,
    pub(crate) image: bool,
}

pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) at: usize,
}

pub(crate) struct Fence {
    pub(crate) text: String,
    pub(crate) at: usize,
    pub(crate) closed: bool,
}

impl<'t> Text<'t> {
    pub(crate) fn read(title: &'t str, raw: &'t str) -> Self {
        reader::read(title, raw)
    }

    /// The line of a place, from 1.
    pub(crate) fn line(&self, at: usize) -> u32 {
        let before = self.raw.get(..at).unwrap_or_default();
        let lines = before.split('\n').count();
        u32::try_from(lines).unwrap_or(u32::MAX)
    }

    /// What is no heading and no code.
    pub(crate) fn body(&self) -> impl Iterator<Item = &Passage> {
        let passages = self.passages.iter();
        passages.filter(|passage| !matches!(passage.kind, Kind::Heading(_)))
    }

    pub(crate) fn headings(&self) -> impl Iterator<Item = (u8, &Passage)> {
        self.passages
            .iter()
            .filter_map(|passage| match passage.kind {
                Kind::Heading(level) => Some((level, passage)),
                _ => None,
            })
    }

    /// Words of the body.
    pub(crate) fn count(&self) -> usize {
        self.body().map(|passage| passage.words.len()).sum()
    }

    /// Lines outside of code, with the places where they begin.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut at = 0;
        self.prose.split('\n').map(move |line| {
            let begins = at;
            at += line.len() + 1;
            (begins, line)
        })
    }
}

impl Passage {
    pub(crate) fn word(&self, index: usize) -> &str {
        self.words
            .get(index)
            .map_or("", |word| &self.text[word.range.clone()])
    }

    /// What stands before a word, behind the one before it.
    pub(crate) fn gap(&self, index: usize) -> &str {
        let from = match index.checked_sub(1) {
            Some(before) => self
                .words
                .get(before)
                .map_or(self.text.len(), |word| word.range.end),
            None => 0,
        };
        let to = self
            .words
            .get(index)
            .map_or(self.text.len(), |word| word.range.start);
        &self.text[from.min(to)..to]
    }

    /// Whether a sentence begins with a word.
    pub(crate) fn begins_sentence(&self, index: usize) -> bool {
        if index == 0 {
            return true;
        }
        let gap = self.gap(index);
        let ends = gap.contains(['!', '?', '\n', '…', ':'])
            || gap.contains(". ")
            || gap.contains(".”")
            || gap.contains(".\"");
        ends && !is_short(self.word(index - 1))
    }

    /// The words of the sentence that a word stands in.
    pub(crate) fn sentence(&self, index: usize) -> Range<usize> {
        let from = (0..=index)
            .rev()
            .find(|it| self.begins_sentence(*it))
            .unwrap_or_default();
        let count = self.words.len();
        let to = (index + 1..count)
            .find(|it| self.begins_sentence(*it))
            .unwrap_or(count);
        from..to
    }

    /// Its sentences, as words.
    pub(crate) fn sentences(&self) -> Vec<Range<usize>> {
        let mut sentences: Vec<Range<usize>> = Vec::new();
        for index in 0..self.words.len() {
            match sentences
                .last_mut()
                .filter(|_| !self.begins_sentence(index))
            {
                Some(last) => last.end = index + 1,
                None => sentences.push(index..index + 1),
            }
        }
        sentences
    }

    /// The text of words.
    pub(crate) fn span(&self, words: &Range<usize>) -> &str {
        let from = self
            .words
            .get(words.start)
            .map_or(0, |word| word.range.start);
        let last = words
            .end
            .checked_sub(1)
            .and_then(|last| self.words.get(last));
        let to = last.map_or(from, |word| word.range.end);
        &self.text[from..to.max(from)]
    }

    /// Whether any of the words is linked.
    pub(crate) fn is_linked(&self, words: &Range<usize>) -> bool {
        self.words[words.clone()].iter().any(|word| word.linked)
    }

    /// Whether the sentence of a word says where it has it from.
    pub(crate) fn is_sourced(&self, index: usize) -> bool {
        self.is_linked(&self.sentence(index))
    }

    /// Where a place of the passage stands in the Markdown.
    pub(crate) fn place(&self, within: usize) -> usize {
        let before = self.words.iter().rfind(|word| word.range.start <= within);
        before.map_or(self.at, |word| word.at + (within - word.range.start))
    }
}

/// Words that have a full stop and end no sentence.
fn is_short(word: &str) -> bool {
    const SHORT: [&str; 12] = [
        "Dr", "Prof", "Mr", "Mrs", "Ms", "St", "vs", "etc", "e.g", "i.e", "al", "No",
    ];
    SHORT.contains(&word)
}
