//! Database values and statements, as data: what handlers, plugins and the store exchange.

use serde::{Deserialize, Serialize};

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
}

impl Statement {
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            params: Vec::new(),
        }
    }

    /// Append the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }
}

/// The rows of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` {problem}")]
pub struct ColumnError {
    pub column: String,
    pub problem: String,
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
}

/// One row, read by column name.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

impl<'a> Row<'a> {
    pub fn value(&self, column: &str) -> Result<&'a Value, ColumnError> {
        let index = self.columns.iter().position(|name| name == column);
        index
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| wrong(column, "is not in the answer".into()))
    }

    pub fn text(&self, column: &str) -> Result<String, ColumnError> {
        match self.value(column)? {
            Value::Text(text) | Value::Json(text) => Ok(text.clone()),
            other => Err(wrong(column, format!("is not a text: {other:?}"))),
        }
    }

    pub fn optional_text(&self, column: &str) -> Result<Option<String>, ColumnError> {
        self.present(column).map(|()| self.text(column)).transpose()
    }

    pub fn integer(&self, column: &str) -> Result<i64, ColumnError> {
        match self.value(column)? {
            Value::Integer(number) | Value::Timestamp(number) => Ok(*number),
            other => Err(wrong(column, format!("is not an integer: {other:?}"))),
        }
    }

    pub fn optional_integer(&self, column: &str) -> Result<Option<i64>, ColumnError> {
        self.present(column)
            .map(|()| self.integer(column))
            .transpose()
    }

    pub fn boolean(&self, column: &str) -> Result<bool, ColumnError> {
        match self.value(column)? {
            Value::Boolean(flag) => Ok(*flag),
            Value::Integer(number) => Ok(*number != 0),
            other => Err(wrong(column, format!("is not a boolean: {other:?}"))),
        }
    }

    pub fn blob(&self, column: &str) -> Result<Vec<u8>, ColumnError> {
        match self.value(column)? {
            Value::Blob(bytes) => Ok(bytes.clone()),
            other => Err(wrong(column, format!("is not a blob: {other:?}"))),
        }
    }

    pub fn optional_blob(&self, column: &str) -> Result<Option<Vec<u8>>, ColumnError> {
        self.present(column).map(|()| self.blob(column)).transpose()
    }

    fn present(&self, column: &str) -> Option<()> {
        (!matches!(self.value(column), Ok(Value::Null))).then_some(())
    }
}

fn wrong(column: &str, problem: String) -> ColumnError {
    ColumnError {
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
        assert_eq!(row.optional_text("a"), Ok(None));
        assert!(row.text("a").unwrap_err().to_string().contains("`a`"));
        assert!(
            row.text("b")
                .unwrap_err()
                .to_string()
                .contains("not in the answer")
        );
    }
}
