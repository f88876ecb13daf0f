//! What serde writes becomes the columns of a row: each field is one, and those of a struct in it
//! stand beside them.

use std::fmt;

use serde::Serialize;
use serde::ser::{Impossible, SerializeStruct, Serializer};

use super::Value;

/// Columns and what they hold, in the order of the fields.
#[derive(Debug, Default)]
pub(super) struct WrittenRow {
    /// The type's name.
    pub(super) table: &'static str,
    pub(super) columns: Vec<(&'static str, Value)>,
}

/// What a row holds.
///
/// # Panics
///
/// If a field is neither a plain value nor a struct of such: that is seen at the first call.
pub(super) fn row(row: &impl Serialize) -> WrittenRow {
    let mut written = WrittenRow::default();
    let place = ColumnWriter {
        written: &mut written,
        column: "",
    };
    row.serialize(place)
        .expect("a row is a struct of plain values");
    written
}

struct ColumnWriter<'w> {
    written: &'w mut WrittenRow,
    column: &'static str,
}

impl ColumnWriter<'_> {
    #[expect(clippy::unnecessary_wraps, reason = "what serde calls may fail")]
    fn push(self, value: impl Into<Value>) -> Result<(), NoColumn> {
        self.written.columns.push((self.column, value.into()));
        Ok(())
    }
}

macro_rules! values {
    ($($method:ident: $kind:ty => $value:expr),* $(,)?) => {
        $(fn $method(self, value: $kind) -> Result<(), NoColumn> {
            self.push($value(value))
        })*
    };
}

macro_rules! none {
    ($($method:ident($($kind:ty),*) -> $gives:ty;)*) => {
        $(fn $method(self, $(_: $kind),*) -> Result<$gives, NoColumn> {
            Err(NoColumn(self.column.to_owned()))
        })*
    };
}

impl<'w> Serializer for ColumnWriter<'w> {
    type Ok = ();
    type Error = NoColumn;
    type SerializeSeq = Impossible<(), NoColumn>;
    type SerializeTuple = Impossible<(), NoColumn>;
    type SerializeTupleStruct = Impossible<(), NoColumn>;
    type SerializeTupleVariant = Impossible<(), NoColumn>;
    type SerializeMap = Impossible<(), NoColumn>;
    type SerializeStruct = Fields<'w>;
    type SerializeStructVariant = Impossible<(), NoColumn>;

    /// Stored times are numbers, and written ones are texts.
    fn is_human_readable(&self) -> bool {
        false
    }

    values! {
        serialize_bool: bool => Value::Boolean,
        serialize_i8: i8 => i64::from,
        serialize_i16: i16 => i64::from,
        serialize_i32: i32 => i64::from,
        serialize_i64: i64 => Value::Integer,
        serialize_u8: u8 => i64::from,
        serialize_u16: u16 => i64::from,
        serialize_u32: u32 => i64::from,
        serialize_u64: u64 => |number| i64::try_from(number).unwrap_or(i64::MAX),
        serialize_f32: f32 => f64::from,
        serialize_f64: f64 => Value::Real,
        serialize_char: char => String::from,
        serialize_str: &str => Value::from,
        serialize_bytes: &[u8] => <[u8]>::to_vec,
    }

    fn serialize_none(self) -> Result<(), NoColumn> {
        self.push(Value::Null)
    }

    fn serialize_unit(self) -> Result<(), NoColumn> {
        self.push(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoColumn> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NoColumn> {
        self.push(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NoColumn> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NoColumn> {
        Err(NoColumn(self.column.to_owned()))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'w>, NoColumn> {
        if self.column.is_empty() {
            self.written.table = name;
        }
        Ok(Fields(self.written))
    }

    none! {
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

struct Fields<'w>(&'w mut WrittenRow);

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = NoColumn;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        column: &'static str,
        value: &T,
    ) -> Result<(), NoColumn> {
        let written = &mut *self.0;
        value.serialize(ColumnWriter { written, column })
    }

    fn end(self) -> Result<(), NoColumn> {
        Ok(())
    }
}

/// A field is no column.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no plain value")]
pub(super) struct NoColumn(String);

impl serde::ser::Error for NoColumn {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self(problem.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde::Deserialize;

    use super::super::{ColumnError, Rows, Statement, columns, form, select};
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        InUse,
        Gone,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Bounds {
        most: Option<u32>,
        #[serde(with = "form::micros")]
        per: Duration,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "things")]
    struct Thing {
        id: String,
        kind: Kind,
        bounds: Bounds,
        #[serde(with = "form::micros")]
        at: Timestamp,
        #[serde(with = "form::micros")]
        until: Option<Timestamp>,
        removed: bool,
    }

    fn thing() -> Thing {
        Thing {
            id: "a".to_owned(),
            kind: Kind::InUse,
            bounds: Bounds {
                most: None,
                per: Duration::from_millis(3),
            },
            at: Timestamp::from_second(7).expect("a time"),
            until: None,
            removed: true,
        }
    }

    /// The row of a thing as a database gives it.
    fn rows(change: impl FnOnce(&mut Vec<(&'static str, Value)>)) -> Rows {
        let mut columns = row(&thing()).columns;
        change(&mut columns);
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        Rows {
            columns: names.into_iter().map(str::to_owned).collect(),
            rows: vec![values],
        }
    }

    fn read(rows: &Rows) -> Result<Thing, ColumnError> {
        rows.first().expect("a row").read()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        assert_eq!(read(&rows(|_| {})), Ok(thing()));
        // In any order, and as SQLite has truth.
        let other = rows(|columns| {
            columns.reverse();
            columns[0].1 = Value::Integer(1);
        });
        assert_eq!(read(&other), Ok(thing()));
        let pair: (String, Kind) = other_order().first().expect("a row").read().expect("two");
        assert_eq!(pair, ("a".to_owned(), Kind::InUse));
        assert_eq!(rows(|_| {}).read::<String>(), Ok(vec!["a".to_owned()]));
    }

    fn other_order() -> Rows {
        rows(|columns| columns.truncate(2))
    }

    /// A value of any length is told by its beginning.
    const LONG: &str = "is not a text: Blob([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0… (203 more characters)";

    #[test]
    fn an_error_says_which_column_of_which_table_what_it_holds_and_what_it_should() {
        for (column, holds, problem) in [
            ("id", Value::Integer(1), "is not a text: Integer(1)"),
            ("kind", "odd".into(), "is none of in-use, gone: `odd`"),
            ("most", Value::Integer(-1), "is not u32: integer `-1`"),
            ("per", "b".into(), "is not an integer: Text(\"b\")"),
            ("at", Value::Null, "is not an integer: Null"),
            ("id", Value::Blob(vec![0; 99]), LONG),
            ("until", true.into(), "is not an integer: Boolean(true)"),
            ("removed", Value::Null, "is not a boolean: Null"),
        ] {
            let rows = rows(|columns| {
                let found = columns.iter_mut().find(|(name, _)| *name == column);
                found.expect("a column").1 = holds;
            });
            let told = read(&rows).expect_err(column).to_string();
            assert_eq!(told, format!("column `{column}` of `things` {problem}"));
        }
        let missing = rows(|columns| columns.truncate(6));
        let told = read(&missing).expect_err("no `removed`").to_string();
        assert_eq!(told, "column `removed` of `things` is not in the answer");
    }

    #[test]
    fn a_statement_takes_what_it_names() {
        let insert = Statement::insert(&thing());
        let text = "INSERT INTO things (id, kind, most, per, at, until, removed) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        assert_eq!((insert.sql.as_str(), insert.params.len()), (text, 7));
        let two = Statement::insert_all(&[thing(), thing()]);
        assert!(two.sql.ends_with("($8, $9, $10, $11, $12, $13, $14)"));
        let named = Statement::named(
            "UPDATE things SET kind = :kind, at = :at::bigint, of = ':x' \
            WHERE id = :id AND kind <> :kind",
            &thing(),
        );
        let text = "UPDATE things SET kind = $1, at = $2::bigint, of = ':x' \
            WHERE id = $3 AND kind <> $1";
        assert_eq!(named.sql, text);
        assert_eq!(named.params[2], Value::from("a"));
        let all = Statement::from(select::<Bounds>("WHERE most > $1").bind(1_i64));
        assert_eq!(all.sql, "SELECT most, per FROM Bounds WHERE most > $1");
        assert_eq!(columns::<Bounds>(), "most, per");
    }

    #[test]
    fn a_time_is_a_text_in_a_document() {
        let document = serde_json::to_value(thing()).expect("JSON");
        assert_eq!(document["at"], "1970-01-01T00:00:07Z");
    }
}
