//! Rows that cannot be read: each of them stops its own run, by name, and nothing else.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Store, StoreError, Transaction, timestamp};
use crate::value::{Query, Row, Rows, Value};

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
    Broken(UnreadableRow),
}

/// A row of a list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Unreadable")]
pub struct UnreadableRow {
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

impl Store {
    /// The rows of a list; `key` is the column by which one that cannot be read is named.
    pub async fn entries<T: DeserializeOwned>(
        &self,
        key: &str,
        query: Query<T>,
    ) -> Result<Vec<ListEntry<T>>, StoreError> {
        let entry = |row: Row<'_>| match row.read() {
            Ok(known) => ListEntry::Known(known),
            Err(error) => ListEntry::Broken(UnreadableRow {
                id: shown(row, key),
                status: UNREADABLE,
                detail: cut(&error.to_string()),
            }),
        };
        Ok(self.query(query).await?.iter().map(entry).collect())
    }

    /// What can be read of the rows of a query.
    pub async fn readable<T: DeserializeOwned>(
        &self,
        what: &str,
        query: Query<T>,
    ) -> Result<Vec<T>, StoreError> {
        Ok(readable(&self.query(query).await?, what, Row::read))
    }
}

impl Transaction<'_> {
    /// What can be read of the rows of a query.
    pub async fn readable<T: DeserializeOwned>(
        &mut self,
        what: &str,
        query: Query<T>,
    ) -> Result<Vec<T>, StoreError> {
        Ok(readable(&self.query(query).await?, what, Row::read))
    }
}

/// What can be read of rows; what cannot is told to the log, and named by `callboard doctor`.
pub(super) fn readable<'r, T, E: Into<StoreError>>(
    rows: &'r Rows,
    what: &str,
    read: impl Fn(Row<'r>) -> Result<T, E>,
) -> Vec<T> {
    let read = rows.iter().filter_map(|row| match read(row) {
        Ok(value) => Some(value),
        Err(error) => {
            let problem = cut(&error.into().message);
            tracing::error!(what, problem, "a row is left out: it cannot be read");
            None
        }
    });
    read.collect()
}

/// What can be read of rows, and what is wrong with the others.
pub(super) fn parted<T>(
    rows: &Rows,
    mut read: impl FnMut(Row<'_>) -> Result<T, StoreError>,
) -> (Vec<T>, Vec<String>) {
    let (mut readable, mut problems) = (Vec::new(), Vec::new());
    for row in rows.iter() {
        match read(row) {
            Ok(value) => readable.push(value),
            Err(error) => problems.push(cut(&error.message)),
        }
    }
    (readable, problems)
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
