//! The login role of a plugin on PostgreSQL: made when it is not as it should be, with exactly
//! the plugin's grants.

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;

use super::{denial, held};
use crate::config::Limits;
use crate::grants::{Grants, Verb};
use crate::settings::hex;
use crate::store::{Store, StoreError, StoreErrorKind, Transaction};
use crate::value::Statement;

/// An arbitrary number that only the making of plugin roles locks.
const LOGIN_LOCK: i64 = 0x6361_6c6c_726f;
/// Connections of one role: a few processes with [`super::CONNECTIONS`] each.
const CONNECTION_LIMIT: u32 = 64;

/// What a plugin logs in with.
pub(super) struct Login {
    pub(super) role: String,
    password: String,
    schema: String,
}

/// Make the role if needed, and say how to connect as it.
pub(super) async fn connect_options(
    store: &Store,
    options: &PgConnectOptions,
    plugin: &str,
    grants: &Grants,
    limits: &Limits,
) -> Result<PgConnectOptions, StoreError> {
    let (owner, asked) = (plugin.to_owned(), grants.clone());
    let login = store
        .write(move |transaction| {
            Box::pin(async move { ensure(transaction, &owner, &asked).await })
        })
        .await?;
    let timeout = format!("{}s", limits.statement_seconds.max(1));
    Ok(options
        .clone()
        .username(&login.role)
        .password(&login.password)
        .application_name(&format!("callboard plugin {plugin}"))
        .options([
            ("search_path", login.schema.as_str()),
            ("statement_timeout", timeout.as_str()),
            ("idle_in_transaction_session_timeout", timeout.as_str()),
            ("lock_timeout", "10s"),
        ]))
}

/// The role with exactly these grants until the commit: who finds it so shares a lock, who has
/// to make it so is alone.
pub(super) async fn ensure(
    transaction: &mut Transaction<'_>,
    plugin: &str,
    grants: &Grants,
) -> Result<Login, StoreError> {
    let (database, schema) = place(transaction).await?;
    let role = role_name(&database, &schema, plugin);
    let named = (plugin, role.as_str(), schema.as_str());
    if held::password(transaction, named, grants).await?.is_none() {
        let lock = Statement::new("SELECT pg_advisory_xact_lock($1)").bind(LOGIN_LOCK);
        transaction.query(lock).await?;
        return make(transaction, plugin, (role, schema), grants).await;
    }
    let lock = Statement::new("SELECT pg_advisory_xact_lock_shared($1)").bind(LOGIN_LOCK);
    transaction.query(lock).await?;
    let password = held::password(transaction, named, grants).await?;
    let password = password.ok_or_else(|| {
        let message = format!("the grants of plugin `{plugin}` have just changed; try again");
        StoreError::new(StoreErrorKind::Busy, message)
    })?;
    Ok(Login {
        role,
        password,
        schema,
    })
}

/// Make the role, if it is not there, and give it its grants.
async fn make(
    transaction: &mut Transaction<'_>,
    plugin: &str,
    (role, schema): (String, String),
    grants: &Grants,
) -> Result<Login, StoreError> {
    let known =
        Statement::new("SELECT password FROM plugin_logins WHERE plugin = $1 AND role = $2");
    let rows = transaction.query(known.bind(plugin).bind(&role)).await?;
    let known = rows.first().map(|row| row.text("password")).transpose()?;
    let exists = Statement::new("SELECT 1 AS one FROM pg_roles WHERE rolname = $1").bind(&role);
    let exists = transaction.query(exists).await?.first().is_some();
    let password = match (known, exists) {
        (Some(password), true) => password,
        (_, exists) => renew(transaction, plugin, &role, exists).await?,
    };
    let login = Login {
        role,
        password,
        schema,
    };
    grant(transaction, &login, grants).await?;
    Ok(login)
}

async fn place(transaction: &mut Transaction<'_>) -> Result<(String, String), StoreError> {
    let sql = "SELECT current_database()::text AS database, current_schema()::text AS schema";
    let rows = transaction.query(Statement::new(sql)).await?;
    let row = rows
        .first()
        .ok_or_else(|| StoreError::internal("no current database"))?;
    Ok((row.text("database")?, row.text("schema")?))
}

/// Unique in the cluster, and at most 63 bytes.
fn role_name(database: &str, schema: &str, plugin: &str) -> String {
    let digest = hex(&Sha256::digest(format!("{database}/{schema}")));
    let name = format!("callboard_{}_{plugin}", &digest[..12]);
    if name.len() <= 63 {
        return name;
    }
    let digest = hex(&Sha256::digest(format!("{database}/{schema}/{plugin}")));
    format!("callboard_{}", &digest[..40])
}

/// Make the role, or give the one that is there a new password.
async fn renew(
    transaction: &mut Transaction<'_>,
    plugin: &str,
    role: &str,
    exists: bool,
) -> Result<String, StoreError> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::internal(error.to_string()))?;
    let password = hex(&bytes);
    let verb = if exists { "ALTER" } else { "CREATE" };
    let sql = format!(
        "{verb} ROLE {} LOGIN NOINHERIT CONNECTION LIMIT {CONNECTION_LIMIT} PASSWORD '{password}'",
        quoted(role)
    );
    transaction
        .execute(Statement::new(sql))
        .await
        .map_err(|error| cannot_create(plugin, error))?;
    if !exists {
        // So that deferred writes can take the role inside the engine's transaction.
        let member = format!("GRANT {} TO CURRENT_USER", quoted(role));
        transaction.execute(Statement::new(member)).await?;
    }
    let sql = "INSERT INTO plugin_logins (plugin, role, password) VALUES ($1, $2, $3) \
        ON CONFLICT (plugin) DO UPDATE SET role = excluded.role, password = excluded.password";
    let record = Statement::new(sql).bind(plugin).bind(role).bind(&password);
    transaction.execute(record).await?;
    Ok(password)
}

fn cannot_create(plugin: &str, error: StoreError) -> StoreError {
    if error.kind != StoreErrorKind::Denied {
        return error;
    }
    denial::denied(format!(
        "the database user of callboard may not create the login role of plugin `{plugin}` ({}); \
         let a superuser run `ALTER ROLE <that user> CREATEROLE`, or use SQLite",
        error.message
    ))
}

/// Take everything away, then give what is granted.
async fn grant(
    transaction: &mut Transaction<'_>,
    login: &Login,
    grants: &Grants,
) -> Result<(), StoreError> {
    let (role, schema) = (quoted(&login.role), quoted(&login.schema));
    let mut commands = vec![
        format!("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"),
        format!("REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}"),
        format!("REVOKE ALL ON SCHEMA {schema} FROM {role}"),
        format!("GRANT USAGE ON SCHEMA {schema} TO {role}"),
    ];
    for table in &grants.db {
        if denial::belongs_to_host(&table.table)
            || !is_there(transaction, login, &table.table).await?
        {
            continue;
        }
        let verbs: Vec<_> = table.verbs.iter().copied().map(Verb::as_str).collect();
        if !verbs.is_empty() {
            let (verbs, table) = (verbs.join(", "), quoted(&table.table));
            commands.push(format!("GRANT {verbs} ON TABLE {schema}.{table} TO {role}"));
        }
    }
    for command in commands {
        transaction.execute(Statement::new(command)).await?;
    }
    Ok(())
}

async fn is_there(
    transaction: &mut Transaction<'_>,
    login: &Login,
    table: &str,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM pg_tables WHERE schemaname = $1 AND tablename = $2";
    let find = Statement::new(sql).bind(&login.schema).bind(table);
    Ok(transaction.query(find).await?.first().is_some())
}

/// A name as an identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Why the role could not connect.
pub(super) fn refused(plugin: &str, error: sqlx::Error) -> StoreError {
    let error = StoreError::from(error);
    let text = format!(
        "plugin `{plugin}` cannot log in to the database with its own role: {}; \
         let pg_hba.conf admit the roles `callboard_*` the way it admits callboard itself",
        error.message
    );
    StoreError::new(error.kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_name_fits_and_is_unique_per_place() {
        let long = "p".repeat(80);
        assert!(role_name("d", "s", &long).len() <= 63);
        assert_ne!(role_name("d", "s", "p"), role_name("d", "t", "p"));
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
