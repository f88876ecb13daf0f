//! Where something is written: texts with their file, and places in them by range or by key.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::once;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::Serialize;
use toml::de::{DeTable, DeValue};

use crate::foreign_reader;

/// A place in a file of the workspace. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Place {
    /// From the folder of the workspace on.
    pub file: String,
    /// From 1 on.
    pub line: usize,
    /// In characters, from 1 on.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset in the text of a file.
    pub fn of(file: &str, text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let last = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[last..].chars().count() + 1,
        }
    }

    /// The first place of a file.
    pub fn start(file: &str) -> Self {
        Self::of(file, "", 0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A mistake in a file: where, what, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[error("{place}: {message}; {mend}")]
pub struct Misread {
    pub place: Place,
    pub message: String,
    pub mend: String,
}

impl Misread {
    pub(super) fn new(place: Place, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            mend: mend.into(),
        }
    }
}

/// A definition with the file and the text it was read from.
#[derive(Debug, Clone)]
pub struct Defined<T> {
    pub file: String,
    pub text: TomlText,
    /// Keys that lead from the top of the file to this definition; none if it is the file.
    pub path: Vec<String>,
    pub value: T,
}

impl<T> Defined<T> {
    /// The place of a range of the text.
    pub fn place(&self, range: Range<usize>) -> Place {
        self.text.place(&self.file, range.start)
    }

    /// The place of the key that `path` leads to, e.g. `["stage", "0", "config"]`, or of the
    /// nearest key above it that is written. Elements of arrays are numbered from 0.
    pub fn at(&self, path: &[&str]) -> Place {
        let whole = self
            .path
            .iter()
            .map(String::as_str)
            .chain(path.iter().copied());
        self.place(self.text.offset_of(whole).0..0)
    }

    /// The same place if all of `path` is written.
    pub fn written(&self, path: &[&str]) -> Option<Place> {
        let whole = self.path.iter().map(String::as_str);
        let whole = whole.chain(path.iter().copied());
        let (offset, found) = self.text.offset_of(whole);
        found.then(|| self.place(offset..0))
    }
}

/// The text of a file in TOML. Where its lines and keys are is found out once, however many
/// places are asked for.
#[derive(Debug, Clone)]
pub struct TomlText(Arc<LocatedText>);

#[derive(Debug)]
struct LocatedText {
    whole: String,
    lines: OnceLock<Vec<usize>>,
    keys: OnceLock<PlaceNode>,
}

/// Where a key or an element stands, and what is below it.
#[derive(Debug, Default)]
struct PlaceNode {
    start: usize,
    keys: BTreeMap<String, PlaceNode>,
    elements: Vec<PlaceNode>,
}

impl From<&str> for TomlText {
    fn from(text: &str) -> Self {
        Self(Arc::new(LocatedText {
            whole: text.to_owned(),
            lines: OnceLock::new(),
            keys: OnceLock::new(),
        }))
    }
}

impl TomlText {
    /// The text itself.
    pub fn whole(&self) -> &str {
        &self.0.whole
    }

    fn place(&self, file: &str, offset: usize) -> Place {
        let text = &self.0.whole;
        let starts = || once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        let lines = self.0.lines.get_or_init(|| starts().collect());
        let line = lines.partition_point(|start| *start <= offset).max(1);
        let start = lines[line - 1];
        let place = Place::of(file, &text[start..], offset.saturating_sub(start));
        Place { line, ..place }
    }

    /// The offset of the deepest key or element on a path that is written, and whether that is all
    /// of the path.
    fn offset_of<'p>(&self, path: impl Iterator<Item = &'p str>) -> (usize, bool) {
        let mut node = self.0.keys.get_or_init(|| {
            let read = foreign_reader::read("TOML", || DeTable::parse(&self.0.whole).ok());
            let table = read.ok().flatten();
            table.map_or_else(PlaceNode::default, |table| {
                PlaceNode::of(0, &DeValue::Table(table.into_inner()))
            })
        });
        for segment in path {
            let element = || node.elements.get(segment.parse::<usize>().ok()?);
            let Some(next) = node.keys.get(segment).or_else(element) else {
                return (node.start, false);
            };
            node = next;
        }
        (node.start, true)
    }
}

impl PlaceNode {
    fn of(start: usize, value: &DeValue<'_>) -> Self {
        let mut node = Self {
            start,
            ..Self::default()
        };
        match value {
            DeValue::Table(table) => {
                let keys = table.iter();
                node.keys = keys
                    .map(|(key, value)| {
                        let below = Self::of(key.span().start, value.get_ref());
                        (key.get_ref().to_string(), below)
                    })
                    .collect();
            }
            DeValue::Array(array) => {
                let elements = array.iter();
                node.elements = elements
                    .map(|element| Self::of(element.span().start, element.get_ref()))
                    .collect();
            }
            _ => {}
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defined(text: &str) -> Defined<()> {
        Defined {
            file: "p.toml".into(),
            text: text.into(),
            path: Vec::new(),
            value: (),
        }
    }

    #[test]
    fn a_key_has_a_line_and_a_column() {
        let text = "a = 1\n[[stage]]\nid = \"x\"\n[[stage]]\nid = \"é\"\nconfig = { x = \"é\", ttl = 2 }\n";
        let defined = defined(text);
        let at = |path: &[&str]| {
            let place = defined.at(path);
            (place.line, place.column)
        };
        assert_eq!(at(&["stage", "0", "id"]), (3, 1));
        assert_eq!(at(&["stage", "1"]), (4, 1));
        assert_eq!(at(&["stage", "1", "config", "ttl"]), (6, 21));
        assert_eq!(at(&["stage", "1", "config", "absent"]), (6, 1));
        assert_eq!(at(&["nothing"]), (1, 1));
    }

    #[test]
    fn a_place_inside_a_character_is_that_character() {
        assert_eq!(Place::of("f", "é", 1).column, 1);
        assert_eq!(Place::of("f", "a\n", 99).to_string(), "f:2:1");
    }
}
