//! `settings`: the values that are set. A secret is stored sealed, everything else as a text.

use jiff::Timestamp;

use serde::{Deserialize, Serialize};

use super::unreadable::{cut, readable};
use super::{Store, StoreError, Transaction, microseconds, timestamp};
use crate::value::form::Blob;
use crate::value::{ColumnError, Row, Statement};

/// The value of one setting, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSetting {
    pub key: String,
    pub content: SettingContent,
    pub updated_at: Timestamp,
}

/// A text, or a secret that only the key file opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingContent {
    Text(String),
    Sealed {
        bytes: Vec<u8>,
        key_id: String,
    },
    /// Neither; why it cannot be read.
    Unreadable(String),
}

/// A row.
#[derive(Serialize, Deserialize)]
#[serde(rename = "settings")]
struct Kept {
    key: String,
    content: ContentColumns,
    updated_at: i64,
}

/// Either a value, or one that is sealed with the key of an id.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename = "settings")]
struct ContentColumns {
    value: Option<String>,
    sealed: Option<Blob>,
    key_id: Option<String>,
}

/// The columns of a row.
pub(super) fn columns() -> String {
    "key, value, sealed, key_id, updated_at".to_owned()
}

/// Set a value, or set it again.
pub fn set(key: &str, content: &SettingContent, now: Timestamp) -> Statement {
    let mut columns = ContentColumns::default();
    match content.clone() {
        SettingContent::Text(text) => columns.value = Some(text),
        SettingContent::Sealed { bytes, key_id } => {
            columns.sealed = Some(Blob(bytes));
            columns.key_id = Some(key_id);
        }
        SettingContent::Unreadable(_) => {}
    }
    let row = Kept {
        key: key.to_owned(),
        content: columns,
        updated_at: microseconds(now),
    };
    Statement::insert(&row).then(
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value, sealed = excluded.sealed, \
            key_id = excluded.key_id, updated_at = excluded.updated_at",
    )
}

/// Go back to the default; gives one row if there was a value.
pub fn unset(key: &str) -> Statement {
    Statement::new("DELETE FROM settings WHERE key = $1").bind(key)
}

/// Every value, in the order of keys. One that cannot be read is there as that; a row whose key
/// cannot be read belongs to no setting, and is told to the log.
pub async fn list(store: &Store) -> Result<Vec<StoredSetting>, StoreError> {
    let sql = format!("SELECT {} FROM settings ORDER BY key", columns());
    let rows = store.query(Statement::new(sql)).await?;
    Ok(readable(&rows, "a setting", stored))
}

/// The same within a transaction.
pub(super) async fn list_in(
    transaction: &mut Transaction<'_>,
) -> Result<Vec<StoredSetting>, StoreError> {
    let sql = format!("SELECT {} FROM settings ORDER BY key", columns());
    let rows = transaction.query(Statement::new(sql)).await?;
    Ok(readable(&rows, "a setting", stored))
}

fn stored(row: Row<'_>) -> Result<StoredSetting, ColumnError> {
    let unreadable = |error: ColumnError| SettingContent::Unreadable(cut(&error.to_string()));
    Ok(StoredSetting {
        key: row.text("key")?,
        content: row.read().and_then(content).unwrap_or_else(unreadable),
        // Nothing follows from it.
        updated_at: timestamp(row.integer("updated_at").unwrap_or_default()),
    })
}

fn content(columns: ContentColumns) -> Result<SettingContent, ColumnError> {
    match (columns.value, columns.sealed) {
        (Some(text), _) => Ok(SettingContent::Text(text)),
        (None, Some(Blob(bytes))) => Ok(SettingContent::Sealed {
            bytes,
            key_id: columns.key_id.unwrap_or_default(),
        }),
        (None, None) => Err(ColumnError {
            table: "settings".to_owned(),
            column: "sealed".to_owned(),
            problem: "is NULL, and so is `value`".to_owned(),
        }),
    }
}

/// Whether all of a row can be read.
pub(super) fn whole(row: Row<'_>) -> Result<(), StoreError> {
    Ok(content(row.read::<Kept>()?.content).map(drop)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn values_are_set_replaced_and_unset() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("t.db").display());
        let store = Store::open(&url).await.expect("a store");
        let now = Timestamp::UNIX_EPOCH;
        let text = SettingContent::Text(String::new());
        let sealed = SettingContent::Sealed {
            bytes: vec![1],
            key_id: "ab".into(),
        };
        store.execute(set("b", &text, now)).await.expect("set");
        store.execute(set("a", &text, now)).await.expect("set");
        store
            .execute(set("a", &sealed, now))
            .await
            .expect("set again");
        let all = list(&store).await.expect("a list");
        assert_eq!((&all[0].content, &all[1].content), (&sealed, &text));
        assert_eq!(store.execute(unset("a")).await.expect("unset"), 1);
        assert_eq!(store.execute(unset("a")).await.expect("unset"), 0);
    }
}
