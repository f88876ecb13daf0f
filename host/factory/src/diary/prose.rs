//! A line of an author's words, with its code apart: read once, written as Markdown that cannot
//! break out, or plain.

use crate::markdown::{Piece, is_spaceless};

/// Words of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prose(Vec<Piece>);

impl Prose {
    /// Pieces that were read.
    pub fn new(pieces: Vec<Piece>) -> Self {
        Self(pieces)
    }

    /// A line that is no Markdown but for its code spans, such as the subject of a commit.
    pub fn line(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, code, after)) = span(rest) {
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Code(code.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Self(pieces)
    }

    /// As Markdown: code as spans, everything else only text.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => escape(text, &mut out),
                Piece::Code(code) => out.push_str(&fenced(code)),
            }
        }
        beginning(out.trim())
    }

    /// Without marks, for titles and feeds.
    pub fn plain(&self) -> String {
        let texts = self.0.iter().map(|piece| match piece {
            Piece::Text(text) | Piece::Code(text) => text.as_str(),
        });
        tame(&texts.collect::<String>()).trim().to_owned()
    }

    /// Without its code.
    pub fn words(&self) -> String {
        let texts = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Code(_) => "\u{fffc}",
        });
        texts.collect::<String>().trim().to_owned()
    }

    /// As a line that [`Prose::line`] reads again.
    pub fn source(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Code(code) => fenced(code),
        });
        pieces.collect()
    }

    /// How many characters it has.
    pub fn length(&self) -> usize {
        self.pieces().map(|text| text.chars().count()).sum()
    }

    /// The same, where a character of a script without spaces says as much as two.
    pub fn width(&self) -> usize {
        let dense = self
            .pieces()
            .flat_map(str::chars)
            .filter(|c| is_spaceless(*c));
        self.length() + dense.count()
    }

    pub fn is_empty(&self) -> bool {
        self.pieces().all(|text| text.trim().is_empty())
    }

    fn pieces(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|piece| match piece {
            Piece::Text(text) | Piece::Code(text) => text.as_str(),
        })
    }

    /// The first of its text, if it begins with text.
    pub fn head(&self) -> &str {
        match self.0.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// Without a beginning of so many bytes of its first text.
    #[must_use]
    pub fn after(mut self, bytes: usize) -> Self {
        if let Some(Piece::Text(text)) = self.0.first_mut() {
            *text = text
                .get(bytes..)
                .unwrap_or_default()
                .trim_start()
                .to_owned();
        }
        self.0
            .retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        self
    }

    /// With a capital, unless the first word is a name such as `iOS` or `snake_case`.
    #[must_use]
    pub fn capital(mut self) -> Self {
        if let Some(Piece::Text(text)) = self.0.first_mut() {
            *text = capital(text);
        }
        self
    }

    /// Its sentences.
    pub fn sentences(&self) -> Vec<Prose> {
        let mut sentences = vec![Vec::new()];
        for (index, piece) in self.0.iter().enumerate() {
            let Piece::Text(text) = piece else {
                push(&mut sentences, piece.clone());
                continue;
            };
            let goes_on = self.0.len() > index + 1;
            let mut start = 0;
            for end in ends(text, goes_on) {
                push(&mut sentences, Piece::Text(text[start..end].to_owned()));
                sentences.push(Vec::new());
                start = end;
            }
            push(&mut sentences, Piece::Text(text[start..].to_owned()));
        }
        let sentences = sentences.into_iter().map(|pieces| Prose(pieces).trimmed());
        sentences.filter(|sentence| !sentence.is_empty()).collect()
    }

    fn trimmed(mut self) -> Self {
        if let Some(Piece::Text(text)) = self.0.first_mut() {
            *text = text.trim_start().to_owned();
        }
        if let Some(Piece::Text(text)) = self.0.last_mut() {
            text.truncate(text.trim_end().len());
        }
        self.0
            .retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        self
    }

    /// The beginning, at most so many characters and whole words, and whether that is not all.
    #[must_use]
    pub fn cut(&self, most: usize) -> (Self, bool) {
        let (mut kept, mut room) = (Vec::new(), most);
        for piece in &self.0 {
            let (Piece::Text(text) | Piece::Code(text)) = piece;
            let length = text.chars().count();
            if length <= room {
                kept.push(piece.clone());
                room -= length;
                continue;
            }
            if let Piece::Text(text) = piece {
                kept.push(Piece::Text(words(text, room).to_owned()));
            }
            return (Self(kept).trimmed(), true);
        }
        (Self(kept), false)
    }

    /// Whether it says something: two words, one of letters, or four signs of a script without spaces.
    pub fn says_something(&self) -> bool {
        let text = self.plain();
        let letters = |word: &str| word.chars().filter(|c| c.is_alphabetic()).count();
        let words: Vec<&str> = text
            .split_whitespace()
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .collect();
        let spoken = words.iter().any(|word| letters(word) >= 2);
        (spoken && words.len() >= 2) || text.chars().filter(|c| is_spaceless(*c)).count() >= 4
    }

    /// Whether a sign at its end, or before the quotes and brackets that close it, ends a sentence.
    pub fn is_ended(&self) -> bool {
        let Some(Piece::Text(text)) = self.0.last() else {
            return false;
        };
        is_ended(text)
    }

    /// Whether it announces what stands below it.
    pub fn announces(&self) -> bool {
        let last = self.pieces().last().unwrap_or_default();
        last.trim_end().ends_with([':', '\u{ff1a}'])
    }
}

/// Whether a text ends with the end of a sentence, looked at through what closes behind it.
pub fn is_ended(text: &str) -> bool {
    let closers = ['"', '\'', ')', ']', '*', '\\', '\u{201d}', '\u{2019}'];
    let ends = [
        '.', '!', '?', ':', ';', '\u{2026}', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{ff1a}',
    ];
    text.trim_end().trim_end_matches(closers).ends_with(ends)
}

fn push(sentences: &mut [Vec<Piece>], piece: Piece) {
    if let Some(last) = sentences.last_mut() {
        last.push(piece);
    }
}

/// What stands before a code span, in it and after it.
fn span(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('`')?;
    let ticks = run(&text[start..]);
    let inner = &text[start + ticks..];
    let mut at = 0;
    while let Some(found) = inner[at..].find('`') {
        let length = run(&inner[at + found..]);
        if length == ticks {
            let code = &inner[..at + found];
            return Some((
                &text[..start],
                unpadded(code),
                &inner[at + found + length..],
            ));
        }
        at += found + length;
    }
    None
}

fn run(text: &str) -> usize {
    text.len() - text.trim_start_matches('`').len()
}

fn unpadded(code: &str) -> &str {
    let inner = code
        .strip_prefix(' ')
        .and_then(|code| code.strip_suffix(' '));
    inner
        .filter(|inner| !inner.trim().is_empty())
        .unwrap_or(code)
}

/// A code span that holds whatever the code is.
pub fn fenced(code: &str) -> String {
    let code = tame(code);
    let longest = code
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    let pads = code.starts_with(['`', ' ']) || code.ends_with(['`', ' ']);
    let pad = if pads { " " } else { "" };
    format!("{ticks}{pad}{code}{pad}{ticks}")
}

/// Without what moves a cursor or turns the direction of writing, on one line.
pub fn tame(text: &str) -> String {
    pattern!(
        SEQUENCE,
        "\u{1b}\\[[0-9;?]*[A-Za-z]|\u{1b}\\][^\u{7}\u{1b}]*(?:\u{7}|\u{1b}\\\\)?"
    );
    let text = if text.contains('\u{1b}') {
        SEQUENCE.replace_all(text, "")
    } else {
        text.into()
    };
    let line: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    let mut out = String::with_capacity(line.len());
    for c in callboard_core::shown::markup(&line).chars() {
        if !(c == ' ' && out.ends_with(' ')) {
            out.push(c);
        }
    }
    out
}

fn escape(text: &str, out: &mut String) {
    let text = tame(text);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inside = before.is_alphanumeric() && chars.peek().is_some_and(|c| c.is_alphanumeric());
        if "\\`*[]<>&~|$".contains(c) || (c == '_' && !inside) {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
}

/// A beginning that Markdown would take for a heading, list or quote, made plain.
fn beginning(text: &str) -> String {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if text.starts_with(['#', '+', '-', '=', ':']) {
        return format!("\\{text}");
    }
    let rest = &text[digits..];
    if digits > 0
        && rest.starts_with(['.', ')'])
        && matches!(rest[1..].chars().next(), None | Some(' '))
    {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    text.to_owned()
}

/// Where sentences end in a text.
fn ends(text: &str, goes_on: bool) -> Vec<usize> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in text.char_indices() {
        let end = at + mark.len_utf8();
        let rest = &text[end..];
        let ended = match mark {
            '\u{3002}' | '\u{ff01}' | '\u{ff1f}' => !rest.is_empty() || goes_on,
            '.' | '!' | '?' => {
                let closed = rest.trim_start_matches(['"', '\'', ')', '\u{201d}']);
                closed.starts_with(' ')
                    && begins_sentence(closed, goes_on)
                    && !is_abbreviation(&text[start..at])
            }
            _ => false,
        };
        if ended {
            let closing = rest.len() - rest.trim_start_matches(['"', '\'', ')', '\u{201d}']).len();
            start = end + closing;
            found.push(start);
        }
    }
    found
}

fn begins_sentence(rest: &str, goes_on: bool) -> bool {
    let next = rest
        .trim_start()
        .trim_start_matches(['(', '"', '\''])
        .chars()
        .next();
    // A code span, or a number, may begin a sentence, too.
    next.map_or(goes_on, |c| {
        c.is_uppercase() || c.is_ascii_digit() || (c.is_alphabetic() && !c.is_lowercase())
    })
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit([' ', '(']).next().unwrap_or_default();
    matches!(
        word.to_lowercase().as_str(),
        "e.g"
            | "i.e"
            | "eg"
            | "ie"
            | "cf"
            | "vs"
            | "etc"
            | "no"
            | "mr"
            | "mrs"
            | "dr"
            | "st"
            | "approx"
            | "fig"
    ) || (word.len() == 1 && word.starts_with(char::is_uppercase))
}

/// The beginning of a text, at most so many characters, up to the end of a word.
fn words(text: &str, most: usize) -> &str {
    let end = text
        .char_indices()
        .nth(most)
        .map_or(text.len(), |(at, _)| at);
    let head = &text[..end];
    let after = text[end..].chars().next();
    if after.is_none_or(|c| c.is_whitespace() || is_spaceless(c)) {
        return head;
    }
    head.rfind(char::is_whitespace)
        .map_or("", |space| &head[..space])
}

/// With a capital, unless the first word is a name such as `iOS` or `snake_case`.
pub fn capital(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    let plain = word.chars().all(|c| c.is_lowercase() || "'-,".contains(c));
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if plain => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(text: &str) -> String {
        Prose::line(text).markdown()
    }

    #[test]
    fn nothing_of_a_stranger_is_markup() {
        assert_eq!(markdown("<script>x</script>"), "\\<script\\>x\\</script\\>");
        assert_eq!(
            markdown("a *b* [c](javascript:d) `Vec<T>`"),
            "a \\*b\\* \\[c\\](javascript:d) `Vec<T>`"
        );
        assert_eq!(markdown("odd ` tick"), "odd \\` tick");
        assert_eq!(markdown("# head"), "\\# head");
        assert_eq!(markdown("1. one"), "1\\. one");
        assert_eq!(markdown("a_b _c_"), "a_b \\_c\\_");
        assert_eq!(markdown("``a`b`` c"), "``a`b`` c");
        assert_eq!(markdown("a\u{1b}[31m\u{202e}b\u{8}"), "ab");
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        let sentences = |text: &str| {
            let all = Prose::line(text).sentences();
            all.iter().map(Prose::plain).collect::<Vec<_>>()
        };
        assert_eq!(
            sentences("Use v1.2. Then 3 things, e.g. `a. B`. Done? Yes"),
            ["Use v1.2.", "Then 3 things, e.g. a. B.", "Done?", "Yes"]
        );
        assert_eq!(
            sentences("程序会崩溃。现在好了。"),
            ["程序会崩溃。", "现在好了。"]
        );
        assert_eq!(
            sentences("It is slow. `x` mends it."),
            ["It is slow.", "x mends it."]
        );
        assert_eq!(
            sentences("Said \"no.\" Then yes."),
            ["Said \"no.\"", "Then yes."]
        );
    }

    #[test]
    fn what_is_cut_is_cut_at_a_word_and_by_characters() {
        let cut = |text: &str, most| Prose::line(text).cut(most).0.plain();
        assert_eq!(cut("éé éé éé", 6), "éé éé");
        assert_eq!(cut("éé éé", 5), "éé éé");
        assert_eq!(cut("错误错误错误", 3), "错误错");
        assert!(!Prose::line("one").says_something() && Prose::line("修复错误").says_something());
        assert!(Prose::line("two `words`").says_something());
    }
}
