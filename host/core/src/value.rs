//! Database values and statements, as data: what handlers, plugins and the store exchange.

pub mod form;
mod read;
mod write;

use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::shown;

/// Characters of a value that an error quotes.
const TOLD: usize = 100;

/// A value of a database column or parameter. Mirrors `variant value` of the WIT contract,
/// so no case is ever added: a type without a case of its own is [`Value::Other`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
    /// Microseconds since 1970-01-01T00:00:00Z, for columns of a timestamp type.
    Timestamp(i64),
    /// A JSON document, for columns of a JSON type.
    Json(String),
    /// Stored as little-endian bytes; comes back as [`Value::Blob`].
    Vector(Vec<f32>),
    Other {
        type_name: String,
        text: String,
    },
}

/// Bytes of an object's first fields, of a list's first parts, and of each part of either.
const OBJECT: u64 = 640;
const LIST: u64 = 128;
const PART: u64 = 64;

impl Value {
    /// The bytes that a vector is stored as.
    pub fn vector_bytes(vector: &[f32]) -> Vec<u8> {
        vector.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    /// The vector in `bytes`, or `None` if their number is not a multiple of four.
    pub fn vector_of(bytes: &[u8]) -> Option<Vec<f32>> {
        let (chunks, rest) = bytes.as_chunks::<4>();
        rest.is_empty()
            .then(|| chunks.iter().map(|c| f32::from_le_bytes(*c)).collect())
    }

    /// Bytes that this value takes in memory; what byte budgets count.
    pub fn size(&self) -> usize {
        let apart = match self {
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Real(_)
            | Value::Timestamp(_) => 0,
            Value::Text(text) | Value::Json(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            Value::Vector(vector) => vector.len() * 4,
            Value::Other { type_name, text } => type_name.len() + text.len(),
        };
        size_of::<Self>() + apart
    }
}

/// Bytes that a JSON text takes as a tree, about, told without making one: an object of one field
/// takes as much memory as one of eleven, so four megabytes of text may be gigabytes.
pub fn tree(json: &[u8]) -> u64 {
    let (mut bytes, mut quoted, mut escaped) = (json.len() as u64, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' => bytes += OBJECT,
            b'[' => bytes += LIST,
            b',' => bytes += PART,
            _ => {}
        }
    }
    bytes
}

/// The same of a value that is a tree already.
pub fn tree_of(value: &serde_json::Value) -> u64 {
    use serde_json::Value as Json;
    match value {
        Json::String(text) => PART + text.len() as u64,
        Json::Array(items) => LIST + items.iter().map(tree_of).sum::<u64>(),
        Json::Object(fields) => {
            let fields = fields.iter();
            OBJECT
                + fields
                    .map(|(key, value)| key.len() as u64 + tree_of(value))
                    .sum::<u64>()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => PART,
    }
}

/// How deep a JSON value nests; the parser has bounded it already.
pub(crate) fn depth(value: &serde_json::Value) -> usize {
    let inner = match value {
        serde_json::Value::Array(items) => items.iter().map(depth).max(),
        serde_json::Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or_default()
}

/// The JSON document that a peer's bytes are, if it takes at most so many bytes of memory; else what
/// is wrong with it. Nothing that a peer says is read as JSON but here.
pub fn json_in<T: DeserializeOwned>(bytes: impl AsRef<[u8]>, most: u64) -> Result<T, JsonProblem> {
    let bytes = bytes.as_ref();
    if tree(bytes) > most {
        return Err(JsonProblem::TooLarge(most >> 20));
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Why bytes are no JSON document that is read.
#[derive(Debug, thiserror::Error)]
pub enum JsonProblem {
    #[error("has so many parts that it takes more than {0} MiB in memory")]
    TooLarge(u64),
    #[error("is no JSON: {0}")]
    Broken(#[from] serde_json::Error),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Value::Integer(i64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}

/// In microseconds, as the host keeps times.
impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Value::Integer(value.as_microsecond())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Value::Text(value.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Blob(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// One SQL statement with its parameters, which are written `$1`, `$2` … on every database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    pub sql: String,
    pub params: Vec<Value>,
    /// How many rows it has to touch, if that matters to what is written with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

impl Statement {
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            params: Vec::new(),
            rows: None,
        }
    }

    /// Insert a row into the table that its type is named for.
    pub fn insert(row: &impl Serialize) -> Self {
        Self::insert_all(std::slice::from_ref(row))
    }

    /// Insert rows, at least one.
    pub fn insert_all<T: Serialize>(rows: &[T]) -> Self {
        let mut sql = String::new();
        let mut params = Vec::new();
        for row in rows.iter().map(write::row) {
            if params.is_empty() {
                let names: Vec<_> = row.columns.iter().map(|(name, _)| *name).collect();
                sql = format!("INSERT INTO {} ({}) VALUES ", row.table, names.join(", "));
            } else {
                sql.push_str(", ");
            }
            sql.push_str(&parameters(params.len() + 1, row.columns.len()));
            params.extend(row.columns.into_iter().map(|(_, value)| value));
        }
        Self {
            params,
            ..Self::new(sql)
        }
    }

    /// A statement whose parameters are written `:column`, each a column of `row`.
    pub fn named(sql: &str, row: &impl Serialize) -> Self {
        let columns = write::row(row).columns;
        let mut named = Self::new("");
        let mut used: Vec<&str> = Vec::new();
        let mut pieces = sql.split(':');
        named.sql.extend(pieces.next());
        for piece in pieces {
            let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let rest = piece.trim_start_matches(word);
            let name = &piece[..piece.len() - rest.len()];
            let Some((_, value)) = columns.iter().find(|(column, _)| *column == name) else {
                named.sql.extend([":", piece]);
                continue;
            };
            let number = used.iter().position(|known| *known == name);
            let number = number.unwrap_or_else(|| {
                used.push(name);
                named.params.push(value.clone());
                used.len() - 1
            });
            named.sql.push_str(&format!("${}{rest}", number + 1));
        }
        named
    }

    /// Append the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }

    /// It has to touch so many rows. As a deferred write that touches others it says that another run or a
    /// person was faster: nothing of the checkpoint is kept, and the stage is executed once more.
    #[must_use]
    pub fn exactly(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Append what follows to its text.
    #[must_use]
    pub fn then(mut self, sql: &str) -> Self {
        self.sql.push(' ');
        self.sql.push_str(sql);
        self
    }
}

/// `($1, $2, …)` from a first number on.
pub fn parameters(first: usize, number: usize) -> String {
    let places = first..first + number;
    let places: Vec<_> = places.map(|place| format!("${place}")).collect();
    format!("({})", places.join(", "))
}

/// A statement that gives rows, each of them a `T`.
#[derive(Debug, Clone)]
pub struct Query<T> {
    statement: Statement,
    row: PhantomData<fn() -> T>,
}

/// Selects the rows of a table: its name and columns are those of `T`, and `rest` follows them.
pub fn select<T: for<'r> Deserialize<'r>>(rest: &str) -> Query<T> {
    let table = read::shape::<T>().0;
    Query::new(format!("SELECT {} FROM {table} {rest}", columns::<T>()))
}

/// The columns of a row, parted by commas.
pub fn columns<T: for<'r> Deserialize<'r>>() -> String {
    read::shape::<T>().1.join(", ")
}

impl<T> Query<T> {
    pub fn new(sql: impl Into<String>) -> Self {
        Statement::new(sql).into()
    }

    /// Append the next parameter.
    #[must_use]
    pub fn bind(self, value: impl Into<Value>) -> Self {
        self.statement.bind(value).into()
    }
}

impl<T> From<Statement> for Query<T> {
    fn from(statement: Statement) -> Self {
        let row = PhantomData;
        Self { statement, row }
    }
}

impl<T> From<Query<T>> for Statement {
    fn from(query: Query<T>) -> Self {
        query.statement
    }
}

/// The rows of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

/// A column that does not hold what is read from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}`{} {problem}", of(.table))]
pub struct ColumnError {
    /// Empty if the row is not one of a single table.
    pub table: String,
    pub column: String,
    pub problem: String,
}

fn of(table: &str) -> String {
    if table.is_empty() {
        return String::new();
    }
    format!(" of `{table}`")
}

impl Rows {
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row {
            columns: &self.columns,
            values,
        })
    }

    pub fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }

    /// Read every row.
    pub fn read<T: for<'r> Deserialize<'r>>(&self) -> Result<Vec<T>, ColumnError> {
        self.iter().map(Row::read).collect()
    }

    /// Read the first row, if there is one.
    pub fn read_first<T: for<'r> Deserialize<'r>>(&self) -> Result<Option<T>, ColumnError> {
        self.first().map(Row::read).transpose()
    }
}

/// One row, read whole or by column name.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

impl<'a> Row<'a> {
    /// What the row is as a `T`: a struct by the names of its fields, a tuple by the order of the
    /// columns, and anything else by the first of them.
    pub fn read<T: Deserialize<'a>>(self) -> Result<T, ColumnError> {
        read::row(self)
    }

    pub fn value(&self, column: &str) -> Result<&'a Value, ColumnError> {
        let index = self.columns.iter().position(|name| name == column);
        index
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| wrong(column, "is not in the answer".into()))
    }

    pub fn text(&self, column: &str) -> Result<String, ColumnError> {
        match self.value(column)? {
            Value::Text(text) | Value::Json(text) => Ok(text.clone()),
            other => Err(wrong(column, not("a text", other))),
        }
    }

    pub fn integer(&self, column: &str) -> Result<i64, ColumnError> {
        match self.value(column)? {
            Value::Integer(number) | Value::Timestamp(number) => Ok(*number),
            other => Err(wrong(column, not("an integer", other))),
        }
    }

    pub fn blob(&self, column: &str) -> Result<Vec<u8>, ColumnError> {
        match self.value(column)? {
            Value::Blob(bytes) => Ok(bytes.clone()),
            other => Err(wrong(column, not("a blob", other))),
        }
    }
}

/// What is wrong with a value, of which the beginning is told.
fn not(what: &str, stored: &Value) -> String {
    format!(
        "is not {what}: {}",
        shown::cut(format_args!("{stored:?}"), TOLD)
    )
}

fn wrong(column: &str, problem: String) -> ColumnError {
    ColumnError {
        table: String::new(),
        column: column.to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_survives_its_bytes() {
        let vector = vec![0.0, -1.5, f32::MAX];
        assert_eq!(
            Value::vector_of(&Value::vector_bytes(&vector)),
            Some(vector)
        );
        assert_eq!(Value::vector_of(&[1, 2, 3]), None);
    }

    #[test]
    fn a_tree_is_told_from_its_text() {
        for text in [
            "{}",
            r#"{"a,[{\"":["{",1,2,[{"b":null}]],"c":"\\"}"#,
            &format!("[{}0]", "0,".repeat(1000)),
            &format!("[{}{{}}]", "{\"a\":0},".repeat(1000)),
        ] {
            let value: serde_json::Value = serde_json::from_str(text).expect(text);
            let (told, is) = (tree(text.as_bytes()), tree_of(&value));
            // What is not after a comma is counted with its list alone, and the signs as bytes.
            assert!(
                told.abs_diff(is) < is / 2 + PART * 4,
                "{text:.40}: {told} {is}"
            );
        }
        // Measured: 700 bytes each.
        assert!(tree("{\"a\":0},".repeat(500_000).as_bytes()) > 300 << 20);
    }

    #[test]
    fn a_row_names_the_column_that_does_not_fit() {
        let rows = Rows {
            columns: vec!["a".into()],
            rows: vec![vec![Value::Null]],
        };
        let row = rows.first().expect("one row");
        assert_eq!(row.value("a"), Ok(&Value::Null));
        let problem = row.text("b").expect_err("there is none").to_string();
        assert_eq!(problem, "column `b` is not in the answer");
    }
}
