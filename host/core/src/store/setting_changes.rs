//! `setting_changes`: what happened to the values of settings, in the transaction in which it did. Of a
//! secret it keeps that it was set, and never what it is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::{self, SettingContent, StoredSetting};
use super::{Store, StoreError, Transaction};
use crate::value::form::micros;
use crate::value::{Query, Statement, select};

/// What happened to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SettingEvent {
    /// A person set it.
    Set,
    /// A person took it away, so that the default counts.
    Unset,
    /// It came with an import.
    Import,
    /// It was the default of the revision before, and follows that of the new one.
    Follow,
    /// It was empty where that is no value, and the default counts.
    Repair,
}

/// One change of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "setting_changes")]
pub struct SettingChange {
    pub id: String,
    pub key: String,
    pub event: SettingEvent,
    /// Whether it is a secret, of which neither value is kept.
    pub secret: bool,
    /// The value before; none, if there was none.
    pub was: Option<String>,
    /// The value from then on; none, if there is none.
    pub becomes: Option<String>,
    /// Who did it; nobody, if it followed from a revision.
    pub who: String,
    pub detail: String,
    #[serde(with = "micros")]
    pub at: Timestamp,
}

/// What is to happen to a value.
#[derive(Debug, Clone)]
pub struct PlannedChange {
    pub key: String,
    /// None takes it away.
    pub content: Option<SettingContent>,
    pub event: SettingEvent,
    pub who: String,
    pub detail: String,
}

/// What becomes of values when a revision becomes active: what the files of the one before, if there was
/// one, and of the new one declare, and the values that are set.
pub type CarryOver = fn(Option<&[u8]>, &[u8], &[StoredSetting]) -> Vec<PlannedChange>;

/// Change values, all of them or none. What is so already is no change.
pub async fn change(
    store: &Store,
    wanted: Vec<PlannedChange>,
    now: Timestamp,
) -> Result<Vec<SettingChange>, StoreError> {
    store
        .write(move |transaction| {
            Box::pin(async move { change_in(transaction, wanted, now).await })
        })
        .await
}

/// The same in a transaction that does more.
pub(super) async fn change_in(
    transaction: &mut Transaction<'_>,
    wanted: Vec<PlannedChange>,
    now: Timestamp,
) -> Result<Vec<SettingChange>, StoreError> {
    let stored = settings::list_in(transaction).await?;
    let mut changes = Vec::new();
    for wanted in wanted {
        let old = stored.iter().find(|it| it.key == wanted.key);
        let old = old.map(|it| &it.content);
        if old == wanted.content.as_ref() {
            continue;
        }
        let write = match &wanted.content {
            Some(content) => settings::set(&wanted.key, content, now),
            None => settings::unset(&wanted.key),
        };
        transaction.execute(write).await?;
        let is_sealed =
            |content: &&SettingContent| matches!(content, SettingContent::Sealed { .. });
        let new = wanted.content.as_ref();
        let change = SettingChange {
            id: uuid::Uuid::now_v7().to_string(),
            secret: old.into_iter().chain(new).any(|it| is_sealed(&it)),
            was: old.and_then(text),
            becomes: new.and_then(text),
            key: wanted.key,
            event: wanted.event,
            who: wanted.who,
            detail: wanted.detail,
            at: now,
        };
        transaction.execute(Statement::insert(&change)).await?;
        changes.push(change);
    }
    Ok(changes)
}

/// What is told of a value: nothing of a secret.
fn text(content: &SettingContent) -> Option<String> {
    match content {
        SettingContent::Text(text) => Some(text.clone()),
        SettingContent::Sealed { .. } | SettingContent::Unreadable(_) => None,
    }
}

/// The newest changes, of one setting or of all, newest first.
pub async fn list(
    store: &Store,
    key: Option<&str>,
    limit: u32,
) -> Result<Vec<SettingChange>, StoreError> {
    let query: Query<SettingChange> = match key {
        Some(key) => select("WHERE key = $1 ORDER BY at DESC, id DESC LIMIT $2").bind(key),
        None => select("ORDER BY at DESC, id DESC LIMIT $1"),
    };
    store.read(query.bind(limit)).await
}
