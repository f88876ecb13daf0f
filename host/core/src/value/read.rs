//! A row becomes a type that serde reads: a field is the column of its name, and a struct in it
//! takes its columns from the same row. A tuple is a row by the order of its columns, and
//! anything else the first of them.

use std::cell::Cell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{ColumnError, Row, Rows, Value, not, wrong};

/// Read a row whole. An error names the column, and the table if the type is one's.
pub(super) fn row<'de, T: Deserialize<'de>>(row: Row<'de>) -> Result<T, ColumnError> {
    let (column, last) = (Column::At(0), &Cell::default());
    T::deserialize(ColumnPlace { row, column, last })
}

impl Rows {
    /// Read every row, each of which is gone once it was read.
    pub fn taken<T: DeserializeOwned>(self) -> impl Iterator<Item = Result<T, ColumnError>> {
        let Self { columns, rows } = self;
        rows.into_iter().map(move |values| {
            let (columns, values) = (&columns, &values);
            Row { columns, values }.read()
        })
    }
}

#[derive(Clone, Copy)]
enum Column {
    At(usize),
    Named(&'static str),
}

/// A column of a row; the first one is the row, too.
#[derive(Clone, Copy)]
struct ColumnPlace<'de, 'r> {
    row: Row<'de>,
    column: Column,
    /// The column that was found last: fields mostly stand in the order of columns.
    last: &'r Cell<usize>,
}

impl<'de> ColumnPlace<'de, '_> {
    fn name(&self) -> &'de str {
        match self.column {
            Column::Named(name) => name,
            Column::At(at) => self.row.columns.get(at).map_or("", String::as_str),
        }
    }

    fn value(&self) -> Result<&'de Value, ColumnError> {
        let at = match self.column {
            Column::At(at) => Some(at),
            Column::Named(name) => self.find(name),
        };
        let value = at.and_then(|at| self.row.values.get(at));
        value.ok_or_else(|| wrong(self.name(), "is not in the answer".to_owned()))
    }

    fn find(&self, name: &str) -> Option<usize> {
        let (columns, last) = (self.row.columns, self.last.get());
        let is_it = |at: &usize| columns.get(*at).is_some_and(|column| column == name);
        let found = [last, last + 1].into_iter().find(is_it);
        let found = found.or_else(|| columns.iter().position(|column| column == name))?;
        self.last.set(found);
        Some(found)
    }

    fn no<T>(&self, what: &str) -> Result<T, ColumnError> {
        Err(wrong(self.name(), not(what, self.value()?)))
    }

    fn text(&self) -> Result<&'de str, ColumnError> {
        match self.value()? {
            Value::Text(text) | Value::Json(text) => Ok(text),
            _ => self.no("a text"),
        }
    }

    fn integer(&self) -> Result<i64, ColumnError> {
        match self.value()? {
            Value::Integer(number) | Value::Timestamp(number) => Ok(*number),
            _ => self.no("an integer"),
        }
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
            visitor.visit_i64(self.integer()?)
        })*
    };
}

impl<'de> Deserializer<'de> for ColumnPlace<'de, '_> {
    type Error = ColumnError;

    /// Stored times are numbers, and written ones are texts.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        match self.value()? {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(flag) => visitor.visit_bool(*flag),
            Value::Integer(number) | Value::Timestamp(number) => visitor.visit_i64(*number),
            Value::Real(number) => visitor.visit_f64(*number),
            Value::Text(text) | Value::Json(text) => visitor.visit_borrowed_str(text),
            Value::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::Vector(_) | Value::Other { .. } => self.no("what a row is read into"),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        match self.value()? {
            Value::Boolean(flag) => visitor.visit_bool(*flag),
            Value::Integer(number) => visitor.visit_bool(*number != 0),
            _ => self.no("a boolean"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        match self.value()? {
            Value::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
            _ => self.no("a blob"),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        match self.value()? {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        visitor.visit_newtype_struct(self)
    }

    /// One of several, by its name.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        visitor.visit_enum(StrDeserializer::new(self.text()?))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        visitor.visit_seq(RowColumns {
            row: self.row,
            columns: (0..length).map(Column::At),
            last: self.last,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        let read = visitor.visit_seq(RowColumns {
            row: self.row,
            columns: fields.iter().map(|name| Column::Named(name)),
            last: self.last,
        });
        let is_table = name.starts_with(|first: char| first.is_ascii_lowercase());
        read.map_err(|mut error| {
            if is_table && error.table.is_empty() {
                name.clone_into(&mut error.table);
            }
            error
        })
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char unit unit_struct seq tuple_struct map identifier ignored_any
    }
}

/// Columns of a row, one after another.
struct RowColumns<'de, 'r, I> {
    row: Row<'de>,
    columns: I,
    last: &'r Cell<usize>,
}

impl<'de, I: Iterator<Item = Column>> SeqAccess<'de> for RowColumns<'de, '_, I> {
    type Error = ColumnError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ColumnError> {
        let Some(column) = self.columns.next() else {
            return Ok(None);
        };
        let Self { row, last, .. } = *self;
        let place = ColumnPlace { row, column, last };
        let read = seed.deserialize(place).map_err(|mut error| {
            if error.column.is_empty() {
                place.name().clone_into(&mut error.column);
            }
            error
        });
        read.map(Some)
    }
}

impl Error for ColumnError {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        wrong("", format!("cannot be read: {problem}"))
    }

    fn invalid_type(stored: Unexpected<'_>, expected: &dyn Expected) -> Self {
        wrong("", format!("is not {expected}: {stored}"))
    }

    fn invalid_value(stored: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(stored, expected)
    }

    fn unknown_variant(stored: &str, known: &'static [&'static str]) -> Self {
        wrong("", format!("is none of {}: `{stored}`", known.join(", ")))
    }
}

/// The name of a row's table and of its columns, as its type says them.
pub(super) fn shape<'de, T: Deserialize<'de>>() -> (&'static str, &'static [&'static str]) {
    let mut shape = ("", [].as_slice());
    // It reads nothing.
    T::deserialize(RowShape(&mut shape))
        .map(drop)
        .unwrap_or_default();
    shape
}

struct RowShape<'s>(&'s mut (&'static str, &'static [&'static str]));

impl<'de> Deserializer<'de> for RowShape<'_> {
    type Error = ColumnError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ColumnError> {
        Err(wrong("", "is no row".to_owned()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        *self.0 = (name, fields);
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
