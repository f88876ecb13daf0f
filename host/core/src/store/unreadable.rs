//! Rows that cannot be read: each of them stops its own run, by name, and nothing else.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{StoreError, timestamp};
use crate::value::{Row, Rows, Value};

/// The kind of finding that names such a run.
pub const UNREADABLE: &str = "unreadable";
/// Characters of a problem that are told.
const LONGEST: usize = 400;

/// A run whose row, or one of whose checkpoints, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    pub id: String,
    pub pipeline: String,
    /// Always `unreadable`, where a run has its status.
    pub status: &'static str,
    /// What cannot be read, and why.
    pub detail: String,
    pub created_at: Timestamp,
}

impl Unreadable {
    pub(super) fn of(row: Row<'_>, error: &StoreError) -> Self {
        Self {
            id: shown(row, "id"),
            pipeline: shown(row, "pipeline"),
            status: UNREADABLE,
            detail: cut(&error.message),
            created_at: timestamp(row.integer("created_at").unwrap_or_default()),
        }
    }
}

/// One row of a list: what it says, or that it cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
#[serde(untagged)]
pub enum ListEntry<T> {
    Known(T),
    Broken(Broken),
}

/// A row of a list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Unreadable")]
pub struct Broken {
    /// Its key, as far as it can be shown.
    pub id: String,
    /// Always `unreadable`, where others have their status.
    pub status: &'static str,
    /// What cannot be read, and why.
    pub detail: String,
}

impl<T> ListEntry<T> {
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Broken(_) => None,
        }
    }

    /// The same with what can be read in another form.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> ListEntry<U> {
        match self {
            Self::Known(known) => ListEntry::Known(form(known)),
            Self::Broken(broken) => ListEntry::Broken(broken),
        }
    }
}

/// The rows of a list; `key` is the column by which one that cannot be read is named.
pub fn entries<'r, T>(
    rows: &'r Rows,
    key: &str,
    read: impl Fn(Row<'r>) -> Result<T, StoreError>,
) -> Vec<ListEntry<T>> {
    let entry = |row| match read(row) {
        Ok(known) => ListEntry::Known(known),
        Err(error) => ListEntry::Broken(Broken {
            id: shown(row, key),
            status: UNREADABLE,
            detail: cut(&error.message),
        }),
    };
    rows.iter().map(entry).collect()
}

/// What can be read of rows; what cannot is told to the log, and named by `callboard doctor`.
pub fn readable<'r, T>(
    rows: &'r Rows,
    what: &str,
    read: impl Fn(Row<'r>) -> Result<T, StoreError>,
) -> Vec<T> {
    let read = rows.iter().filter_map(|row| match read(row) {
        Ok(value) => Some(value),
        Err(error) => {
            let problem = cut(&error.message);
            tracing::error!(what, problem, "a row is left out: it cannot be read");
            None
        }
    });
    read.collect()
}

/// A column as far as it can be shown.
pub(super) fn shown(row: Row<'_>, column: &str) -> String {
    row.value(column).map(text).unwrap_or_default()
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Json(text) => cut(text),
        Value::Blob(bytes) => cut(&String::from_utf8_lossy(bytes)),
        Value::Integer(number) => number.to_string(),
        other => cut(&format!("{other:?}")),
    }
}

/// Without what no database keeps, and not longer than a person reads.
pub(super) fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut.replace('\0', "\u{fffd}")
}
