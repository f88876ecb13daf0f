//! The login role of a plugin on PostgreSQL: made when it is not as it should be, with exactly
//! the plugin's grants. Its password is derived and stored nowhere; a digest says whether the
//! role has it.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

use super::catalog::SEARCH_PATH;
use super::passage::Passage;
use super::role::{self, Login, quoted};
use super::session::{self, Session};
use super::{denial, held, memory};
use crate::config::CallLimits;
use crate::grants::{Grants, Verb};
use crate::settings::hex;
use crate::store::locks::Lock;
use crate::store::{Store, StoreError, StoreErrorKind, Transaction};
use crate::value::{Query, Statement};

/// What the statements of a session may have in temporary files at a time.
const TEMPORARY: &str = "2GB";

/// Connections of one role: a few processes with [`super::CONNECTIONS`] each.
const CONNECTION_LIMIT: u32 = 64;

/// How a plugin connects.
pub(super) struct PluginLogin {
    pub(super) options: PgConnectOptions,
    /// The command that makes the settings of a session. They are no options of the start: a pooler may
    /// leave those out, and say nothing.
    settings: Arc<str>,
}

/// Make the role if needed, and say how to connect as it.
pub(super) async fn of_plugin(
    store: &Store,
    options: &PgConnectOptions,
    plugin: &str,
    grants: &Grants,
    limits: &CallLimits,
) -> Result<PluginLogin, StoreError> {
    let (owner, asked) = (plugin.to_owned(), grants.clone());
    let login = store
        .write(move |transaction| {
            Box::pin(async move { ensure(transaction, &owner, &asked).await })
        })
        .await?;
    let password = admit(store, plugin, &login.role, false).await?;
    let options = options.clone().username(&login.role).password(&password);
    Ok(PluginLogin {
        options: options.application_name(&format!("callboard plugin {plugin}")),
        settings: settings(limits).into(),
    })
}

/// The command that makes the settings of a session.
fn settings(limits: &CallLimits) -> String {
    let timeout = format!("{}s", limits.statement_seconds.max(1));
    let path = SEARCH_PATH.replace(' ', "");
    let session = [
        ("statement_timeout", timeout.clone()),
        ("idle_in_transaction_session_timeout", timeout),
        ("lock_timeout", "10s".to_owned()),
        // What is written is a text in plain quotes, where a backslash means itself.
        ("standard_conforming_strings", "on".to_owned()),
        ("default_transaction_isolation", "read committed".to_owned()),
    ];
    let session = session.into_iter().chain(memory::settings(limits));
    let session = session.map(|(name, value)| format!("SET {name} = '{value}'; "));
    // A list of schemas, none of which has a name that is to be quoted.
    format!("SET search_path = {path}; {}", session.collect::<String>())
}

impl PluginLogin {
    /// A session of the role, with its settings.
    pub(super) async fn connect(&self, store: &Store, plugin: &str) -> Result<Session, StoreError> {
        let mut connected = self.options.connect().await;
        if connected.as_ref().is_err_and(is_outdated) {
            admit(store, plugin, self.options.get_username(), true).await?;
            connected = self.options.connect().await;
        }
        let mut connection = connected.map_err(refused)?;
        let settings = Arc::clone(&self.settings);
        session::set(&mut connection, &settings).await?;
        self.is_itself(&mut connection).await?;
        Ok(Session::Postgres {
            connection,
            settings,
        })
    }

    /// A pooler may give a session to whoever it was told to, and so the rights of that one.
    async fn is_itself(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        let who = sqlx::query_scalar("SELECT session_user::text");
        let who: String = who.fetch_one(connection).await.map_err(StoreError::from)?;
        let role = self.options.get_username();
        if who == role {
            return Ok(());
        }
        Err(denial::denied(format!(
            "its session would have the rights of `{who}` and not of its own role `{role}`: what stands between \
             logs in as somebody else; name no `user` for this database in the pooler"
        )))
    }
}

/// See to it that the role has the password that is derived for it, `anew` even if it is
/// noted that it has; gives the password.
pub(super) async fn admit(
    store: &Store,
    plugin: &str,
    role: &str,
    anew: bool,
) -> Result<String, StoreError> {
    let password = hex(&store.login_password(role)?);
    let digest = hex(&Sha256::digest(&password));
    let known =
        Statement::new("SELECT 1 AS one FROM plugin_logins WHERE plugin = $1 AND digest = $2");
    let known = store.query(known.bind(plugin).bind(&digest)).await?;
    if known.first().is_some() && !anew {
        return Ok(password);
    }
    let alter = format!("ALTER ROLE {} PASSWORD '{password}'", quoted(role));
    let note = Statement::new("UPDATE plugin_logins SET digest = $2 WHERE plugin = $1");
    let note = note.bind(plugin).bind(digest);
    store
        .write(move |transaction| {
            Box::pin(async move {
                Lock::Logins.acquire(transaction).await?;
                transaction.execute(Statement::new(alter)).await?;
                transaction.execute(note).await
            })
        })
        .await?;
    Ok(password)
}

/// The role with exactly these grants until the commit: who finds it so shares a lock, who has
/// to make it so is alone.
pub(super) async fn ensure(
    transaction: &mut Transaction<'_>,
    plugin: &str,
    grants: &Grants,
) -> Result<Login, StoreError> {
    let login = role::of_plugin(transaction, plugin).await?;
    if !held::is_as_granted(transaction, plugin, &login, grants).await? {
        Lock::Logins.acquire(transaction).await?;
        make(transaction, plugin, &login, grants).await?;
        return Ok(login);
    }
    Lock::Logins.shared(transaction).await?;
    if held::is_as_granted(transaction, plugin, &login, grants).await? {
        return Ok(login);
    }
    let message = "its grants have just changed; try again";
    Err(StoreError::new(StoreErrorKind::Busy, message))
}

/// Make the role, if it is not there, with what belongs to it, and give it its grants.
async fn make(
    transaction: &mut Transaction<'_>,
    plugin: &str,
    login: &Login,
    grants: &Grants,
) -> Result<(), StoreError> {
    let exists = Statement::new("SELECT 1 AS one FROM pg_roles WHERE rolname = $1");
    let exists = transaction.query(exists.bind(&login.role)).await?;
    if exists.first().is_none() {
        create(transaction, &login.role).await?;
    }
    let note = "INSERT INTO plugin_logins (plugin, role, digest) VALUES ($1, $2, '') \
        ON CONFLICT (plugin) DO UPDATE SET role = excluded.role, digest = '' \
        WHERE plugin_logins.role <> excluded.role";
    let note = Statement::new(note).bind(plugin).bind(&login.role);
    transaction.execute(note).await?;
    bounded_files(transaction, &login.role).await?;
    Passage::of(login).make(transaction).await?;
    grant(transaction, login, grants).await?;
    no_tables_of_its_own(transaction).await
}

/// Which server it is, and whether callboard is its superuser.
#[derive(serde::Deserialize)]
struct Server {
    version: i64,
    rules: bool,
}

/// What its statements may write beside the tables (sorts, sets of rows) is bounded, where the database user of callboard may
/// say so: a superuser, or one who was granted `SET ON PARAMETER temp_file_limit` (PostgreSQL 15).
async fn bounded_files(transaction: &mut Transaction<'_>, role: &str) -> Result<(), StoreError> {
    let sql = "SELECT current_setting('server_version_num')::int8 AS version, rolsuper AS rules FROM pg_roles \
        WHERE rolname = current_user";
    let server: Option<Server> = transaction.read_first(Query::new(sql)).await?;
    let Some(Server { version, rules }) = server else {
        return Ok(());
    };
    let may = if !rules && version >= 150_000 {
        let sql = "SELECT has_parameter_privilege('temp_file_limit', 'SET') AS may";
        transaction
            .read_first(Query::new(sql))
            .await?
            .unwrap_or(false)
    } else {
        rules
    };
    if may {
        let role = quoted(role);
        let bound = format!("ALTER ROLE {role} SET temp_file_limit = '{TEMPORARY}'");
        transaction.execute(Statement::new(bound)).await?;
    }
    Ok(())
}

/// Everybody may make temporary tables until that is taken from all. It is where the database is
/// callboard's own; for others the server warns and nothing changes.
async fn no_tables_of_its_own(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    let sql = "SELECT current_database()::text AS name FROM pg_database \
        WHERE datname = current_database() AND pg_has_role(datdba, 'USAGE') \
        AND has_database_privilege('public', oid, 'TEMPORARY')";
    let name: Option<String> = transaction.read_first(Query::new(sql)).await?;
    if let Some(name) = name {
        let name = quoted(&name);
        let revoke = format!("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC");
        transaction.execute(Statement::new(revoke)).await?;
    }
    Ok(())
}

/// Make the role. No session logs in with it until [`admit`] gave it a password.
async fn create(transaction: &mut Transaction<'_>, role: &str) -> Result<(), StoreError> {
    let sql = format!(
        "CREATE ROLE {} LOGIN NOINHERIT CONNECTION LIMIT {CONNECTION_LIMIT}",
        quoted(role)
    );
    transaction
        .execute(Statement::new(sql))
        .await
        .map_err(cannot_create)?;
    // So that functions can be given to it.
    let member = format!("GRANT {} TO CURRENT_USER", quoted(role));
    transaction.execute(Statement::new(member)).await?;
    Ok(())
}

fn cannot_create(error: StoreError) -> StoreError {
    if error.kind != StoreErrorKind::Denied {
        return error;
    }
    denial::denied(format!(
        "the database user of callboard may not create its login role ({}); \
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
        let verbs: Vec<_> = table.open().map(Verb::as_str).collect();
        if !verbs.is_empty() && is_there(transaction, login, &table.table).await? {
            if table.open().any(|verb| verb == Verb::Insert) {
                for sequence in sequences(transaction, login, &table.table).await? {
                    let sequence = quoted(&sequence);
                    commands.push(format!(
                        "GRANT USAGE ON SEQUENCE {schema}.{sequence} TO {role}"
                    ));
                }
            }
            let (verbs, table) = (verbs.join(", "), quoted(&table.table));
            commands.push(format!("GRANT {verbs} ON TABLE {schema}.{table} TO {role}"));
        }
    }
    for command in commands {
        transaction.execute(Statement::new(command)).await?;
    }
    Ok(())
}

/// The sequences that count in `serial` columns of a table: without them nobody inserts a row. Those that
/// are not ours to give are left out.
async fn sequences(
    transaction: &mut Transaction<'_>,
    login: &Login,
    table: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT counts.relname::text AS name FROM pg_depend \
            JOIN pg_class counts ON counts.oid = pg_depend.objid AND counts.relkind = 'S' \
            JOIN pg_class owner ON owner.oid = pg_depend.refobjid \
        WHERE pg_depend.classid = 'pg_class'::regclass AND pg_depend.refclassid = 'pg_class'::regclass \
            AND pg_depend.deptype = 'a' AND owner.relname = $2 \
            AND owner.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) \
            AND counts.relnamespace = owner.relnamespace \
            AND pg_has_role(counts.relowner, 'USAGE') \
        ORDER BY name";
    let find = Query::<String>::new(sql).bind(&login.schema).bind(table);
    transaction.read(find).await
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

/// Whether another process, with another key file or none, gave the role another password.
fn is_outdated(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == "28P01")
}

/// Why the role could not connect.
fn refused(error: sqlx::Error) -> StoreError {
    let error = StoreError::from(error);
    let text = format!(
        "it cannot log in to the database with its own role: {}; \
         let pg_hba.conf, and a pooler if one stands between (its `auth_query`, or its list of users), admit \
         the roles `callboard_*` the way they admit callboard itself",
        error.message
    );
    StoreError::new(error.kind, text)
}
