//! What the user of the database cannot do for plugins.

use super::role::PASSAGES;
use crate::store::{Backend, Store, StoreError};
use crate::value::Query;

/// The user of the database, if it may not create the login roles of plugins.
pub async fn without_logins(store: &Store) -> Result<Option<String>, StoreError> {
    if let Backend::Sqlite(_) = store.backend() {
        return Ok(None);
    }
    let sql = "SELECT rolname::text AS name FROM pg_roles \
        WHERE rolname = current_user AND NOT rolcreaterole AND NOT rolsuper";
    store.read_first(Query::new(sql)).await
}

/// The user of the database and the schema of its tables, if it may not let plugins into that.
pub async fn without_schema(store: &Store) -> Result<Option<(String, String)>, StoreError> {
    if let Backend::Sqlite(_) = store.backend() {
        return Ok(None);
    }
    let sql = "SELECT current_user::text AS name, current_schema()::text AS place \
        WHERE NOT has_schema_privilege(current_schema(), 'USAGE WITH GRANT OPTION')";
    store.read_first(Query::new(sql)).await
}

/// The user, the database and the schema that holds the functions of deferred writes, if it can neither
/// make that schema nor use it.
pub async fn without_passages(
    store: &Store,
) -> Result<Option<(String, String, String)>, StoreError> {
    if let Backend::Sqlite(_) = store.backend() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT current_user::text AS name, current_database()::text AS database, {PASSAGES} AS place \
        WHERE CASE WHEN EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = {PASSAGES}) \
            THEN NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = {PASSAGES} \
                AND pg_has_role(nspowner, 'USAGE')) \
            ELSE NOT has_database_privilege(current_database(), 'CREATE') END"
    );
    store.read_first(Query::new(sql)).await
}
