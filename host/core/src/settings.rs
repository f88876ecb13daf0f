//! Settings as data: declarations from `settings.toml`, values, and the snapshot that a run
//! reads from. *Unset*, *set to empty* and *set* are three states.

mod reads;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::reads::{SettingMisfit, SettingRead, SettingReads, fits, fits_in, read_of, reads};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
            SettingType::Url => is_address(text),
            SettingType::Duration => text.parse::<jiff::SignedDuration>().is_ok(),
            SettingType::Json => serde_json::from_str::<serde_json::Value>(text).is_ok(),
        };
        if fits {
            Ok(())
        } else {
            // A password in an address is not shown again.
            let told = if text.contains('@') {
                "the value".to_owned()
            } else {
                format!("`{text}`")
            };
            Err(format!("{told} is not {}", self.example()))
        }
    }

    fn example(self) -> &'static str {
        match self {
            SettingType::Boolean => "`true` or `false`",
            SettingType::Integer => "a whole number such as `42`",
            SettingType::Float => "a number such as `0.5`",
            SettingType::Url => {
                "an address of http or https without a user name in it, such as `http://127.0.0.1:8080/`"
            }
            SettingType::Duration => "a duration such as `90s` or `2h 30m`",
            SettingType::Json => "a JSON document",
            _ => "a text",
        }
    }
}

/// Whether a text is the address of a server, and has no name or password in it.
fn is_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        let open = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && open
    })
}

/// The state of one setting in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValueState {
    /// Neither a value nor a default.
    Unset,
    /// The declaration's default.
    Default(String),
    /// A value that is set; it may be empty on purpose.
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

/// A stored value that cannot be read as what is declared: why, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnfitValue {
    pub key: String,
    pub problem: String,
    pub mend: String,
}

/// Every declared setting with its state, as one run sees them from its start to its end.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    declarations: BTreeMap<String, Declaration>,
    values: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
    /// Values that are stored and cannot be read. A caller that asks for one is refused: it is
    /// neither unset nor its default.
    unfit: BTreeMap<String, UnfitValue>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("setting `{0}` is not declared; declare it in settings.toml")]
    Unknown(String),
    #[error("setting `{0}` is a secret and cannot be read as a text")]
    Secret(String),
    #[error(
        "setting `{0}` is read as a secret and declared as none; write `type = \"secret\"` in settings.toml"
    )]
    Open(String),
    #[error("setting `{0}` is not set; set it with `callboard settings set {0} VALUE`")]
    Unset(String),
    #[error("setting `{}` cannot be read: {}; {}", .0.key, .0.problem, .0.mend)]
    Unfit(UnfitValue),
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
            unfit: BTreeMap::new(),
        }
    }

    /// With values that are stored and cannot be read.
    #[must_use]
    pub fn with_unfit(mut self, unfit: impl IntoIterator<Item = UnfitValue>) -> Self {
        let unfit = unfit.into_iter().map(|unfit| (unfit.key.clone(), unfit));
        self.unfit = unfit.collect();
        self
    }

    /// The values that are stored and cannot be read.
    pub fn unfit(&self) -> impl Iterator<Item = &UnfitValue> {
        self.unfit.values()
    }

    fn is_secret(&self, key: &str) -> bool {
        let declared = self.declarations.get(key);
        declared.is_some_and(|declared| declared.kind == SettingType::Secret)
    }

    fn readable(&self, key: &str) -> Result<(), SettingError> {
        match self.unfit.get(key) {
            Some(unfit) => Err(SettingError::Unfit(unfit.clone())),
            None => Ok(()),
        }
    }

    /// The values that are set, secrets left out.
    pub fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The same declarations and secrets with other values; those that are not declared are
    /// left out. A secret that cannot be read stays so.
    #[must_use]
    pub fn with_values(mut self, values: BTreeMap<String, String>) -> Self {
        let mut unfit = std::mem::take(&mut self.unfit);
        unfit.retain(|key, _| self.is_secret(key));
        self.unfit = unfit;
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
    pub fn state(&self, key: &str) -> Result<SettingValueState, SettingError> {
        let declaration = self
            .declarations
            .get(key)
            .ok_or_else(|| SettingError::Unknown(key.to_owned()))?;
        if declaration.kind == SettingType::Secret {
            return Err(SettingError::Secret(key.to_owned()));
        }
        self.readable(key)?;
        Ok(match (self.values.get(key), &declaration.default) {
            (Some(value), _) => SettingValueState::Set(value.clone()),
            (None, Some(default)) => SettingValueState::Default(default.clone()),
            (None, None) => SettingValueState::Unset,
        })
    }

    /// The value or default of a setting; `None` if it is unset or set to empty.
    pub fn text(&self, key: &str) -> Result<Option<String>, SettingError> {
        Ok(match self.state(key)? {
            SettingValueState::Unset => None,
            SettingValueState::Default(text) | SettingValueState::Set(text) => {
                Some(text).filter(|text| !text.is_empty())
            }
        })
    }

    /// The secret of a declared setting; `None` if it is not set. One that is set and cannot be
    /// opened is an error, and so is one that is declared as no secret: no caller goes on without it.
    pub fn secret(&self, key: &str) -> Result<Option<&Secret>, SettingError> {
        if self.declarations.contains_key(key) && !self.is_secret(key) {
            return Err(SettingError::Open(key.to_owned()));
        }
        self.readable(key)?;
        Ok(self.secrets.get(key))
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
        for key in self.unfit.keys() {
            hasher.update(format!("{key}\0unfit\0"));
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
        assert_eq!(snapshot.state("a"), Ok(SettingValueState::Unset));
        assert_eq!(
            snapshot.state("b"),
            Ok(SettingValueState::Set(String::new()))
        );
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
    fn a_value_that_cannot_be_read_is_neither_unset_nor_its_default() {
        let declarations = BTreeMap::from([
            ("k".to_owned(), declared(SettingType::Secret, None)),
            ("n".to_owned(), declared(SettingType::Integer, Some("1"))),
        ]);
        let unfit = ["k", "n"].map(|key| UnfitValue {
            key: key.into(),
            problem: "broken".into(),
            mend: "set it".into(),
        });
        let snapshot =
            Snapshot::new(declarations, BTreeMap::new(), BTreeMap::new()).with_unfit(unfit);
        assert!(matches!(snapshot.secret("k"), Err(SettingError::Unfit(_))));
        assert!(matches!(snapshot.text("n"), Err(SettingError::Unfit(_))));
        assert!(!snapshot.is_present("k") && !snapshot.is_present("n"));
        let begun = snapshot.with_values(BTreeMap::from([("n".to_owned(), "5".to_owned())]));
        assert_eq!(begun.text("n"), Ok(Some("5".into())));
        assert!(
            begun.secret("k").is_err(),
            "a run that began has no other key"
        );
    }

    #[test]
    fn a_value_has_to_fit_its_type() {
        assert!(SettingType::Duration.check("90s").is_ok());
        assert!(SettingType::Integer.check("").is_err());
        assert!(SettingType::Boolean.check("yes").is_err());
        assert!(SettingType::Url.check("http://127.0.0.1:8080/v1").is_ok());
        for text in [
            "ftp://x",
            "http://u:hush@a.example/",
            "mailto:a",
            "a.example",
        ] {
            let told = SettingType::Url.check(text).expect_err(text);
            assert!(
                told.contains("http or https") && !told.contains("hush"),
                "{told}"
            );
        }
    }
}
