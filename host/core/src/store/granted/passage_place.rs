//! Where the functions of deferred writes lie on PostgreSQL: in a schema of their own, which gives nobody
//! anything by itself. A dump that is restored where the plugins' roles are not known loses the owners and
//! rights of what it has, and a function that it brings along is shut there.

use serde::Deserialize;

use super::catalog::SEARCH_PATH;
use super::role::{PASSAGES, quoted};
use crate::store::{StoreError, StoreErrorKind, Transaction};
use crate::value::{Query, Statement};

/// What may be wrong with the schema itself, in the words of a query.
const OPEN: &str = "SELECT nspname::text AS place, pg_get_userbyid(nspowner)::text AS owner, \
        NOT pg_has_role(nspowner, 'USAGE') AS is_strange, \
        COALESCE((SELECT bool_or(grantee = 0) FROM aclexplode(nspacl)), FALSE) AS is_open \
    FROM pg_namespace WHERE nspname = ";

/// A function of the schema, or one of that kind beside the tables, where none belongs.
#[derive(Debug, Deserialize)]
pub(super) struct PassageFunction {
    pub(super) place: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) owner: String,
    /// Who else may call it.
    pub(super) callers: String,
    pub(super) body: String,
    /// Whether it has its owner's rights, and looks for what it names where it should.
    pub(super) is_bounded: bool,
    pub(super) database: String,
    pub(super) schema: String,
    pub(super) passages: String,
    /// The plugins that have a login, parted by spaces.
    pub(super) plugins: String,
}

/// One that another process drops meanwhile has no arguments any more, and is gone.
fn found<T>(condition: &str) -> Query<T> {
    Query::new(format!(
        "SELECT nspname::text AS place, proname::text AS name, \
            pg_get_function_identity_arguments(pg_proc.oid) AS arguments, \
            pg_get_userbyid(proowner)::text AS owner, \
            COALESCE((SELECT string_agg(DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' \
                    ELSE pg_get_userbyid(grantee)::text END, ' ') \
                FROM aclexplode(COALESCE(proacl, acldefault('f', proowner))) \
                WHERE grantee <> proowner), '') AS callers, \
            prosrc AS body, \
            prosecdef AND COALESCE(proconfig = ARRAY['search_path={SEARCH_PATH}'], FALSE) \
                AS is_bounded, \
            current_database()::text AS database, current_schema()::text AS schema, \
            {PASSAGES} AS passages, \
            COALESCE((SELECT string_agg(plugin, ' ') FROM plugin_logins), '') AS plugins \
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace \
        WHERE ({condition}) AND pg_get_function_identity_arguments(pg_proc.oid) IS NOT NULL"
    ))
}

/// Those of two names.
pub(super) fn named([inner, outer]: [&str; 2]) -> Query<PassageFunction> {
    let condition = format!("nspname = {PASSAGES} AND proname IN ($1, $2)");
    found(&condition).bind(inner).bind(outer)
}

/// All of them, and those of the kind that lie beside the tables.
pub(super) fn all() -> Query<PassageFunction> {
    found(&format!(
        "nspname = {PASSAGES} OR (nspname = current_schema() \
            AND proname ~ '^callboard_[0-9a-f]{{32}}_(inner|outer)$')"
    ))
}

/// The schema itself.
#[derive(Deserialize)]
pub(super) struct PassageSchema {
    pub(super) place: String,
    pub(super) owner: String,
    /// Whether it is another user's.
    pub(super) is_strange: bool,
    /// Whether everybody may look into it.
    pub(super) is_open: bool,
}

pub(super) fn schema() -> Query<PassageSchema> {
    Query::new(format!("{OPEN}{PASSAGES}"))
}

/// See to it that the schema is there, and callboard's.
pub(super) async fn make(transaction: &mut Transaction<'_>, name: &str) -> Result<(), StoreError> {
    let place = transaction.read_first(schema()).await?;
    let Some(place) = place else {
        let create = format!("CREATE SCHEMA {}", quoted(name));
        transaction.execute(Statement::new(create)).await?;
        return Ok(());
    };
    if !place.is_strange {
        return Ok(());
    }
    let message = format!(
        "the schema {name} is of `{}`: let its owner or a superuser remove it",
        place.owner
    );
    Err(StoreError::new(StoreErrorKind::Denied, message))
}
