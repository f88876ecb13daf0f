//! Whether a plugin may run a statement, asked before anything runs.

use super::admission::{self, Asker};
use super::catalog::{Catalog, SEARCH_PATH};
use crate::config::CallLimits;
use crate::grants::Grants;
use crate::store::{Backend, Store, StoreError};

/// Whether the grants allow a statement, and it fits the schema; nothing runs, and no login
/// role is made for it.
pub async fn authorise(
    store: &Store,
    plugin: &str,
    grants: &Grants,
    limits: &CallLimits,
    sql: &str,
) -> Result<(), StoreError> {
    let there = store.tables().await?;
    let asker = Asker {
        dialect: store.dialect(),
        plugin,
        grants,
        catalog: None,
        most: limits.value_bytes.into(),
        there: Some(&there),
    };
    match store.backend() {
        Backend::Sqlite(_) => {
            admission::check_text(asker, sql, true)?;
            store
                .granted(plugin, grants, limits)
                .await?
                .authorise(sql)
                .await
        }
        Backend::Postgres(postgres) => {
            let catalog = Catalog::read(store, grants).await?;
            let asker = Asker {
                catalog: Some(&catalog),
                ..asker
            };
            let checked = admission::check_text(asker, sql, true)?;
            postgres.prepare_in(SEARCH_PATH, checked.sql()).await
        }
    }
}
