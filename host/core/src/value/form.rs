//! The forms of what is no plain value, most of them for `#[serde(with = "…")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, of a column that has nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Ok(Self(bytes.to_vec()))
    }
}

/// Times and durations: microseconds in a row, and their own form in a document.
pub mod micros {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// What a row keeps in microseconds.
    pub trait Micros: Sized {
        type Number: Serialize + for<'de> Deserialize<'de>;
        fn number(&self) -> Self::Number;
        /// What the number says, or why it says nothing.
        fn of(number: Self::Number) -> Result<Self, String>;
    }

    impl Micros for Timestamp {
        type Number = i64;

        fn number(&self) -> i64 {
            self.as_microsecond()
        }

        fn of(number: i64) -> Result<Self, String> {
            let time = Timestamp::from_microsecond(number);
            time.map_err(|_| format!("{number} is no time that a clock has"))
        }
    }

    impl Micros for Duration {
        type Number = i64;

        fn number(&self) -> i64 {
            i64::try_from(self.as_micros()).unwrap_or(i64::MAX)
        }

        /// None is shorter than nothing.
        fn of(number: i64) -> Result<Self, String> {
            Ok(Duration::from_micros(number.max(0).unsigned_abs()))
        }
    }

    impl<M: Micros> Micros for Option<M> {
        type Number = Option<M::Number>;

        fn number(&self) -> Self::Number {
            self.as_ref().map(M::number)
        }

        fn of(number: Self::Number) -> Result<Self, String> {
            number.map(M::of).transpose()
        }
    }

    pub fn serialize<M: Micros + Serialize, S: Serializer>(
        time: &M,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            time.serialize(serializer)
        } else {
            time.number().serialize(serializer)
        }
    }

    pub fn deserialize<'de, M: Micros, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<M, D::Error> {
        M::of(M::Number::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// What has a text form of its own.
pub mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The default of a type stands for NULL.
pub fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A JSON document in a text; the default of the type stands for NULL.
pub mod json {
    use serde::de::{DeserializeOwned, Error};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

    pub fn serialize<T: Serialize, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(value).map_err(ser::Error::custom)?;
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let Some(text) = Option::<&str>::deserialize(deserializer)? else {
            return Ok(T::default());
        };
        serde_json::from_str(text).map_err(D::Error::custom)
    }
}
