//! `workers`: who works on the database, and when each was last seen, for `doctor`. Nothing else goes
//! by it: leases say whose a run is.

use std::time::Duration;

use serde::Deserialize;

use super::{Store, StoreError, batch};
use crate::value::form::micros;
use crate::value::{Query, Statement};

/// How long a worker that fell silent is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// A worker, and how long ago it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LastSeen {
    pub worker: String,
    #[serde(with = "micros")]
    pub age: Duration,
}

/// A worker is there.
pub async fn seen(store: &Store, worker: &str) -> Result<(), StoreError> {
    let now = batch::now(store.dialect());
    let keep = format!(
        "INSERT INTO workers (name, seen_at) VALUES ($1, {now}) \
        ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at"
    );
    let forget = format!("DELETE FROM workers WHERE seen_at < {now} - $1");
    let keep = Statement::new(keep).bind(worker);
    let forget = Statement::new(forget).bind(super::runs::micros(REMEMBERED));
    store
        .write(move |transaction| {
            Box::pin(async move {
                transaction.execute(keep).await?;
                transaction.execute(forget).await?;
                Ok(())
            })
        })
        .await
}

/// A worker has ended.
pub async fn ended(store: &Store, worker: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM workers WHERE name = $1";
    store.execute(Statement::new(sql).bind(worker)).await?;
    Ok(())
}

/// The worker that was seen last, if there is one.
pub async fn last_seen(store: &Store) -> Result<Option<LastSeen>, StoreError> {
    let now = batch::now(store.dialect());
    let sql = format!(
        "SELECT name AS worker, {now} - seen_at AS age FROM workers ORDER BY seen_at DESC, name LIMIT 1"
    );
    store.read_first(Query::new(sql)).await
}
