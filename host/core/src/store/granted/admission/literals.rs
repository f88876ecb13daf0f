//! Values and types, in the one form that both readers know.

use sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, DateTimeField, ExactNumberInfo, TimezoneInfo,
    Value,
};

use super::{CheckResult, Rendering};
use crate::store::Dialect;

/// What the casts of SQLite know by a name of their own.
const NAMED_TYPES: [&str; 2] = ["vector", "halfvec"];

impl Rendering<'_> {
    pub(super) fn value(&mut self, value: &Value) -> CheckResult {
        match value {
            Value::Null => self.word("NULL"),
            Value::Boolean(true) => self.word("TRUE"),
            Value::Boolean(false) => self.word("FALSE"),
            Value::Placeholder(name) => return self.parameter(name),
            Value::Number(number, false) => {
                let number = number.replace('_', "");
                if !is_number(&number) {
                    return Self::refuse(&format!("the number `{number}`"));
                }
                self.word(&number);
            }
            Value::SingleQuotedString(text) => return self.text(text),
            _ => {
                return Self::refuse(
                    "a value that is no number and no text in plain quotes (bind it as a parameter)",
                );
            }
        }
        Ok(())
    }

    /// A text between single quotes, in which only a quote is written as two. That a backslash
    /// means itself is set for each connection.
    pub(super) fn text(&mut self, text: &str) -> CheckResult {
        Self::without(text.contains('\0'), "a NUL character")?;
        self.fits(text.len())?;
        self.word(&format!("'{}'", text.replace('\'', "''")));
        Ok(())
    }

    pub(super) fn data_type(&mut self, kind: &DataType) -> CheckResult {
        if let DataType::Array(ArrayElemTypeDef::SquareBracket(of, None)) = kind {
            self.postgres_only("an array")?;
            self.data_type(of)?;
            self.word("[");
            self.word("]");
            return Ok(());
        }
        if let DataType::Custom(name, modifiers) = kind {
            let name = self.stored(Self::plain(name)?)?;
            let known = NAMED_TYPES.into_iter().find(|known| *known == name);
            return match known.filter(|_| modifiers.is_empty()) {
                Some(known) => {
                    self.postgres_only(known)?;
                    self.schema_of_vectors();
                    self.word(known);
                    Ok(())
                }
                None => Self::refuse(&format!("the type `{kind}`")),
            };
        }
        match self.known_type(kind) {
            Some(name) if self.asker.dialect == Dialect::Postgres => {
                self.word("pg_catalog .");
                self.word(&of_the_server(&name));
                Ok(())
            }
            Some(name) => {
                self.word(&name);
                Ok(())
            }
            None => Self::refuse(&format!("the type `{kind}`")),
        }
    }

    fn known_type(&self, kind: &DataType) -> Option<String> {
        let sqlite = self.asker.dialect == Dialect::Sqlite;
        let name = match kind {
            DataType::Text => "text",
            // It is filled up to its length.
            DataType::Char(Some(CharacterLength::IntegerLength { length, .. }))
            | DataType::Character(Some(CharacterLength::IntegerLength { length, .. }))
                if *length > self.asker.most =>
            {
                return None;
            }
            DataType::Varchar(length) | DataType::CharacterVarying(length) => {
                return with_length("varchar", length.as_ref());
            }
            DataType::Char(length) | DataType::Character(length) => {
                return with_length("char", length.as_ref());
            }
            DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => "integer",
            DataType::BigInt(None) | DataType::Int8(None) => "bigint",
            DataType::SmallInt(None) | DataType::Int2(None) => "smallint",
            DataType::Real | DataType::Float4 => "real",
            DataType::DoublePrecision | DataType::Float8 => "double precision",
            DataType::Double(ExactNumberInfo::None) | DataType::Float(ExactNumberInfo::None) => {
                "double precision"
            }
            DataType::Numeric(size) | DataType::Decimal(size) => {
                return with_size("numeric", *size);
            }
            DataType::Bool | DataType::Boolean => "boolean",
            DataType::Date => "date",
            DataType::Blob(None) if sqlite => "blob",
            DataType::Datetime(None) if sqlite => "datetime",
            DataType::Bytea if !sqlite => "bytea",
            DataType::JSON if !sqlite => "json",
            DataType::JSONB if !sqlite => "jsonb",
            DataType::Uuid if !sqlite => "uuid",
            DataType::Time(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => "time",
            DataType::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                "timestamp"
            }
            DataType::Timestamp(None, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) if !sqlite => {
                "timestamptz"
            }
            DataType::Interval {
                fields: None,
                precision: None,
            } if !sqlite => "interval",
            _ => return None,
        };
        Some(name.to_owned())
    }

    /// A part of a point in time, as EXTRACT names it.
    pub(super) fn field(&mut self, field: &DateTimeField) -> CheckResult {
        let name = field.to_string();
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            || name.is_empty()
        {
            return Self::refuse(&format!("the field `{name}`"));
        }
        self.word(&name);
        Ok(())
    }
}

/// A type as the catalog of PostgreSQL names it: the words of SQL mean the same and take no
/// schema.
fn of_the_server(name: &str) -> String {
    let named = match name {
        "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "real" => "float4",
        "double precision" => "float8",
        "boolean" => "bool",
        "char" => "bpchar ( 1 )",
        _ => {
            return name
                .replace("char (", "bpchar (")
                .replace("varbpchar", "varchar");
        }
    };
    named.to_owned()
}

fn with_length(name: &str, length: Option<&CharacterLength>) -> Option<String> {
    match length {
        None => Some(name.to_owned()),
        Some(CharacterLength::IntegerLength { length, unit: None }) => {
            Some(format!("{name} ( {length} )"))
        }
        Some(_) => None,
    }
}

fn with_size(name: &str, size: ExactNumberInfo) -> Option<String> {
    match size {
        ExactNumberInfo::None => Some(name.to_owned()),
        ExactNumberInfo::Precision(digits) => Some(format!("{name} ( {digits} )")),
        ExactNumberInfo::PrecisionAndScale(digits, scale) if scale >= 0 => {
            Some(format!("{name} ( {digits} , {scale} )"))
        }
        ExactNumberInfo::PrecisionAndScale(..) => None,
    }
}

/// Digits, perhaps with a point among them, perhaps with an exponent.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.strip_prefix(['+', '-']).unwrap_or(exponent),
        ),
        None => (text, "0"),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && digits(exponent)
        && !exponent.is_empty()
}
