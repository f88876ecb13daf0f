//! What happened to settings, and which of them nobody reads.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{SettingView, list};
use crate::app::{App, AppError, LoadedRevision};
use crate::operations::named::unknown;
use crate::operations::{Newest, OperationError};
use crate::settings::read_of;
use crate::store::setting_changes::{self, SettingChange, SettingEvent};

/// One change of a setting's value.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "SettingChange")]
pub struct SettingChangeView {
    /// The key of the setting.
    pub key: String,
    /// What happened.
    pub event: SettingEvent,
    /// Whether it is a secret, of which neither value is kept.
    pub secret: bool,
    /// The value before; none, if there was none.
    pub was: Option<String>,
    /// The value from then on; none, if there is none and the default counts.
    pub becomes: Option<String>,
    /// Who did it; nobody, if it came with a revision.
    pub who: String,
    /// Why, where it came with a revision.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

impl From<SettingChange> for SettingChangeView {
    fn from(it: SettingChange) -> Self {
        Self {
            key: it.key,
            event: it.event,
            secret: it.secret,
            was: it.was,
            becomes: it.becomes,
            who: it.who,
            detail: it.detail,
            at: it.at,
        }
    }
}

/// The newest changes of one setting or of all, newest first; also of one that is declared no more. A key
/// that nothing declares and that never had a value is a slip.
pub async fn history(
    app: &App,
    key: Option<&str>,
    limit: u32,
) -> Result<Newest<SettingChangeView>, OperationError> {
    let asked = Newest::<SettingChange>::asked(limit);
    let changes = setting_changes::list(app.store(), key, asked).await?;
    if let (Some(key), true) = (key, changes.is_empty()) {
        let all = list(app).await?;
        let known = all.iter().map(|setting| setting.key.as_str());
        if known.clone().all(|known| known != key) {
            return Err(unknown("setting", key, known, "callboard settings list"));
        }
    }
    Ok(Newest::of(changes, limit).map(Into::into))
}

/// The settings that are declared, or have a value, and that nobody reads: neither the program nor a handler
/// or plugin of the active revision.
pub async fn unread(app: &App) -> Result<Vec<SettingView>, OperationError> {
    let loaded = match app.active().await {
        Ok(loaded) => Some(loaded),
        Err(AppError::NothingApplied) => None,
        Err(error) => return Err(error.into()),
    };
    let mut all = list(app).await?;
    all.retain(|setting| {
        let by_others = loaded
            .as_ref()
            .is_some_and(|loaded| is_read(loaded, &setting.key));
        // A value that nothing declares is read by nobody, whoever would.
        setting.kind.is_none() || !(by_others || read_of(&setting.key).is_some())
    });
    Ok(all)
}

/// Whether a handler, a plugin or what is granted to one says the key.
fn is_read(loaded: &LoadedRevision, key: &str) -> bool {
    let contracts = loaded.registry.iter().map(|entry| &entry.contract.needs);
    let mut said = contracts.flat_map(|needs| &needs.settings);
    let mut asked = loaded.definitions.plugins.values();
    said.any(|said| covers(said, key))
        || asked.any(|plugin| {
            let ask = &plugin.manifest.value.ask;
            ask.settings.covers(key) || ask.credentials.iter().any(|grant| grant.name == key)
        })
}

/// Whether a key is one that a name means, which may have a `*` for a word.
fn covers(said: &str, key: &str) -> bool {
    match said.split_once('*') {
        Some((before, after)) => key
            .strip_prefix(before)
            .is_some_and(|rest| rest.ends_with(after)),
        None => said == key,
    }
}
