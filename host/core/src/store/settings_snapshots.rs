//! `settings_snapshots`: the settings that runs began with, without secrets.

use std::collections::BTreeMap;

use super::{Store, StoreError, batch};
use crate::value::{Query, Statement};

/// Keep the values of a digest, unless they are there.
pub async fn keep(
    store: &Store,
    digest: &str,
    values: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    let content = serde_json::to_string(values)
        .map_err(|error| StoreError::internal(format!("settings: {error}")))?;
    let now = batch::now(store.dialect());
    let sql = format!(
        "INSERT INTO settings_snapshots (digest, content, created_at) VALUES ($1, $2, {now}) \
        ON CONFLICT DO NOTHING"
    );
    let insert = Statement::new(sql).bind(digest).bind(content);
    store.execute(insert).await?;
    Ok(())
}

/// The values of a digest; `None` if they are not kept.
pub async fn content(
    store: &Store,
    digest: &str,
) -> Result<Option<BTreeMap<String, String>>, StoreError> {
    let sql = "SELECT content FROM settings_snapshots WHERE digest = $1";
    let content: Option<String> = store.read_first(Query::new(sql).bind(digest)).await?;
    let values = content.map(|content| serde_json::from_str(&content));
    values
        .transpose()
        .map_err(|error| StoreError::internal(format!("settings {digest}: {error}")))
}
