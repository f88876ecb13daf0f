//! What the user of a PostgreSQL database may do with its tables: a right that is missing on one of the
//! host's own, as after a part of a dump was restored by somebody else, is told with who owns the table and
//! the statement that mends it.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::{Backend, Dialect, Store, StoreError, StoreErrorKind, postgres};
use crate::schema;
use crate::value::{Query, Statement};

/// The tables of which the user lacks a right. Nothing is written to a view, and to the list of migrations
/// only by who makes the tables.
const LACKING: &str = "SELECT name, called, owner, who, is_owner, lacks FROM ( \
        SELECT relname::text AS name, quote_ident(relname) AS called, \
            quote_ident(pg_get_userbyid(relowner)) AS owner, quote_ident(current_user) AS who, \
            pg_has_role(relowner, 'USAGE') AS is_owner, \
            (SELECT string_agg(verb, ', ' ORDER BY place) \
                FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY \
                    AS verbs (verb, place) \
                WHERE (place = 1 OR (relkind IN ('r', 'p') AND relname <> 'migrations')) \
                    AND NOT has_table_privilege(pg_class.oid, verb)) AS lacks \
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
        WHERE nspname = current_schema() AND relkind IN ('r', 'p', 'v', 'm', 'f')) AS tables \
    WHERE lacks IS NOT NULL ORDER BY name";

#[derive(Debug, Clone, Deserialize)]
struct Found {
    name: String,
    /// The same as a statement has it, as the others are.
    called: String,
    owner: String,
    who: String,
    is_owner: bool,
    lacks: String,
}

/// Tables on which the user of the database lacks the same rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRights {
    tables: Vec<String>,
    owner: String,
    who: String,
    is_owner: bool,
    lacks: String,
}

impl MissingRights {
    fn of(found: Found) -> Self {
        Self {
            tables: vec![found.called],
            owner: found.owner,
            who: found.who,
            is_owner: found.is_owner,
            lacks: found.lacks,
        }
    }

    /// Those that lack the same together, of the host and its tenants.
    fn gathered(found: Vec<Found>) -> Vec<Self> {
        let mut gathered: Vec<Self> = Vec::new();
        for found in found.into_iter().filter(|it| schema::is_made(&it.name)) {
            let mut one = Self::of(found);
            let same = |it: &&mut Self| (&it.owner, &it.lacks) == (&one.owner, &one.lacks);
            match gathered.iter_mut().find(same) {
                Some(known) => known.tables.append(&mut one.tables),
                None => gathered.push(one),
            }
        }
        gathered
    }

    /// What is wrong.
    pub fn problem(&self) -> String {
        let Self {
            owner, who, lacks, ..
        } = self;
        let names: Vec<_> = self.tables.iter().map(|it| format!("`{it}`")).collect();
        let (tables, belong) = match names.as_slice() {
            [one] => (format!("table {one}"), "belongs"),
            all => (format!("tables {}", all.join(", ")), "belong"),
        };
        if self.is_owner {
            return format!("`{who}` lacks {lacks} on {tables}");
        }
        format!("{tables} {belong} to `{owner}`, and `{who}` lacks {lacks} there")
    }

    /// What to do about it, and as whom.
    pub fn mend(&self) -> String {
        let Self {
            owner, who, lacks, ..
        } = self;
        if self.is_owner {
            let tables = self.tables.join(", ");
            return format!("in the database, `GRANT {lacks} ON {tables} TO {who}`");
        }
        let each = self.tables.iter();
        let each: Vec<_> = each
            .map(|table| format!("ALTER TABLE {table} OWNER TO {who}"))
            .collect();
        format!(
            "in the database, as `{owner}` or a superuser, `{}`",
            each.join("; ")
        )
    }

    fn refused(&self) -> StoreError {
        let message = format!("{}; {}", self.problem(), self.mend());
        StoreError::new(StoreErrorKind::Denied, message)
    }

    /// Whether words of the server are about one of its tables.
    fn is_meant_by(&self, message: &str) -> bool {
        let words = |letter: char| !(letter.is_alphanumeric() || letter == '_');
        let is_named = |table: &String| message.split(words).any(|word| word == table);
        self.tables.iter().any(is_named)
    }
}

impl Store {
    /// The rights that the user of the database lacks on tables of the host and its tenants.
    pub async fn lacking(&self) -> Result<Vec<MissingRights>, StoreError> {
        Ok(MissingRights::gathered(self.lacks().await?))
    }

    /// Tables of the schema with what cannot be done with each: those that may not be read, and of the
    /// tenants' also those in which something else may not be done.
    pub async fn denied_tables(&self) -> Result<BTreeMap<String, MissingRights>, StoreError> {
        let found = self.lacks().await?.into_iter();
        let denied = found.filter(|it| schema::is_made(&it.name) || it.lacks.contains("SELECT"));
        Ok(denied
            .map(|it| (it.name.clone(), MissingRights::of(it)))
            .collect())
    }

    async fn lacks(&self) -> Result<Vec<Found>, StoreError> {
        match self.dialect() {
            Dialect::Sqlite => Ok(Vec::new()),
            Dialect::Postgres => self.read(Query::new(LACKING)).await,
        }
    }

    /// Refused if the user lacks a right on a table of the host or a tenant.
    pub(super) async fn has_its_rights(&self) -> Result<(), StoreError> {
        let lacking = self.lacking().await?;
        lacking.first().map_or(Ok(()), |one| Err(one.refused()))
    }

    /// An answer as it is told, and remembered if it is of a damage.
    pub(super) async fn noted<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        match self.condition.noted(answer) {
            Err(error) if error.kind == StoreErrorKind::Denied => Err(self.explained(error).await),
            answer => answer,
        }
    }

    /// A refusal of the server with the right that is missing, if one is on the table that it is about.
    fn explained(&self, error: StoreError) -> BoxFuture<'_, StoreError> {
        Box::pin(async move {
            let Backend::Postgres(server) = self.backend() else {
                return error;
            };
            let found = server.query(Statement::new(LACKING), super::ReadLimit::HOST);
            match found.await.and_then(|rows| Ok(rows.read()?)) {
                Ok(found) => explained(found, error),
                Err(problem) => {
                    tracing::debug!(%problem, "which right is missing is not known");
                    error
                }
            }
        })
    }
}

fn explained(found: Vec<Found>, error: StoreError) -> StoreError {
    let lacking = MissingRights::gathered(found);
    let meant = lacking.iter().find(|it| it.is_meant_by(&error.message));
    meant.map_or(error, MissingRights::refused)
}

/// The same of the database at an address, whatever its schema is.
pub async fn lacking(url: &str) -> Result<Vec<MissingRights>, StoreError> {
    if !matches!(super::kind(url)?, super::DatabaseAddress::Postgres) {
        return Ok(Vec::new());
    }
    let rows = postgres::ask(url, Statement::new(LACKING)).await?;
    Ok(MissingRights::gathered(rows.read()?))
}

/// A refusal at an address that is not opened yet.
pub(super) async fn explained_at(url: &str, error: StoreError) -> StoreError {
    if error.kind != StoreErrorKind::Denied {
        return error;
    }
    let rows = postgres::ask(url, Statement::new(LACKING)).await;
    match rows.and_then(|rows| Ok(rows.read()?)) {
        Ok(found) => explained(found, error),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, owner: &str, lacks: &str) -> Found {
        Found {
            name: name.to_owned(),
            called: name.to_owned(),
            owner: owner.to_owned(),
            who: "cc".to_owned(),
            is_owner: owner == "cc",
            lacks: lacks.to_owned(),
        }
    }

    #[test]
    fn what_is_missing_is_told_with_its_mend() {
        let all = MissingRights::gathered(vec![
            found("blobs", "cc", "INSERT"),
            found("locks", "cc", "INSERT"),
            found("migrations", "ann", "SELECT"),
            found("of_somebody", "ann", "SELECT"),
        ]);
        let said: Vec<_> = all.iter().map(|it| it.refused().message).collect();
        let expected = [
            "`cc` lacks INSERT on tables `blobs`, `locks`; in the database, `GRANT INSERT ON blobs, \
             locks TO cc`",
            "table `migrations` belongs to `ann`, and `cc` lacks SELECT there; in the database, as \
             `ann` or a superuser, `ALTER TABLE migrations OWNER TO cc`",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_refusal_is_about_the_table_that_it_names() {
        let found = || vec![found("locks", "ann", "INSERT")];
        let told = |message: &str| {
            let error = StoreError::new(StoreErrorKind::Denied, message);
            explained(found(), error).message
        };
        assert!(told("keine Berechtigung für Tabelle locks").contains("OWNER TO cc"));
        for other in ["permission denied for table padlocks", "it may not"] {
            assert_eq!(told(other), other);
        }
    }
}
