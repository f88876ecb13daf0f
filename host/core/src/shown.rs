//! Text from outside on its way to where it is seen. A commit message, a plugin's word or a file's
//! name may hold characters that move a cursor, forge a line or turn the direction of writing, so
//! each place that shows text takes it through here: screen and log as [`Shown`], JSON through
//! [`json`], pages and what else is XML through [`markup`].

use std::fmt::{self, Write as _};

use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, NoncharacterCodePoint, PrependedConcatenationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// A sign of Braille without any dot: a symbol, for Unicode, and nothing to see.
const BLANK: char = '\u{2800}';
/// What stays in pages: the joiners with which words of some languages are spelled, and the two
/// characters that say whether a sign is a picture.
const SPELLED: [char; 4] = ['\u{200c}', '\u{200d}', '\u{fe0e}', '\u{fe0f}'];
/// Stands for the end of a line within one.
const END: &str = " ⏎ ";

/// Text that is safe to print: whatever moves a cursor, turns the direction of writing or can't
/// be seen stands there as an escape such as `\u{1b}`. There is no other way to make one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Text that stays on its line: the ends of lines in it are a mark, so that what is meant to be
    /// read on several, such as the lines of a mend, can be read on one.
    pub fn line(text: impl fmt::Display) -> Self {
        let text = text.to_string().replace("\r\n", "\n");
        let parts = text.split('\n').map(|part| escaped(part, |_| false));
        let parts: Vec<_> = parts.collect();
        let line = parts.join(END);
        Self(match line.strip_suffix(END) {
            Some(line) => line.to_owned() + END.trim_end(),
            None => line,
        })
    }

    /// Text of several lines by intent, such as a document: ends of lines and tabs stay.
    pub fn lines(text: impl fmt::Display) -> Self {
        let text = text.to_string().replace("\r\n", "\n");
        Self(escaped(&text, |c| matches!(c, '\n' | '\t')))
    }

    /// Texts below one another, each of which stays on its line.
    pub fn below(texts: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        let lines = texts.into_iter().map(|text| Self::line(text).0);
        Self(lines.collect::<Vec<_>>().join("\n"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self::line(text)
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self::line(text)
    }
}

/// JSON whose strings are safe to print: the characters that are hidden elsewhere are escapes, and
/// mean the same. Outside of strings JSON has none of them.
pub fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                write!(safe, "\\u{unit:04x}").ok();
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A text in quotes, as TOML writes it, whose hidden characters are escapes and mean the same.
pub fn toml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 2);
    safe.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => safe.extend(['\\', c]),
            _ if hides(c) => {
                // Writing to a string cannot fail.
                write!(safe, "\\U{:08X}", u32::from(c)).ok();
            }
            _ => safe.push(c),
        }
    }
    safe.push('"');
    safe
}

/// HTML or XML without the characters that turn its text, can't be seen or may not stand in
/// XML. Joiners stay, and what makes a sign a picture.
pub fn markup(text: &str) -> String {
    let stays = |c: &char| matches!(c, '\n' | '\t') || SPELLED.contains(c) || !hides(*c);
    text.chars().filter(stays).collect()
}

/// The beginning of a text that is too long to be told whole, with a note of how much there is
/// more. No more than `most` characters of it are ever held.
pub fn cut(text: impl fmt::Display, most: usize) -> String {
    let mut beginning = CutText {
        text: String::new(),
        room: most,
        more: 0,
    };
    // It takes everything.
    write!(beginning, "{text}").ok();
    match beginning.more {
        0 => beginning.text,
        more => format!("{}… ({} more characters)", beginning.text, grouped(more)),
    }
}

struct CutText {
    text: String,
    room: usize,
    more: usize,
}

impl fmt::Write for CutText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match text.char_indices().nth(self.room) {
            None => {
                self.room -= text.chars().count();
                self.text.push_str(text);
            }
            Some((end, _)) => {
                self.room = 0;
                self.text.push_str(&text[..end]);
                self.more += text[end..].chars().count();
            }
        }
        Ok(())
    }
}

/// `12345` as `12,345`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) && !stays(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Whether a character moves a cursor, ends a line, turns the direction of writing, or can't be
/// seen and so makes a text another one than it looks: by what Unicode says of it, and no list of
/// ours. Of what formats, those signs can be seen that stand around numbers.
fn hides(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let formats = match CodePointMapData::<GeneralCategory>::new().get(c) {
        GeneralCategory::Control
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => return true,
        category => category == GeneralCategory::Format,
    };
    formats && !CodePointSetData::new::<PrependedConcatenationMark>().contains(c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
        || c == BLANK
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind, between letters.
    const EVIL: &str =
        "a\u{1b}[31m\u{7}\0\r\nb\u{7f}\u{9b}c\u{202e}d\u{2066}\u{200b}\u{2028}\u{e0041}é";

    #[test]
    fn a_line_shows_what_it_hides_and_stays_one() {
        let line = Shown::line(EVIL);
        assert_eq!(
            line.as_str(),
            "a\\u{1b}[31m\\u{7}\\u{0} ⏎ b\\u{7f}\\u{9b}c\\u{202e}d\\u{2066}\\u{200b}\\u{2028}\\u{e0041}é"
        );
        let lines = Shown::lines("a\r\nb\tc\rd\u{1b}");
        assert_eq!(lines.as_str(), "a\nb\tc\\rd\\u{1b}");
        assert_eq!(Shown::below(["a\nb", "c"]).as_str(), "a ⏎ b\nc");
        assert_eq!(Shown::line("a\rb\n\nc\n").as_str(), "a\\rb ⏎  ⏎ c ⏎");
    }

    #[test]
    fn json_means_the_same_and_moves_nothing() {
        let written = serde_json::to_string_pretty(&[EVIL]).expect("JSON");
        let safe = json(&written);
        assert!(safe.chars().all(|c| c == '\n' || !hides(c)), "{safe:?}");
        let back: Vec<String> = serde_json::from_str(&safe).expect("JSON");
        assert_eq!(back, [EVIL]);
    }

    #[test]
    fn what_cannot_be_seen_is_hidden_and_what_can_is_not() {
        let ranges = [
            '\0'..='\u{1f}',
            '\u{7f}'..='\u{9f}',
            '\u{ad}'..='\u{ad}',
            '\u{34f}'..='\u{34f}',
            '\u{61c}'..='\u{61c}',
            '\u{115f}'..='\u{1160}',
            '\u{17b4}'..='\u{17b5}',
            '\u{180b}'..='\u{180f}',
            '\u{200b}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{2800}'..='\u{2800}',
            '\u{3164}'..='\u{3164}',
            '\u{fdd0}'..='\u{fdef}',
            '\u{fe00}'..='\u{fe0f}',
            '\u{feff}'..='\u{feff}',
            '\u{ffa0}'..='\u{ffa0}',
            '\u{fff0}'..='\u{fffb}',
            '\u{fffe}'..='\u{ffff}',
            '\u{1bca0}'..='\u{1bca3}',
            '\u{1d173}'..='\u{1d17a}',
            '\u{1fffe}'..='\u{1ffff}',
            '\u{e0000}'..='\u{e0fff}',
            '\u{10fffe}'..='\u{10ffff}',
        ];
        for c in ranges.into_iter().flatten() {
            assert!(hides(c), "{c:?}");
            let line = Shown::line(format!("a{c}"));
            assert!(c == '\n' || !line.as_str().contains(c), "{c:?}");
        }
        // Letters, accents, an Arabic number sign, a space, a sign of Braille, pictures.
        for c in " ~é\u{301}\u{600}ب\u{a0}\u{2801}漢字한글ក\u{fffd}\u{1f600}\u{1f468}".chars()
        {
            assert!(!hides(c), "{c:?}");
        }
    }

    #[test]
    fn a_page_keeps_its_words_only() {
        assert_eq!(markup(EVIL), "a[31m\nbcdé");
        assert_eq!(markup("❤\u{fe0f}a\u{e0101}\u{fe01}"), "❤\u{fe0f}a");
        assert_eq!(markup("می\u{200c}خواهم\u{ffff}\t"), "می\u{200c}خواهم\t");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters_with_a_note() {
        assert_eq!(cut("éé", 2), "éé");
        assert_eq!(cut("ééa", 2), "éé… (1 more characters)");
        let long = format_args!("{}{}", "é".repeat(5), "x".repeat(12_340)).to_string();
        assert_eq!(cut(&long, 0), "… (12,345 more characters)");
    }
}
