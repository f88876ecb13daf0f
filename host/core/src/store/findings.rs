//! `findings`: what a person may want to know, once for each key until it is resolved.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, Transaction, batch};
use crate::value::form::micros;
use crate::value::{Query, Statement, select};

/// Something noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "findings")]
#[schemars(rename = "Finding")]
pub struct Finding {
    /// The same thing noticed again has the same key.
    pub key: String,
    /// `config`, `poisoned`, `silence`, `no-effect` …
    pub kind: String,
    /// Whom it is about: a pipeline, a handler, a run.
    pub subject: String,
    /// What was noticed.
    pub message: String,
    /// How often it was noticed since it was opened.
    pub times: u64,
    /// When it was first noticed.
    #[serde(with = "micros")]
    #[schemars(with = "Timestamp")]
    pub first_at: Timestamp,
    /// When it was last noticed.
    #[serde(with = "micros")]
    #[schemars(with = "Timestamp")]
    pub last_at: Timestamp,
    /// When it was resolved, if it was.
    #[serde(with = "micros")]
    #[schemars(with = "Option<Timestamp>")]
    pub resolved_at: Option<Timestamp>,
}

/// Raise a finding. Says whether it is new: one that is open already only counts up, and one
/// that was resolved opens again.
pub async fn raise(
    store: &Store,
    key: &str,
    kind: &str,
    subject: &str,
    message: &str,
) -> Result<bool, StoreError> {
    let finding = [key, kind, subject, message].map(str::to_owned);
    store
        .write(move |transaction| {
            Box::pin(async move {
                let [key, kind, subject, message] = &finding;
                raise_in(transaction, key, kind, subject, message).await
            })
        })
        .await
}

/// The same inside a transaction.
pub(super) async fn raise_in(
    transaction: &mut Transaction<'_>,
    key: &str,
    kind: &str,
    subject: &str,
    message: &str,
) -> Result<bool, StoreError> {
    let now = batch::now(transaction.dialect());
    let sql = format!(
        "INSERT INTO findings (key, kind, subject, message, times, first_at, last_at) \
        VALUES ($1, $2, $3, $4, 1, {now}, {now}) \
        ON CONFLICT (key) DO UPDATE SET message = excluded.message, \
            last_at = excluded.last_at, resolved_at = NULL, \
            times = CASE WHEN findings.resolved_at IS NULL THEN findings.times + 1 ELSE 1 END, \
            first_at = CASE WHEN findings.resolved_at IS NULL THEN findings.first_at \
                ELSE excluded.first_at END \
        RETURNING times"
    );
    // A finding is told whatever it quotes.
    let kept = |text: &str| text.replace('\0', "\u{fffd}");
    let raise = Query::new(sql)
        .bind(kept(key))
        .bind(kind)
        .bind(kept(subject))
        .bind(kept(message));
    Ok(transaction.read_first(raise).await? == Some(1))
}

/// Resolve the open findings whose keys begin with `prefix`; gives how many.
pub async fn resolve(store: &Store, prefix: &str) -> Result<u64, StoreError> {
    let now = batch::now(store.dialect());
    let sql = format!(
        "UPDATE findings SET resolved_at = {now} \
        WHERE resolved_at IS NULL AND key >= $1 AND key < $2"
    );
    let end = format!("{prefix}\u{10ffff}");
    store
        .execute(Statement::new(sql).bind(prefix).bind(end))
        .await
}

/// Resolve the finding of a key; says whether it was open.
pub async fn close(store: &Store, key: &str) -> Result<bool, StoreError> {
    let now = batch::now(store.dialect());
    let sql =
        format!("UPDATE findings SET resolved_at = {now} WHERE resolved_at IS NULL AND key = $1");
    let closed = store.execute(Statement::new(sql).bind(key)).await?;
    Ok(closed == 1)
}

/// Every finding, those that were resolved too, newest first.
pub async fn all(store: &Store) -> Result<Vec<Finding>, StoreError> {
    let query = select("ORDER BY last_at DESC, key");
    store.readable("a finding", query).await
}

/// The open findings, oldest first.
pub async fn open(store: &Store) -> Result<Vec<Finding>, StoreError> {
    let query = select("WHERE resolved_at IS NULL ORDER BY first_at, key");
    store.readable("a finding", query).await
}
