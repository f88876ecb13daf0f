//! What a stage says while it is executed, kept with its visit: lines of its log, and what a
//! guest writes to its standard output and error. Bounded, whatever is said.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lines of one visit that are kept.
const MOST: usize = 200;
/// Bytes of their texts.
const BYTES: usize = 64 * 1024;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Where a line was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineSource {
    Log,
    Stdout,
    Stderr,
}

/// One line, without its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// When, by the clock of the worker.
    pub at: Timestamp,
    /// In which attempt of the visit.
    pub attempt: u32,
    pub level: LineLevel,
    pub source: LineSource,
    /// What was said.
    pub text: String,
}

/// Collects the lines of one visit. Clones add to the same.
#[derive(Debug, Clone, Default)]
pub struct VisitLines {
    kept: Arc<Mutex<CollectedLines>>,
}

#[derive(Debug, Default)]
struct CollectedLines {
    lines: Vec<Line>,
    bytes: usize,
    dropped: u32,
}

impl VisitLines {
    /// Keep a line, if there is room for it.
    pub fn push(&self, line: Line) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.add(line);
    }

    /// What was kept so far. If there was more, the last line says how much.
    pub fn take(&self) -> Vec<Line> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept).ended()
    }
}

impl CollectedLines {
    fn add(&mut self, line: Line) {
        if self.lines.len() == MOST || self.bytes + line.text.len() > BYTES {
            self.dropped = self.dropped.saturating_add(1);
        } else {
            self.bytes += line.text.len();
            self.lines.push(line);
        }
    }

    fn ended(mut self) -> Vec<Line> {
        if let (Some(last), 1..) = (self.lines.last(), self.dropped) {
            let text = format!(
                "{} more lines are not kept: {MOST} lines and {} KiB are the most of a visit",
                self.dropped,
                BYTES / 1024
            );
            let level = LineLevel::Warn;
            let note = Line {
                level,
                text,
                ..last.clone()
            };
            self.lines.push(note);
        }
        self.lines
    }
}

/// The lines of a visit that was held and went on.
pub fn joined(before: &[Line], after: Vec<Line>) -> Vec<Line> {
    if before.is_empty() {
        return after;
    }
    let mut kept = CollectedLines::default();
    for line in before.iter().cloned().chain(after) {
        kept.add(line);
    }
    kept.ended()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            at: Timestamp::UNIX_EPOCH,
            attempt: 1,
            level: LineLevel::Info,
            source: LineSource::Log,
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let lines = VisitLines::default();
        for _ in 0..MOST + 5 {
            lines.push(line("a"));
        }
        let kept = lines.take();
        assert_eq!(kept.len(), MOST + 1);
        assert!(
            kept[MOST].text.starts_with("5 more lines"),
            "{:?}",
            kept[MOST]
        );
        lines.push(line(&"a".repeat(BYTES)));
        lines.push(line("b"));
        assert!(lines.take()[1].text.starts_with("1 more lines"));
    }

    #[test]
    fn a_visit_that_goes_on_keeps_what_it_said_before() {
        let kept = joined(&[line("a")], vec![line("b")]);
        let texts: Vec<_> = kept.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["a", "b"]);
    }
}
