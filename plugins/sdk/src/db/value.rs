//! From Rust to database values and back.

use super::Value;

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// What an error message calls it.
    const WANTED: &'static str;
    /// The value as this type, or nothing if it holds something else.
    fn from_value(value: &Value) -> Option<Self>;
}

/// What an error message calls a value.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "a boolean",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real",
        Value::Text(_) => "text",
        Value::Blob(_) => "a blob",
        Value::Timestamp(_) => "a timestamp",
        Value::Json(_) => "JSON",
        Value::Vector(_) => "a vector",
        Value::Other(_) => "a type of the database's own",
    }
}

macro_rules! from_value {
    ($($type:ty, $wanted:literal, { $($pattern:pat $(if $guard:expr)? => $value:expr),+ $(,)? })+) => {$(
        impl FromValue for $type {
            const WANTED: &'static str = $wanted;
            fn from_value(value: &Value) -> Option<Self> {
                match value { $($pattern $(if $guard)? => $value,)+ _ => None }
            }
        }
    )+};
}

from_value! {
    String, "text", { Value::Text(text) | Value::Json(text) => Some(text.clone()) }
    i64, "an integer", { Value::Integer(integer) | Value::Timestamp(integer) => Some(*integer) }
    u64, "a count", { Value::Integer(integer) => u64::try_from(*integer).ok() }
    f64, "a real", { Value::Real(real) => Some(*real) }
    bool, "a boolean", {
        Value::Boolean(boolean) => Some(*boolean),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
    }
    Vec<u8>, "a blob", { Value::Blob(bytes) => Some(bytes.clone()) }
    Vec<f32>, "a vector", {
        Value::Vector(floats) => Some(floats.clone()),
        Value::Blob(bytes) => floats(bytes),
    }
    serde_json::Value, "JSON", { Value::Json(text) | Value::Text(text) => serde_json::from_str(text).ok() }
}

impl<T: FromValue> FromValue for Option<T> {
    const WANTED: &'static str = T::WANTED;
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// Little-endian 32-bit floats, as a vector column stores them.
fn floats(bytes: &[u8]) -> Option<Vec<f32>> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| {
        chunks
            .iter()
            .map(|chunk| f32::from_le_bytes(*chunk))
            .collect()
    })
}

macro_rules! into_value {
    ($($type:ty => |$value:ident| $expr:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self { $expr }
        }
    )+};
}

into_value! {
    bool => |value| Value::Boolean(value);
    i64 => |value| Value::Integer(value);
    i32 => |value| Value::Integer(value.into());
    u32 => |value| Value::Integer(value.into());
    f64 => |value| Value::Real(value);
    String => |value| Value::Text(value);
    &str => |value| Value::Text(value.to_owned());
    &String => |value| Value::Text(value.clone());
    Vec<u8> => |value| Value::Blob(value);
    &[u8] => |value| Value::Blob(value.to_vec());
    Vec<f32> => |value| Value::Vector(value);
    &[f32] => |value| Value::Vector(value.to_vec());
    serde_json::Value => |value| Value::Json(value.to_string());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_arrives_as_bytes_too() {
        let bytes = [1.5_f32, -2.0]
            .iter()
            .flat_map(|float| float.to_le_bytes())
            .collect();
        assert_eq!(
            Vec::<f32>::from_value(&Value::Blob(bytes)),
            Some(vec![1.5, -2.0])
        );
        assert_eq!(Vec::<f32>::from_value(&Value::Blob(vec![0; 5])), None);
    }

    #[test]
    fn params_turn_into_values() {
        let params = crate::params!["a", 1_i64, None::<i64>, true];
        let wanted = [
            Value::Text("a".into()),
            Value::Integer(1),
            Value::Null,
            Value::Boolean(true),
        ];
        assert_eq!(params, wanted);
    }
}
