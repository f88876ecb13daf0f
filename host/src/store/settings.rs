//! `settings`: the values somebody set. A secret is stored sealed, everything else as a text.

use jiff::Timestamp;

use super::unreadable::{cut, readable};
use super::{Store, StoreError, microseconds, timestamp};
use crate::value::{Row, Statement, Value};

/// The value of one setting, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub key: String,
    pub content: Content,
    pub updated_at: Timestamp,
}

/// A text, or a secret that only the key file opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Text(String),
    Sealed {
        bytes: Vec<u8>,
        key_id: String,
    },
    /// Neither; why it cannot be read.
    Unreadable(String),
}

/// Set a value, or set it again.
pub fn set(key: &str, content: &Content, now: Timestamp) -> Statement {
    let sql = "INSERT INTO settings (key, value, sealed, key_id, updated_at) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET value = excluded.value, \
        sealed = excluded.sealed, key_id = excluded.key_id, updated_at = excluded.updated_at";
    let (text, sealed, key_id): (Value, Value, Value) = match content {
        Content::Text(text) => (text.into(), Value::Null, Value::Null),
        Content::Sealed { bytes, key_id } => (Value::Null, bytes.clone().into(), key_id.into()),
        Content::Unreadable(_) => (Value::Null, Value::Null, Value::Null),
    };
    Statement::new(sql)
        .bind(key)
        .bind(text)
        .bind(sealed)
        .bind(key_id)
        .bind(microseconds(now))
}

/// Go back to the default; gives one row if there was a value.
pub fn unset(key: &str) -> Statement {
    Statement::new("DELETE FROM settings WHERE key = $1").bind(key)
}

/// Every value, in the order of keys. One that cannot be read is there as that; a row whose key
/// cannot be read is nobody's, and is told to the log.
pub async fn list(store: &Store) -> Result<Vec<Stored>, StoreError> {
    let sql = "SELECT key, value, sealed, key_id, updated_at FROM settings ORDER BY key";
    let rows = store.query(Statement::new(sql)).await?;
    Ok(readable(&rows, "a setting", stored))
}

fn stored(row: Row<'_>) -> Result<Stored, StoreError> {
    let unreadable = |error: StoreError| Content::Unreadable(cut(&error.message));
    Ok(Stored {
        key: row.text("key")?,
        content: content(row).unwrap_or_else(unreadable),
        // Nothing follows from it.
        updated_at: timestamp(row.integer("updated_at").unwrap_or_default()),
    })
}

fn content(row: Row<'_>) -> Result<Content, StoreError> {
    Ok(match row.optional_text("value")? {
        Some(text) => Content::Text(text),
        None => Content::Sealed {
            bytes: row.blob("sealed")?,
            key_id: row.optional_text("key_id")?.unwrap_or_default(),
        },
    })
}

/// Whether all of a row can be read.
pub(super) fn whole(row: Row<'_>) -> Result<(), StoreError> {
    row.text("key")?;
    row.integer("updated_at")?;
    content(row).map(drop)
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
        let text = Content::Text(String::new());
        let sealed = Content::Sealed {
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
