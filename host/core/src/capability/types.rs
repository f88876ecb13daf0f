//! The types that interfaces share, and how they map to the host's own.

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1",
        inline: "package callboard:types-host; world imports { import callboard:plugin/types@0.1.0; }",
    });
}

pub use self::bindings::callboard::plugin::types::{
    self as interface, DatabaseError, DatabaseErrorKind, OtherValue, Value,
};
use crate::store::{StoreError, StoreErrorKind};
use crate::value;

impl From<Value> for value::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(flag) => Self::Boolean(flag),
            Value::Integer(number) => Self::Integer(number),
            Value::Real(number) => Self::Real(number),
            Value::Text(text) => Self::Text(text),
            Value::Blob(bytes) => Self::Blob(bytes),
            Value::Timestamp(time) => Self::Timestamp(time),
            Value::Json(text) => Self::Json(text),
            Value::Vector(vector) => Self::Vector(vector),
            Value::Other(OtherValue { type_name, text }) => Self::Other { type_name, text },
        }
    }
}

impl From<value::Value> for Value {
    fn from(value: value::Value) -> Self {
        match value {
            value::Value::Null => Self::Null,
            value::Value::Boolean(flag) => Self::Boolean(flag),
            value::Value::Integer(number) => Self::Integer(number),
            value::Value::Real(number) => Self::Real(number),
            value::Value::Text(text) => Self::Text(text),
            value::Value::Blob(bytes) => Self::Blob(bytes),
            value::Value::Timestamp(time) => Self::Timestamp(time),
            value::Value::Json(text) => Self::Json(text),
            value::Value::Vector(vector) => Self::Vector(vector),
            value::Value::Other { type_name, text } => Self::Other(OtherValue { type_name, text }),
        }
    }
}

impl From<StoreError> for DatabaseError {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind {
            StoreErrorKind::Denied => DatabaseErrorKind::Denied,
            StoreErrorKind::Statement | StoreErrorKind::Unstorable => DatabaseErrorKind::Statement,
            StoreErrorKind::Constraint | StoreErrorKind::Duplicate => DatabaseErrorKind::Constraint,
            StoreErrorKind::Timeout | StoreErrorKind::Overdue => DatabaseErrorKind::Timeout,
            StoreErrorKind::TooLarge => DatabaseErrorKind::TooLarge,
            StoreErrorKind::Unavailable
            | StoreErrorKind::Full
            | StoreErrorKind::Busy
            | StoreErrorKind::Corrupt => DatabaseErrorKind::Unavailable,
            StoreErrorKind::Address
            | StoreErrorKind::Absent
            | StoreErrorKind::Foreign
            | StoreErrorKind::Schema
            | StoreErrorKind::Internal => DatabaseErrorKind::Unknown,
        };
        let retryable = error.is_retryable();
        Self {
            kind,
            message: error.message,
            retryable,
        }
    }
}

/// A statement of a guest as the store takes it.
pub fn statement(sql: String, params: Vec<Value>) -> value::Statement {
    value::Statement {
        params: params.into_iter().map(Into::into).collect(),
        ..value::Statement::new(sql)
    }
}
