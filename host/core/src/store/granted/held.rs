//! What the role of a plugin holds: to find it as it should be takes two questions, to make it
//! so changes the catalog of the database and lets one transaction in at a time.

use std::collections::BTreeMap;

use super::login;
use super::passage::Passage;
use super::role::Login;
use crate::grants::{Grants, Verb};
use crate::store::{Dialect, StoreError, Transaction, batch};
use crate::value::{Row, Statement};

/// A role that is there, is `plugin`'s, and may look into its schema.
const KNOWN: &str = "SELECT 1 AS one FROM plugin_logins \
    JOIN pg_roles ON pg_roles.rolname = plugin_logins.role \
    WHERE plugin = $1 AND role = $2 AND has_schema_privilege(pg_roles.oid, $3, 'USAGE')";

/// Whether the role is there, holds exactly what is granted, and has its passage.
pub(super) async fn is_as_granted(
    transaction: &mut Transaction<'_>,
    plugin: &str,
    login: &Login,
    grants: &Grants,
) -> Result<bool, StoreError> {
    let (role, schema) = (login.role.as_str(), login.schema.as_str());
    let known = Statement::new(KNOWN).bind(plugin).bind(role).bind(schema);
    if transaction.query(known).await?.first().is_none()
        || !Passage::of(login).is_there(transaction).await?
    {
        return Ok(false);
    }
    let wanted = wanted(grants);
    let relations = Statement::new(relations(transaction.dialect()))
        .bind(batch::rows(&wanted.keys().collect::<Vec<_>>())?)
        .bind(role)
        .bind(schema);
    for relation in transaction.query(relations).await?.iter() {
        if !as_wanted(relation, &wanted)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The verbs of each table, as the database sorts and writes them.
fn wanted(grants: &Grants) -> BTreeMap<&str, String> {
    let mut verbs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for table in &grants.db {
        let names = login::granted(table).map(Verb::as_str);
        verbs.entry(&table.table).or_default().extend(names);
    }
    verbs.retain(|_, verbs| !verbs.is_empty());
    let written = verbs.into_iter().map(|(table, mut verbs)| {
        verbs.sort_unstable();
        verbs.dedup();
        (table, verbs.join(" "))
    });
    written.collect()
}

/// What is granted to the role `$2` in the schema `$3`, and the tables named in `$1`.
fn relations(dialect: Dialect) -> String {
    let named = batch::ids(dialect);
    format!(
        "SELECT relation.relname::text AS name, relation.relkind IN ('r', 'p') AS is_table, \
            COALESCE(held.verbs, '') AS verbs \
        FROM pg_class AS relation LEFT JOIN LATERAL ( \
            SELECT string_agg(lower(entry.privilege_type), ' ' \
                ORDER BY lower(entry.privilege_type) COLLATE \"C\") AS verbs \
            FROM aclexplode(relation.relacl) AS entry \
            JOIN pg_roles ON pg_roles.oid = entry.grantee \
            WHERE pg_roles.rolname = $2) AS held ON TRUE \
        WHERE relation.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $3) \
            AND (held.verbs IS NOT NULL OR relation.relname IN ({named}))"
    )
}

fn as_wanted(relation: Row<'_>, wanted: &BTreeMap<&str, String>) -> Result<bool, StoreError> {
    let (name, is_table, verbs): (&str, bool, &str) = relation.read()?;
    let wanted = wanted.get(name).filter(|_| is_table);
    Ok(verbs == wanted.map_or("", String::as_str))
}
