//! Typed values from the snapshot that the run started with.
//!
//! ```ignore
//! let days: Option<i64> = settings::get("retention.age_days")?;
//! ```

use std::fmt;
use std::time::Duration;

use crate::bindings::callboard::plugin::settings as host;
pub use crate::bindings::exports::callboard::plugin::handlers::SettingKind;

/// What a declared setting holds.
pub use host::Setting;

/// Why a setting cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Not asked for or not allowed; the text names the line that would allow it.
    Denied(String),
    /// No setting of this name is declared.
    Unknown(String),
    /// The setting is a secret, and plugins never see one.
    Secret(String),
    /// It holds something else than was asked for.
    WrongKind {
        /// The setting.
        key: String,
        /// What was asked for.
        wanted: &'static str,
        /// What it holds.
        found: &'static str,
    },
}

/// A type that a setting can be read as.
pub trait FromSetting: Sized {
    /// What an error message calls it.
    const WANTED: &'static str;
    /// What the roll call compares with the declaration.
    const KIND: SettingKind;
    /// The value, or nothing if the setting holds something else.
    fn from_setting(setting: Setting) -> Option<Self>;
}

/// The value of a setting; `None` if it is declared but has neither value nor default.
pub fn get<T: FromSetting>(key: &str) -> Result<Option<T>, Error> {
    read(key, raw(key)?)
}

/// The setting as the host holds it.
pub fn raw(key: &str) -> Result<Setting, Error> {
    host::get(key).map_err(|error| match error {
        host::SettingError::Denied(text) => Error::Denied(text),
        host::SettingError::Unknown(text) => Error::Unknown(text),
        host::SettingError::Secret(text) => Error::Secret(text),
    })
}

fn read<T: FromSetting>(key: &str, setting: Setting) -> Result<Option<T>, Error> {
    let found = kind_of(&setting);
    if setting == Setting::Unset {
        return Ok(None);
    }
    let wrong = || Error::WrongKind {
        key: key.to_owned(),
        wanted: T::WANTED,
        found,
    };
    T::from_setting(setting).map(Some).ok_or_else(wrong)
}

fn kind_of(setting: &Setting) -> &'static str {
    match setting {
        Setting::Unset => "unset",
        Setting::Text(_) => "text",
        Setting::Boolean(_) => "boolean",
        Setting::Integer(_) => "integer",
        Setting::Float(_) => "float",
        Setting::Json(_) => "JSON",
        Setting::Duration(_) => "duration",
        Setting::Items(_) => "list",
    }
}

macro_rules! from_setting {
    ($($type:ty, $kind:ident, $wanted:literal, $pattern:pat => $value:expr;)+) => {$(
        impl FromSetting for $type {
            const WANTED: &'static str = $wanted;
            const KIND: SettingKind = SettingKind::$kind;
            fn from_setting(setting: Setting) -> Option<Self> {
                match setting { $pattern => $value, _ => None }
            }
        }
    )+};
}

from_setting! {
    String, Text, "text", Setting::Text(text) => Some(text);
    bool, Boolean, "boolean", Setting::Boolean(boolean) => Some(boolean);
    i64, Integer, "integer", Setting::Integer(integer) => Some(integer);
    f64, Float, "float", Setting::Float(float) => Some(float);
    Duration, Duration, "duration", Setting::Duration(milliseconds) => Some(Duration::from_millis(milliseconds));
    Vec<String>, Items, "list", Setting::Items(items) => Some(items);
    serde_json::Value, Json, "JSON", Setting::Json(text) => serde_json::from_str(&text).ok();
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Denied(text) | Error::Unknown(text) | Error::Secret(text) => f.write_str(text),
            Error::WrongKind { key, wanted, found } => {
                write!(
                    f,
                    "setting `{key}` is declared as {found}, the plugin wants {wanted}; change its type"
                )
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_is_none_and_empty_is_a_value() {
        assert_eq!(read::<String>("k", Setting::Unset), Ok(None));
        assert_eq!(
            read::<String>("k", Setting::Text(String::new())),
            Ok(Some(String::new()))
        );
    }

    #[test]
    fn another_type_is_named() {
        let error = read::<i64>("k", Setting::Text("7".into())).expect_err("text is no integer");
        assert!(
            error
                .to_string()
                .starts_with("setting `k` is declared as text, the plugin wants integer")
        );
    }
}
