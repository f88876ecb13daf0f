//! Parameters: `$1`, `$2` …, or typed elements of one array of texts.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::{CheckResult, Rendering};
use crate::settings::hex;
use crate::store::{StoreError, StoreErrorKind};
use crate::value::Value;

impl Rendering<'_> {
    pub(super) fn parameter(&mut self, name: &str) -> CheckResult {
        let number: usize = name.trim_start_matches('$').parse().unwrap_or_default();
        let index = number.checked_sub(1).ok_or_else(|| {
            statement(format!(
                "`{name}` is no parameter; they are `$1`, `$2` and so on"
            ))
        })?;
        self.parameters.insert(number);
        let Some(params) = self.params else {
            self.word(name);
            return Ok(());
        };
        let value = params
            .get(index)
            .ok_or_else(|| miscounted(number, params.len()))?;
        match type_of(value) {
            None => self.word("NULL"),
            Some(kind) => self.word(&format!("CAST ( ( $1 ) [ {number} ] AS {kind} )")),
        }
        Ok(())
    }
}

impl Rendering<'_> {
    /// How many parameters it has: they are numbered without a gap.
    pub(super) fn parameters(&self) -> Result<usize, StoreError> {
        let highest = self.parameters.last().copied().unwrap_or_default();
        match (1..=highest).find(|number| !self.parameters.contains(number)) {
            Some(gap) => Err(statement(format!(
                "the statement has a parameter `${highest}`, and no `${gap}`"
            ))),
            None => Ok(highest),
        }
    }
}

/// Whether as many parameters are given as a statement has. Databases differ in what they make of
/// too few or too many.
pub(super) fn counted(has: usize, given: usize) -> Result<(), StoreError> {
    match has.cmp(&given) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(miscounted(has, given)),
        Ordering::Less => Err(statement(format!(
            "{given} parameters are given, and the statement has no `${}`",
            has + 1
        ))),
    }
}

fn miscounted(number: usize, given: usize) -> StoreError {
    let are = if given == 1 { "is" } else { "are" };
    statement(format!(
        "the statement has a parameter `${number}`, and {given} {are} given"
    ))
}

fn statement(text: String) -> StoreError {
    StoreError::new(StoreErrorKind::Statement, text)
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
