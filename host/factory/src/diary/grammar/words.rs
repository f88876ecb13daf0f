//! A text as words: escapes undone, look-alikes made plain, code spans and lines known.

use super::CitationReading;

/// One word, without the punctuation around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextWord {
    pub text: String,
    /// From 1.
    pub line: usize,
    /// Whether it stands in a code span.
    pub code: bool,
    /// Whether a sentence or a bracket ends before it.
    pub apart: bool,
}

/// The words of a text.
pub(super) fn words(text: &str, reading: CitationReading) -> Vec<TextWord> {
    let mut words = Vec::new();
    let mut line = 1;
    let mut code = false;
    let mut word = String::new();
    let mut apart = false;
    for c in plain(text) {
        if separates(c) {
            let is_code = code || reading == CitationReading::Source;
            apart = push(&mut words, &mut word, line, is_code, apart) || ends(c);
            line += usize::from(c == '\n');
            code = (code ^ (c == '`')) && c != '\n';
        } else {
            word.push(c);
        }
    }
    push(
        &mut words,
        &mut word,
        line,
        code || reading == CitationReading::Source,
        apart,
    );
    words
}

/// Keep a word, if it is one; says whether something has ended before the next.
fn push(
    words: &mut Vec<TextWord>,
    word: &mut String,
    line: usize,
    code: bool,
    apart: bool,
) -> bool {
    let whole = std::mem::take(word);
    let text = whole.trim_end_matches(['.', ':', '-', '=']);
    if text.is_empty() {
        return apart || whole.contains('.');
    }
    words.push(TextWord {
        text: text.to_owned(),
        line,
        code,
        apart,
    });
    whole[text.len()..].contains('.')
}

/// Whether a sentence or a bracket ends with a character.
fn ends(c: char) -> bool {
    matches!(c, ')' | ']' | '}' | ';' | '?')
}

fn separates(c: char) -> bool {
    c.is_whitespace()
        || "`()[]{}<>\"',;|!?\u{2026}\u{2013}\u{2014}\u{201c}\u{201d}\u{2018}\u{2019}\u{ab}\u{bb}"
            .contains(c)
}

/// The characters that a reader sees: Markdown escapes, character references and emphasis
/// undone, full-width forms made plain, invisible characters gone.
fn plain(text: &str) -> Vec<char> {
    let mut seen = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(char::is_ascii_punctuation) => {
                seen.extend(chars.next().filter(|c| !"*~".contains(*c)).map(visible));
            }
            '&' => {
                let rest: String = chars.clone().take(10).collect();
                let reference = reference(&rest);
                let (decoded, length) = reference.unwrap_or(('&', 0));
                seen.push(visible(decoded));
                chars.by_ref().take(length).for_each(drop);
            }
            '*' | '~' => {}
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{feff}' => {}
            _ => seen.push(visible(c)),
        }
    }
    seen
}

fn visible(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xff01 + 0x21).unwrap_or(c),
        '\u{2010}' | '\u{2011}' | '\u{2012}' => '-',
        _ => c,
    }
}

/// The character that `#35;`, `#x23;` or a name stands for, and how long that is.
fn reference(rest: &str) -> Option<(char, usize)> {
    let (name, _) = rest.split_once(';')?;
    let number = name.strip_prefix('#').and_then(|digits| {
        let hexadecimal = digits
            .strip_prefix(['x', 'X'])
            .map(|digits| u32::from_str_radix(digits, 16));
        hexadecimal.unwrap_or_else(|| digits.parse()).ok()
    });
    let named = match name {
        "num" => Some('#'),
        "period" => Some('.'),
        "sol" => Some('/'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "nbsp" => Some(' '),
        _ => None,
    };
    let decoded = number.and_then(char::from_u32).or(named)?;
    Some((decoded, name.chars().count() + 1))
}
