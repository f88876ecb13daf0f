//! Rows and their typed getters.

use super::{FromValue, RowError, Value};
use crate::bindings::callboard::plugin::db as host;

/// The rows of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row {
            columns: &self.columns,
            values,
        })
    }

    /// The first row; the error says that there is none.
    pub fn first(&self) -> Result<Row<'_>, RowError> {
        self.iter().next().ok_or(RowError::NoRow)
    }
}

impl From<host::RowSet> for Rows {
    fn from(host::RowSet { columns, rows }: host::RowSet) -> Self {
        Self { columns, rows }
    }
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

impl<'a> Row<'a> {
    /// All values as they came, in the order of the columns.
    pub fn values(&self) -> &'a [Value] {
        self.values
    }

    /// The value of a column as it came.
    pub fn value(&self, column: &str) -> Result<&'a Value, RowError> {
        let index = self.columns.iter().position(|name| name == column);
        let value = index.and_then(|index| self.values.get(index));
        value.ok_or_else(|| RowError::NoColumn(column.to_owned()))
    }

    /// The value of a column as a type; `Option<T>` takes NULL for `None`.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, RowError> {
        let value = self.value(column)?;
        T::from_value(value).ok_or_else(|| RowError::WrongType {
            column: column.to_owned(),
            wanted: T::WANTED,
            found: super::value::kind_of(value),
        })
    }

    /// Text.
    pub fn text(&self, column: &str) -> Result<String, RowError> {
        self.get(column)
    }

    /// An integer.
    pub fn integer(&self, column: &str) -> Result<i64, RowError> {
        self.get(column)
    }

    /// A count: an integer that is not negative.
    pub fn count(&self, column: &str) -> Result<u64, RowError> {
        self.get(column)
    }

    /// A number with a fraction.
    pub fn real(&self, column: &str) -> Result<f64, RowError> {
        self.get(column)
    }

    /// Yes or no; 0 and 1 too, which is all that `SQLite` knows.
    pub fn boolean(&self, column: &str) -> Result<bool, RowError> {
        self.get(column)
    }

    /// A vector; its little-endian bytes too.
    pub fn vector(&self, column: &str) -> Result<Vec<f32>, RowError> {
        self.get(column)
    }

    /// A JSON document, from a JSON or a text column.
    pub fn json(&self, column: &str) -> Result<serde_json::Value, RowError> {
        self.get(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let columns = ["id", "flag", "path"].map(str::to_owned).to_vec();
        Rows {
            columns,
            rows: vec![vec![
                Value::Text("a".into()),
                Value::Integer(1),
                Value::Null,
            ]],
        }
    }

    #[test]
    fn getters_give_types() {
        let rows = rows();
        let row = rows.first().expect("one row");
        assert_eq!(row.text("id"), Ok("a".to_owned()));
        assert_eq!(row.boolean("flag"), Ok(true));
        assert_eq!(row.get::<Option<String>>("path"), Ok(None));
    }

    #[test]
    fn an_error_names_the_column_and_both_types() {
        let rows = rows();
        let row = rows.first().expect("one row");
        let text = row.text("path").expect_err("null is no text").to_string();
        assert_eq!(
            text,
            "column `path` holds null, not text; cast it in the statement"
        );
        assert_eq!(row.text("nope"), Err(RowError::NoColumn("nope".to_owned())));
    }
}
