//! Settings: declared keys and their values. A secret is a setting that is set and never shown, so
//! it has no room of its own.

mod carry;
mod history;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{OperationError, named};
use crate::app::{App, AppError};
use crate::secrets::SecretKey;
use crate::settings::{
    Declaration, Secret, SettingValueState, Snapshot, UnfitValue, fits_in, read_of,
};
use crate::store::setting_changes::{self, PlannedChange, SettingEvent};
use crate::store::settings::{self as values, SettingContent};

pub use self::carry::{
    CarriedForm, CarriedSettings, Imported, LONGEST, SettingDifference, import, parse,
    values as set_values,
};
pub use self::history::{SettingChangeView, history, unread};

pub use crate::settings::SettingType;

/// How a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SettingState {
    /// A value is set; it may be empty on purpose.
    Set,
    /// It has the value that is declared.
    Default,
    /// It has neither.
    Unset,
    /// It has a value that cannot be read as what is declared.
    Unreadable,
    /// It has a value, and is declared nowhere.
    Undeclared,
}

/// A setting and its value.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Setting")]
pub struct SettingView {
    /// Its key.
    pub key: String,
    /// Nothing, if it is not declared.
    #[serde(rename = "type")]
    pub kind: Option<SettingType>,
    pub state: SettingState,
    /// The value that counts; never that of a secret.
    pub value: Option<String>,
    /// Whether what reads it cannot do without.
    pub required: bool,
    /// What it is for.
    pub description: String,
    /// Why its value cannot be read.
    pub problem: Option<String>,
    /// What to do about that.
    pub mend: Option<String>,
}

/// Every declared setting by key, then the values that nothing declares.
pub async fn list(app: &App) -> Result<Vec<SettingView>, OperationError> {
    let snapshot = snapshot(app).await?;
    let declared = snapshot.declarations().iter();
    let declared = declared.map(|(key, declared)| SettingView::of(&snapshot, key, declared));
    let stray = |unfit: &&UnfitValue| snapshot.declaration(&unfit.key).is_none();
    let strays = snapshot.unfit().filter(stray).map(SettingView::stray);
    Ok(declared.chain(strays).collect())
}

/// One setting. A secret is refused.
pub async fn get(app: &App, key: &str) -> Result<SettingView, OperationError> {
    let snapshot = snapshot(app).await?;
    let declared = declared(&snapshot, key)?;
    let state = snapshot.state(key);
    state.map_err(|error| OperationError::usage(error.to_string()))?;
    Ok(SettingView::of(&snapshot, key, declared))
}

/// What a declared setting holds.
pub async fn kind(app: &App, key: &str) -> Result<SettingType, OperationError> {
    Ok(declared(&snapshot(app).await?, key)?.kind)
}

/// Set a value. An empty one is a value, not the default; of a secret it is none.
pub async fn set(
    app: &App,
    key: &str,
    value: String,
    by: &str,
) -> Result<SettingView, OperationError> {
    let kind = kind(app, key).await?;
    let content = if kind == SettingType::Secret {
        sealed(app, key, value)?
    } else {
        fitting(app, key, kind, &value)?;
        SettingContent::Text(value)
    };
    change(app, key, Some(content), by).await?;
    now(app, key).await
}

/// Whether a text is a value of a setting here.
fn fitting(app: &App, key: &str, kind: SettingType, value: &str) -> Result<(), OperationError> {
    fits_in(app.folder(), key, kind, value).map_err(|misfit| {
        let refused = OperationError::usage(format!("setting `{key}`: {}", misfit.problem));
        match misfit.meant {
            Some(meant) => refused.mend(format!("callboard settings set {key} {meant}")),
            None => refused,
        }
    })
}

/// Set a value, or take it away, as a person said.
async fn change(
    app: &App,
    key: &str,
    content: Option<SettingContent>,
    by: &str,
) -> Result<(), OperationError> {
    let event = match content {
        Some(_) => SettingEvent::Set,
        None => SettingEvent::Unset,
    };
    let wanted = PlannedChange {
        key: key.to_owned(),
        content,
        event,
        who: by.to_owned(),
        detail: String::new(),
    };
    setting_changes::change(app.store(), vec![wanted], Timestamp::now()).await?;
    Ok(())
}

/// Secrets that another key than the one of this workspace seals.
#[derive(Debug, Clone)]
pub struct SealedByAnother {
    /// The id of the key in the workspace's file.
    pub own: String,
    /// The id of the key that sealed them.
    pub other: String,
    /// The keys of the settings.
    pub settings: Vec<String>,
}

/// The secrets that the workspace's key does not open, by the key that does: its file was lost, or is
/// another.
pub async fn sealed_by_others(app: &App) -> Result<Vec<SealedByAnother>, OperationError> {
    let key = SecretKey::load(&app.key_file()).map_err(AppError::from)?;
    let Some(own) = key.map(|key| key.id().to_owned()) else {
        return Ok(Vec::new());
    };
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for stored in values::list(app.store()).await? {
        match stored.content {
            SettingContent::Sealed { key_id, .. } if key_id != own => {
                others.entry(key_id).or_default().push(stored.key);
            }
            _ => {}
        }
    }
    let sealed = others.into_iter().map(|(other, settings)| SealedByAnother {
        own: own.clone(),
        other,
        settings,
    });
    Ok(sealed.collect())
}

/// Take a value away, so that the default counts again.
pub async fn unset(app: &App, key: &str, by: &str) -> Result<SettingView, OperationError> {
    let snapshot = snapshot(app).await?;
    // A value may be there that is declared no more.
    let stray = snapshot.unfit().find(|unfit| unfit.key == key);
    let stray = stray.filter(|_| snapshot.declaration(key).is_none());
    if stray.is_none() {
        declared(&snapshot, key)?;
    }
    change(app, key, None, by).await?;
    match stray {
        Some(stray) => Ok(SettingView {
            state: SettingState::Unset,
            problem: None,
            mend: None,
            ..SettingView::stray(stray)
        }),
        None => now(app, key).await,
    }
}

fn sealed(app: &App, key: &str, value: String) -> Result<SettingContent, OperationError> {
    if value.is_empty() {
        let text = format!("the secret `{key}` would be empty");
        let mend =
            format!("give it on standard input; `callboard settings unset {key}` takes it away");
        return Err(OperationError::usage(text).mend(mend));
    }
    let key_file = SecretKey::load_or_make(&app.key_file()).map_err(AppError::from)?;
    let sealed = key_file.seal(key, &Secret::new(value));
    let sealed = sealed.map_err(AppError::from)?;
    Ok(SettingContent::Sealed {
        bytes: sealed.bytes,
        key_id: sealed.key_id,
    })
}

async fn now(app: &App, key: &str) -> Result<SettingView, OperationError> {
    let snapshot = snapshot(app).await?;
    let declared = declared(&snapshot, key)?;
    Ok(SettingView::of(&snapshot, key, declared))
}

async fn snapshot(app: &App) -> Result<Snapshot, OperationError> {
    Ok(app.settings().await?)
}

fn declared<'s>(snapshot: &'s Snapshot, key: &str) -> Result<&'s Declaration, OperationError> {
    snapshot.declaration(key).ok_or_else(|| {
        let keys = snapshot.declarations().keys().map(String::as_str);
        let otherwise = "declare it in settings.toml";
        let error = OperationError::usage(format!("setting `{key}` is not declared"));
        // What the program reads is right as it is, though another one is alike.
        match read_of(key) {
            Some(_) => error.mend(otherwise),
            None => error.mend(named::meant(key, keys, otherwise)),
        }
    })
}

impl SettingView {
    fn of(snapshot: &Snapshot, key: &str, declared: &Declaration) -> Self {
        let (state, value) = match snapshot.state(key) {
            Ok(SettingValueState::Set(text)) => (SettingState::Set, Some(text)),
            Ok(SettingValueState::Default(text)) => (SettingState::Default, Some(text)),
            Ok(SettingValueState::Unset) => (SettingState::Unset, None),
            Err(_) => match snapshot.secret(key) {
                Ok(Some(_)) => (SettingState::Set, None),
                Ok(None) => (SettingState::Unset, None),
                Err(_) => (SettingState::Unreadable, None),
            },
        };
        let unfit = snapshot.unfit().find(|unfit| unfit.key == key);
        Self {
            key: key.to_owned(),
            kind: Some(declared.kind),
            state,
            value,
            required: declared.required,
            description: declared.description.clone(),
            problem: unfit.map(|unfit| unfit.problem.clone()),
            mend: unfit.map(|unfit| unfit.mend.clone()),
        }
    }

    fn stray(unfit: &UnfitValue) -> Self {
        Self {
            key: unfit.key.clone(),
            kind: None,
            state: SettingState::Undeclared,
            value: None,
            required: false,
            description: String::new(),
            problem: Some(unfit.problem.clone()),
            mend: Some(unfit.mend.clone()),
        }
    }

    /// Whether it has a value that is never shown.
    pub fn is_hidden(&self) -> bool {
        self.kind == Some(SettingType::Secret) && self.state == SettingState::Set
    }
}

impl SettingState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Default => "default",
            Self::Unset => "unset",
            Self::Unreadable => "unreadable",
            Self::Undeclared => "undeclared",
        }
    }
}
