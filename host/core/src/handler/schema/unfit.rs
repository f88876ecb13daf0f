//! A part of what is written that cannot be read, and how it is told.

use std::fmt;

use super::QUOTED;
use crate::shown::cut;

/// The first part of what is written that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitPart {
    /// Where, as a pointer, with `*` for each entry of a list and each key of a map.
    pub at: String,
    pub why: UnfitWhy,
}

/// Why it cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnfitWhy {
    /// The writer has no such key, which the reader cannot do without. It may be another one that it has.
    Lacks { key: String, near: Option<String> },
    /// The writer may leave it out, and the reader cannot do without it.
    LeavesOut { key: String },
    /// The writer has it, and the reader takes no such key. It may be another one that it takes.
    Refused { key: String, near: Option<String> },
    /// It is, or may be, what the reader does not take.
    Other {
        written: String,
        read: String,
        may: bool,
    },
}

impl UnfitPart {
    pub(super) fn new(why: UnfitWhy) -> Self {
        let at = String::new();
        Self { at, why }
    }

    /// The same of the part that it is in.
    pub(super) fn below(self, key: &str) -> Self {
        let key = key.replace('~', "~0").replace('/', "~1");
        let at = format!("/{key}{}", self.at);
        Self { at, ..self }
    }

    pub(super) fn is_of_type(&self) -> bool {
        matches!(self.why, UnfitWhy::Other { .. })
    }

    /// Whether some of what is written can be read.
    pub(super) fn is_of_some(&self) -> bool {
        matches!(self.why, UnfitWhy::Other { may: true, .. })
    }

    /// What is written and cannot be read, of the key of a run: "writes `text` without `lnes`".
    pub fn told(&self, key: &str, reader: &str) -> String {
        let place = KeyPlace { key, at: &self.at };
        match &self.why {
            UnfitWhy::Lacks { key, .. } => {
                format!("writes {place} without `{key}`, and `{reader}` cannot do without that")
            }
            UnfitWhy::LeavesOut { key } => {
                format!("may leave `{key}` out of {place}, and `{reader}` cannot do without that")
            }
            UnfitWhy::Refused { key, .. } => {
                format!("writes `{key}` in {place}, and `{reader}` takes no such key there")
            }
            UnfitWhy::Other { written, read, may } => {
                let writes = if *may { "may write" } else { "writes" };
                format!("{writes} {place} as {written}, and it is read as {read}")
            }
        }
    }

    /// The key that one of the two was to write, and the one that it writes.
    pub fn meant(&self) -> Option<(&str, &str)> {
        match &self.why {
            UnfitWhy::Lacks { key, near } | UnfitWhy::Refused { key, near } => {
                Some((near.as_deref()?, key))
            }
            UnfitWhy::LeavesOut { .. } | UnfitWhy::Other { .. } => None,
        }
    }
}

/// A place in a key of a run.
struct KeyPlace<'p> {
    key: &'p str,
    at: &'p str,
}

impl fmt::Display for KeyPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            "" => write!(f, "`{}`", self.key),
            at => write!(f, "`{}` of `{}`", cut(at, QUOTED), self.key),
        }
    }
}
