//! Settings as data: declarations from `settings.toml`, values, and the snapshot that a run
//! reads from. *Unset*, *set to empty* and *set* are three states.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A declared setting, as `settings.toml` writes it: `["key"]` is the table's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    #[serde(rename = "type")]
    pub kind: SettingType,
    /// What it holds while no value is set; never for a secret.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether what reads it cannot do without.
    #[serde(default)]
    pub required: bool,
    pub description: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SettingType {
    String,
    Boolean,
    Integer,
    Float,
    Url,
    Duration,
    Json,
    Csv,
    Model,
    Secret,
}

impl fmt::Display for SettingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SettingType::String => "string",
            SettingType::Boolean => "boolean",
            SettingType::Integer => "integer",
            SettingType::Float => "float",
            SettingType::Url => "url",
            SettingType::Duration => "duration",
            SettingType::Json => "json",
            SettingType::Csv => "csv",
            SettingType::Model => "model",
            SettingType::Secret => "secret",
        })
    }
}

impl SettingType {
    /// Whether `text` is a value of this type; the error says what would be. The empty text
    /// is a value of the text-like types only.
    pub fn check(self, text: &str) -> Result<(), String> {
        let fits = match self {
            SettingType::String | SettingType::Csv | SettingType::Model | SettingType::Secret => {
                true
            }
            SettingType::Boolean => matches!(text, "true" | "false"),
            SettingType::Integer => text.parse::<i64>().is_ok(),
            SettingType::Float => text.parse::<f64>().is_ok_and(f64::is_finite),
            SettingType::Url => url::Url::parse(text).is_ok(),
            SettingType::Duration => text.parse::<jiff::SignedDuration>().is_ok(),
            SettingType::Json => serde_json::from_str::<serde_json::Value>(text).is_ok(),
        };
        if fits {
            Ok(())
        } else {
            Err(format!("`{text}` is not {}", self.example()))
        }
    }

    fn example(self) -> &'static str {
        match self {
            SettingType::Boolean => "`true` or `false`",
            SettingType::Integer => "a whole number such as `42`",
            SettingType::Float => "a number such as `0.5`",
            SettingType::Url => "an address such as `http://127.0.0.1:8080/`",
            SettingType::Duration => "a duration such as `90s` or `2h 30m`",
            SettingType::Json => "a JSON document",
            _ => "a text",
        }
    }
}

/// The state of one setting in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Neither a value nor a default.
    Unset,
    /// The declaration's default.
    Default(String),
    /// A value somebody set; it may be empty on purpose.
    Set(String),
}

/// A text that must not be seen: no `Display`, no serialisation, and `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, to put it on the wire and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Every declared setting with its state, as one run sees them from its start to its end.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    declarations: BTreeMap<String, Declaration>,
    values: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("setting `{0}` is not declared; declare it in settings.toml")]
    Unknown(String),
    #[error("setting `{0}` is a secret and cannot be read as a text")]
    Secret(String),
    #[error("setting `{0}` is not set; set it with `callboard settings set {0} VALUE`")]
    Unset(String),
}

impl Snapshot {
    pub fn new(
        declarations: BTreeMap<String, Declaration>,
        values: BTreeMap<String, String>,
        secrets: BTreeMap<String, Secret>,
    ) -> Self {
        Self {
            declarations,
            values,
            secrets,
        }
    }

    /// What somebody set, secrets left out.
    pub fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The same declarations and secrets with other values; those that are not declared are
    /// left out.
    #[must_use]
    pub fn with_values(mut self, values: BTreeMap<String, String>) -> Self {
        self.values = values;
        self.values
            .retain(|key, _| self.declarations.contains_key(key));
        self
    }

    pub fn declarations(&self) -> &BTreeMap<String, Declaration> {
        &self.declarations
    }

    pub fn declaration(&self, key: &str) -> Option<&Declaration> {
        self.declarations.get(key)
    }

    /// The state of a declared setting that is not a secret.
    pub fn state(&self, key: &str) -> Result<State, SettingError> {
        let declaration = self
            .declarations
            .get(key)
            .ok_or_else(|| SettingError::Unknown(key.to_owned()))?;
        if declaration.kind == SettingType::Secret {
            return Err(SettingError::Secret(key.to_owned()));
        }
        Ok(match (self.values.get(key), &declaration.default) {
            (Some(value), _) => State::Set(value.clone()),
            (None, Some(default)) => State::Default(default.clone()),
            (None, None) => State::Unset,
        })
    }

    /// The value or default of a setting; `None` if it is unset or set to empty.
    pub fn text(&self, key: &str) -> Result<Option<String>, SettingError> {
        Ok(match self.state(key)? {
            State::Unset => None,
            State::Default(text) | State::Set(text) => Some(text).filter(|text| !text.is_empty()),
        })
    }

    /// The secret of a declared setting, if somebody set it.
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        self.secrets.get(key)
    }

    /// Whether a setting, secret or not, has something to read.
    pub fn is_present(&self, key: &str) -> bool {
        self.secrets.contains_key(key) || self.text(key).is_ok_and(|text| text.is_some())
    }

    /// The same in every process that sees the same settings. Secrets take part by a hash.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (key, declaration) in &self.declarations {
            hasher.update(format!(
                "{key}\0{}\0{:?}\0",
                declaration.kind, declaration.default
            ));
        }
        for (key, value) in &self.values {
            hasher.update(format!("{key}\0{value}\0"));
        }
        for (key, secret) in &self.secrets {
            hasher.update(key);
            hasher.update(Sha256::digest(secret.expose()));
        }
        hex(&hasher.finalize())
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(kind: SettingType, default: Option<&str>) -> Declaration {
        Declaration {
            kind,
            default: default.map(str::to_owned),
            required: false,
            description: String::new(),
        }
    }

    #[test]
    fn unset_empty_and_set_are_three_states() {
        let declarations = BTreeMap::from([
            ("a".to_owned(), declared(SettingType::String, None)),
            ("b".to_owned(), declared(SettingType::String, Some("x"))),
        ]);
        let values = BTreeMap::from([("b".to_owned(), String::new())]);
        let snapshot = Snapshot::new(declarations, values, BTreeMap::new());
        assert_eq!(snapshot.state("a"), Ok(State::Unset));
        assert_eq!(snapshot.state("b"), Ok(State::Set(String::new())));
        assert_eq!(
            snapshot.text("b"),
            Ok(None),
            "set to empty is not the default"
        );
        assert_eq!(snapshot.state("c"), Err(SettingError::Unknown("c".into())));
    }

    #[test]
    fn a_secret_is_never_a_text() {
        let declarations = BTreeMap::from([("k".to_owned(), declared(SettingType::Secret, None))]);
        let secrets = BTreeMap::from([("k".to_owned(), Secret::new("hush".into()))]);
        let snapshot = Snapshot::new(declarations, BTreeMap::new(), secrets);
        assert_eq!(snapshot.state("k"), Err(SettingError::Secret("k".into())));
        assert!(!format!("{snapshot:?}").contains("hush"));
    }

    #[test]
    fn a_value_has_to_fit_its_type() {
        assert!(SettingType::Duration.check("90s").is_ok());
        assert!(SettingType::Integer.check("").is_err());
        assert!(SettingType::Boolean.check("yes").is_err());
    }
}
