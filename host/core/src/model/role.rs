//! A role of the settings to its providers, in the order in which they are asked: its own, then those of
//! the roles that it falls back to. Pure: it asks no server.

use std::fmt;

use serde_json::Value as Json;
use url::Url;

use crate::settings::{
    Secret, SettingError, SettingMisfit, SettingRead, SettingReads, SettingType, Snapshot,
};
use crate::shown::cut;

/// What a role is set by, behind `roles.ROLE.`.
pub const PARTS: [&str; 6] = ["url", "model", "key", "provider", "fallback", "stream"];

const READER: &str = "whoever asks a model";

inventory::submit! {
    SettingReads(&[&[
        SettingRead::new("roles.*.url", &[SettingType::Url], READER),
        SettingRead::new("roles.*.model", &[SettingType::Model, SettingType::String], READER),
        SettingRead::new("roles.*.key", &[SettingType::Secret], READER),
        SettingRead::new("roles.*.provider", &[SettingType::String], READER).checked(ProviderKind::named),
        SettingRead::new("roles.*.fallback", &[SettingType::Csv, SettingType::String], READER),
        SettingRead::new("roles.*.stream", &[SettingType::Boolean], READER),
    ]])
}

/// Characters of a model's name that are kept.
const NAME: usize = 200;

/// Where Anthropic answers, if no address is set.
const ANTHROPIC: &str = "https://api.anthropic.com/";

/// A protocol that a model server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// Chat completions: llama.cpp, vLLM, Ollama's `/v1`, and hosted services.
    OpenAi,
    /// Ollama's own.
    Ollama,
    /// Anthropic's messages.
    Anthropic,
    /// In this program, without a server.
    BuiltIn,
}

impl ProviderKind {
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Ollama, Self::Anthropic, Self::BuiltIn];

    pub fn name(self) -> &'static str {
        match self {
            ProviderKind::OpenAi => "openai",
            ProviderKind::Ollama => "ollama",
            ProviderKind::Anthropic => "anthropic",
            ProviderKind::BuiltIn => "built-in",
        }
    }

    fn named(text: &str) -> Result<(), SettingMisfit> {
        SettingMisfit::word(text, &Self::ALL.map(Self::name))
    }

    /// The parts of a role without which it does not resolve.
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            ProviderKind::OpenAi | ProviderKind::Ollama => &["url", "model"],
            ProviderKind::Anthropic => &["model", "key"],
            ProviderKind::BuiltIn => &[],
        }
    }
}

/// One provider of a model, as it is set.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The role whose settings it has.
    pub role: String,
    pub kind: ProviderKind,
    /// None of one that is built in.
    pub url: Option<Url>,
    pub model: String,
    pub key: Option<Secret>,
    /// Whether it is asked to answer piece by piece.
    pub streams: bool,
}

impl Provider {
    /// The model that an answer names, or the one that is set. Whoever reads what it wrote may be told of it.
    pub(super) fn named(&self, answer: &Json) -> String {
        let named = answer["model"].as_str().map(without_folders);
        let named = named.filter(|named| !named.is_empty());
        cut(named.unwrap_or(&self.model).to_owned(), NAME)
    }
}

/// A server of one model names the file that it has read, as llama.cpp's does: where that lies on its machine
/// is nobody's business. `owner/model` is a name.
fn without_folders(named: &str) -> &str {
    let folders = ['/', '\\'];
    let is_path = named.starts_with(['/', '\\', '~', '.'])
        || named.get(1..3) == Some(":\\")
        || named.ends_with(".gguf");
    match named.rsplit(folders).next() {
        Some(file) if is_path => file,
        _ => named,
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.url {
            Some(url) => write!(
                f,
                "{} at {}",
                self.model,
                url.origin().ascii_serialization()
            ),
            None => f.write_str(&self.model),
        }
    }
}

/// Why a role leads to no provider, though something is set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("setting {key}: `{value}` is no address: {problem}")]
    Address {
        key: String,
        value: String,
        problem: String,
    },
    #[error(
        "setting {key}: `{value}` is no provider; it is one of openai, ollama, anthropic, built-in"
    )]
    Provider { key: String, value: String },
    #[error("the fallbacks of roles go in a circle: {}; take one of them out", .0.join(", "))]
    Circle(Vec<String>),
}

/// The key of a part of a role.
pub fn key(role: &str, part: &str) -> String {
    format!("roles.{role}.{part}")
}

/// The role and the part of a key.
pub fn of_key(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("roles.")?.rsplit_once('.')
}

/// The providers of a role, in order; none if nothing is set.
pub fn chain(settings: &Snapshot, role: &str) -> Result<Vec<Provider>, Unresolved> {
    let mut chain = Vec::new();
    for role in order(settings, role)? {
        chain.extend(own(settings, &role)?);
    }
    Ok(chain)
}

/// The roles whose providers are asked for `role`, itself first.
pub fn order(settings: &Snapshot, role: &str) -> Result<Vec<String>, Unresolved> {
    let mut order = Vec::new();
    visit(settings, role, &mut Vec::new(), &mut order)?;
    Ok(order)
}

fn visit(
    settings: &Snapshot,
    role: &str,
    path: &mut Vec<String>,
    order: &mut Vec<String>,
) -> Result<(), Unresolved> {
    if path.iter().any(|known| known == role) {
        path.push(role.to_owned());
        return Err(Unresolved::Circle(path.clone()));
    }
    if order.iter().any(|known| known == role) {
        return Ok(());
    }
    order.push(role.to_owned());
    path.push(role.to_owned());
    for next in fallbacks(settings, role)? {
        visit(settings, &next, path, order)?;
    }
    path.pop();
    Ok(())
}

/// The roles that a role names to be asked after it.
pub fn fallbacks(settings: &Snapshot, role: &str) -> Result<Vec<String>, Unresolved> {
    let named = read(settings, role, "fallback")?.unwrap_or_default();
    let named = named.split(',').map(str::trim);
    Ok(named
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

/// The protocol that a role's own provider speaks.
pub fn kind(settings: &Snapshot, role: &str) -> Result<ProviderKind, Unresolved> {
    let Some(value) = read(settings, role, "provider")? else {
        return Ok(ProviderKind::OpenAi);
    };
    let known = ProviderKind::ALL.into_iter();
    let kind = known.into_iter().find(|kind| kind.name() == value);
    kind.ok_or_else(|| Unresolved::Provider {
        key: key(role, "provider"),
        value,
    })
}

/// The provider of a role itself; `None` if what it needs is not set.
pub fn own(settings: &Snapshot, role: &str) -> Result<Option<Provider>, Unresolved> {
    let kind = kind(settings, role)?;
    let named = read(settings, role, "model")?;
    if kind == ProviderKind::BuiltIn {
        let provider = Provider {
            role: role.to_owned(),
            kind,
            url: None,
            model: named.unwrap_or_else(|| kind.name().to_owned()),
            key: None,
            streams: false,
        };
        return Ok(Some(provider));
    }
    let default = (kind == ProviderKind::Anthropic).then(|| ANTHROPIC.to_owned());
    let (Some(url), Some(model)) = (read(settings, role, "url")?.or(default), named) else {
        return Ok(None);
    };
    let url = url.parse::<Url>().map_err(|error| Unresolved::Address {
        key: key(role, "url"),
        value: url.clone(),
        problem: error.to_string(),
    })?;
    let key = settings.secret(&key(role, "key"))?.cloned();
    if key.is_none() && kind.needs().contains(&"key") {
        return Ok(None);
    }
    Ok(Some(Provider {
        role: role.to_owned(),
        kind,
        url: Some(url),
        model,
        key,
        streams: read(settings, role, "stream")?.as_deref() != Some("false"),
    }))
}

/// A part of a role. One that is not declared is not set, unless nothing of the role is declared.
fn read(settings: &Snapshot, role: &str, part: &str) -> Result<Option<String>, SettingError> {
    let key = key(role, part);
    if settings.declaration(&key).is_some() {
        return settings.text(&key);
    }
    if is_declared(settings, role) {
        return Ok(None);
    }
    Err(SettingError::Unknown(self::key(role, PARTS[0])))
}

/// Whether something of a role is declared.
pub fn is_declared(settings: &Snapshot, role: &str) -> bool {
    let mut parts = PARTS.iter();
    parts.any(|part| settings.declaration(&key(role, part)).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::{Declaration, SettingType, UnfitValue};

    #[test]
    fn a_model_is_named_without_the_folders_of_its_server() {
        for (named, wanted) in [
            ("/home/ada/models/small.Q4_1.gguf", "small.Q4_1.gguf"),
            ("models/small.gguf", "small.gguf"),
            ("C:\\models\\small.bin", "small.bin"),
            ("./small", "small"),
            ("owner/model-7b", "owner/model-7b"),
            ("qwen3:8b", "qwen3:8b"),
        ] {
            assert_eq!(without_folders(named), wanted);
        }
        let provider = Provider {
            role: "writer".to_owned(),
            kind: ProviderKind::OpenAi,
            url: None,
            model: "set".to_owned(),
            key: None,
            streams: true,
        };
        let named = |answer: Json| provider.named(&answer);
        for nameless in [json!({}), json!({ "model": "" }), json!({ "model": "/a/" })] {
            assert_eq!(named(nameless), "set");
        }
        let long = named(json!({ "model": "x".repeat(100_000) }));
        assert!(long.chars().count() < 2 * NAME, "{}", long.len());
    }

    #[test]
    fn a_key_that_does_not_open_is_no_provider_without_a_key() {
        let declared = |kind| Declaration {
            kind,
            default: Some("http://127.0.0.1:9/".to_owned()).filter(|_| kind != SettingType::Secret),
            required: false,
            description: String::new(),
        };
        let declarations = [
            ("roles.writer.url", SettingType::Url),
            ("roles.writer.model", SettingType::Model),
            ("roles.writer.key", SettingType::Secret),
        ];
        let declarations = declarations.map(|(key, kind)| (key.to_owned(), declared(kind)));
        let settings = Snapshot::new(declarations.into(), [].into(), [].into());
        let known = own(&settings, "writer").expect("it resolves");
        assert!(known.expect("a provider").key.is_none(), "none is set");
        let shut = UnfitValue {
            key: "roles.writer.key".to_owned(),
            problem: "is sealed with another key".to_owned(),
            mend: "set it again".to_owned(),
        };
        let refused = own(&settings.with_unfit([shut]), "writer").expect_err("it cannot be read");
        let told = refused.to_string();
        assert!(told.contains("roles.writer.key"), "{told}");
    }
}
