//! Parameters: `$1`, `$2` …, or typed elements of one array of texts.

use jiff::Timestamp;

use super::{Done, Rendering};
use crate::settings::hex;
use crate::store::{StoreError, StoreErrorKind};
use crate::value::Value;

impl Rendering<'_> {
    pub(super) fn parameter(&mut self, name: &str) -> Done {
        let Some(params) = self.params else {
            self.word(name);
            return Ok(());
        };
        let number: usize = name.trim_start_matches('$').parse().unwrap_or_default();
        let Some(value) = number.checked_sub(1).and_then(|index| params.get(index)) else {
            let text = format!(
                "the statement has a parameter `{name}`, and {} are given",
                params.len()
            );
            return Err(StoreError::new(StoreErrorKind::Statement, text));
        };
        match type_of(value) {
            None => self.word("NULL"),
            Some(kind) => self.word(&format!("CAST ( ( $1 ) [ {number} ] AS {kind} )")),
        }
        Ok(())
    }
}

/// The type of a parameter, as it has where it is bound by itself.
fn type_of(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Null => return None,
        Value::Boolean(_) => "boolean",
        Value::Integer(_) => "bigint",
        Value::Real(_) => "double precision",
        Value::Text(_) | Value::Other { .. } => "text",
        Value::Blob(_) | Value::Vector(_) => "bytea",
        Value::Timestamp(_) => "timestamptz",
        Value::Json(_) => "json",
    })
}

/// The elements of the array.
pub(in crate::store::granted) fn texts(
    values: Vec<Value>,
) -> Result<Vec<Option<String>>, StoreError> {
    values.into_iter().map(text).collect()
}

fn text(value: Value) -> Result<Option<String>, StoreError> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) | Value::Json(text) | Value::Other { text, .. } => text,
        Value::Blob(bytes) => format!("\\x{}", hex(&bytes)),
        Value::Vector(vector) => format!("\\x{}", hex(&Value::vector_bytes(&vector))),
        Value::Timestamp(time) => match Timestamp::from_microsecond(time) {
            Ok(time) => time.to_string(),
            Err(error) => {
                let text = format!("a parameter is no point in time: {error}");
                return Err(StoreError::new(StoreErrorKind::Statement, text));
            }
        },
    }))
}
