//! The role of a plugin on PostgreSQL: its name, and the names of what belongs to it.

use sha2::{Digest, Sha256};

use crate::settings::hex;
use crate::store::{StoreError, Transaction};
use crate::value::Query;

/// The name of the schema of their passages, which goes by that of the tables and not by that of the database.
pub(super) const PASSAGES: &str = "'callboard_passages_' \
    || left(encode(sha256(convert_to(current_schema()::text, 'UTF8')), 'hex'), 12)";

/// Whose rights a plugin has.
pub(super) struct Login {
    pub(super) role: String,
    /// Where the tables are.
    pub(super) schema: String,
    /// Where its functions are.
    pub(super) passages: String,
}

impl Login {
    pub(super) fn new(database: &str, schema: &str, passages: &str, plugin: &str) -> Self {
        Self {
            role: role_name(database, schema, plugin),
            schema: schema.to_owned(),
            passages: passages.to_owned(),
        }
    }

    /// The name of something that belongs to it, at most 63 bytes.
    pub(super) fn named(&self, what: &str) -> String {
        let digest = hex(&Sha256::digest(format!("{}/{}", self.schema, self.role)));
        format!("callboard_{}_{what}", &digest[..32])
    }
}

/// The role of a plugin of this database.
pub(super) async fn of_plugin(
    transaction: &mut Transaction<'_>,
    plugin: &str,
) -> Result<Login, StoreError> {
    let sql = format!(
        "SELECT current_database()::text AS database, current_schema()::text AS schema, \
            {PASSAGES} AS passages"
    );
    let (database, schema, passages): (String, String, String) =
        transaction.read_one(Query::new(sql)).await?;
    Ok(Login::new(&database, &schema, &passages, plugin))
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

/// A name as an identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
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
