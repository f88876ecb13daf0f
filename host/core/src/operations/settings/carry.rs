//! Settings from one installation to another: the values that are set, as a file, and a file held against what
//! is declared before any of it counts. Secrets are named in it and never written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SettingState, SettingView, declared, fitting, list, snapshot};
use crate::app::App;
use crate::operations::OperationError;
use crate::settings::SettingType;
use crate::shown;
use crate::store::setting_changes::{self, PlannedChange, SettingEvent};
use crate::store::settings::SettingContent;
use crate::value::json_in;

/// The longest file, in bytes. Read, it takes up to a hundred times as much in memory.
pub const LONGEST: u64 = 1 << 20;
/// The most memory that a file of JSON takes.
const MOST: u64 = 16 << 20;
/// The most problems of a file that are told.
const TOLD: usize = 20;

/// The values that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Settings")]
pub struct CarriedSettings {
    /// Secrets that are set, by key. What they are is in no file.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The values, by key.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// A value that an import changes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SettingDifference {
    /// The key of the setting.
    pub key: String,
    /// The value that is set now; none, if the default counts.
    pub was: Option<String>,
    /// The value from then on.
    pub becomes: String,
}

/// What an import came to, or would.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Imported {
    /// Whether it counts; without `--yes` nothing was kept.
    pub kept: bool,
    /// What it changes.
    pub changes: Vec<SettingDifference>,
    /// Secrets that it names and that are not set here.
    pub secrets: Vec<String>,
}

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarriedForm {
    Toml,
    Json,
}

impl CarriedSettings {
    /// The file as a text that an import takes: what nobody could import is not exported.
    pub fn written(&self, form: CarriedForm) -> Result<String, OperationError> {
        let text = match form {
            CarriedForm::Toml => self.toml(),
            CarriedForm::Json => self.json()?,
        };
        // With the end of its last line.
        if text.len() as u64 >= LONGEST {
            return Err(self.too_long(text.len()));
        }
        parse(&text)?;
        Ok(text)
    }

    fn toml(&self) -> String {
        let secrets: Vec<_> = self.secrets.iter().map(|key| shown::toml(key)).collect();
        let mut text = format!("secrets = [{}]\n\n[values]\n", secrets.join(", "));
        for (key, value) in &self.values {
            let (key, value) = (shown::toml(key), shown::toml(value));
            text.extend([&key, " = ", &value, "\n"]);
        }
        text
    }

    fn json(&self) -> Result<String, OperationError> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| OperationError::failed(error.to_string()))?;
        Ok(shown::json(&text))
    }

    fn too_long(&self, bytes: usize) -> OperationError {
        let mut longest: Vec<_> = self.values.iter().collect();
        longest.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let longest = longest.iter().take(3);
        let longest: Vec<_> = longest
            .map(|(key, value)| format!("`{key}` ({})", value.len()))
            .collect();
        let problem = format!(
            "the values have {bytes} bytes as a file, and an import takes {LONGEST}: nothing is exported"
        );
        OperationError::failed(problem).mend(format!(
            "shorten the longest, or unset them meanwhile: {}",
            longest.join(", ")
        ))
    }
}

/// What is set now.
pub async fn values(app: &App) -> Result<CarriedSettings, OperationError> {
    let all = list(app).await?;
    let set = |setting: &&SettingView| setting.state == SettingState::Set;
    let is_secret = |setting: &&SettingView| setting.kind == Some(SettingType::Secret);
    let secrets = all.iter().filter(set).filter(is_secret);
    let texts = all.iter().filter(set).filter(|it| !is_secret(it));
    Ok(CarriedSettings {
        secrets: secrets.map(|setting| setting.key.clone()).collect(),
        values: texts
            .filter_map(|setting| Some((setting.key.clone(), setting.value.clone()?)))
            .collect(),
    })
}

/// What a file says: JSON, or TOML of the same form.
pub fn parse(text: &str) -> Result<CarriedSettings, OperationError> {
    let parsed = if text.trim_start().starts_with('{') {
        json_in(text, MOST).map_err(|error| error.to_string())
    } else {
        toml::from_str(text).map_err(|error| error.to_string())
    };
    parsed.map_err(|problem: String| {
        OperationError::usage(format!("these are no settings: {}", problem.trim()))
            .mend("write a line `\"KEY\" = \"VALUE\"` for each below `[values]`")
    })
}

/// Set the values of a file, all or none of them; without `keep` it is only said what that would change.
/// What it does not name stays as it is.
pub async fn import(
    app: &App,
    file: CarriedSettings,
    keep: bool,
    by: &str,
) -> Result<Imported, OperationError> {
    let snapshot = snapshot(app).await?;
    let mut problems = Vec::new();
    for (key, value) in &file.values {
        let fits = declared(&snapshot, key).and_then(|it| match it.kind {
            SettingType::Secret => {
                let problem = format!("`{key}` is a secret, which no file has");
                Err(OperationError::usage(problem))
            }
            kind => fitting(app, key, kind, value),
        });
        problems.extend(fits.err().map(|error| error.message));
    }
    if !problems.is_empty() {
        let more = problems.len().saturating_sub(TOLD);
        problems.truncate(TOLD);
        problems.extend((more > 0).then(|| format!("and {more} more")));
        let problem = format!("nothing is imported: {}", problems.join("; "));
        return Err(
            OperationError::usage(problem).mend("`callboard settings list` shows what is declared")
        );
    }
    let now = values(app).await?;
    let changes = file.values.iter();
    let changes = changes.filter(|(key, value)| now.values.get(*key) != Some(*value));
    let changes: Vec<SettingDifference> = changes
        .map(|(key, value)| SettingDifference {
            key: key.clone(),
            was: now.values.get(key).cloned(),
            becomes: value.clone(),
        })
        .collect();
    if keep {
        let wanted = file.values.into_iter().map(|(key, value)| PlannedChange {
            key,
            content: Some(SettingContent::Text(value)),
            event: SettingEvent::Import,
            who: by.to_owned(),
            detail: String::new(),
        });
        setting_changes::change(app.store(), wanted.collect(), Timestamp::now()).await?;
    }
    let mut secrets = file.secrets;
    secrets.retain(|key| !now.secrets.contains(key));
    Ok(Imported {
        kept: keep,
        changes,
        secrets,
    })
}
