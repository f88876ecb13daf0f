//! Bring a schema up to date: numbered scripts, each applied once, all under one lock.

use sha2::{Digest, Sha256};

use super::{Dialect, StoreError, StoreErrorKind, Transaction};
use crate::settings::hex;
use crate::value::Statement;

struct Migration {
    number: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

const MIGRATIONS: [Migration; 2] = [
    Migration {
        number: 1,
        sqlite: include_str!("../../migrations/sqlite/0001_initial.sql"),
        postgres: include_str!("../../migrations/postgres/0001_initial.sql"),
    },
    Migration {
        number: 2,
        sqlite: include_str!("../../migrations/sqlite/0002_suspects.sql"),
        postgres: include_str!("../../migrations/postgres/0002_suspects.sql"),
    },
];

impl Migration {
    fn script(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

fn digest(script: &str) -> String {
    hex(&Sha256::digest(script))
}

/// The table of what is applied.
pub(super) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, digest TEXT NOT NULL)";

/// Apply what is missing. The caller holds the lock and commits the transaction.
pub(super) async fn run(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(Statement::new(TABLE)).await?;
    let rows = transaction
        .query(Statement::new("SELECT number, digest FROM migrations"))
        .await?;
    let mut applied = Vec::new();
    for row in rows.iter() {
        applied.push((row.integer("number")?, row.text("digest")?));
    }
    refuse_unknown(&applied)?;
    for migration in &MIGRATIONS {
        let script = migration.script(transaction.dialect());
        let digest = digest(script);
        match applied
            .iter()
            .find(|(number, _)| *number == migration.number)
        {
            Some((_, known)) if *known == digest => {}
            Some(_) => return Err(changed(migration.number)),
            None => apply(transaction, migration.number, script, digest).await?,
        }
    }
    Ok(())
}

/// Whether everything is applied already; changes nothing.
pub(super) async fn look(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    let select = Statement::new("SELECT number, digest FROM migrations");
    let rows = transaction.query(select).await;
    let rows = rows.map_err(|error| match error.kind {
        StoreErrorKind::Statement => missing(),
        _ => error,
    })?;
    let mut applied = Vec::new();
    for row in rows.iter() {
        applied.push((row.integer("number")?, row.text("digest")?));
    }
    refuse_unknown(&applied)?;
    for migration in &MIGRATIONS {
        let digest = digest(migration.script(transaction.dialect()));
        let known = applied
            .iter()
            .find(|(number, _)| *number == migration.number);
        match known {
            Some((_, known)) if *known == digest => {}
            Some(_) => return Err(changed(migration.number)),
            None => return Err(missing()),
        }
    }
    Ok(())
}

fn missing() -> StoreError {
    StoreError::new(
        StoreErrorKind::Schema,
        "its schema is not the one of this program yet; any other command, such as \
         `callboard runs list`, brings it up to date",
    )
}

async fn apply(
    transaction: &mut Transaction<'_>,
    number: i64,
    script: &'static str,
    digest: String,
) -> Result<(), StoreError> {
    transaction.script(script).await?;
    let record = Statement::new("INSERT INTO migrations (number, digest) VALUES ($1, $2)");
    transaction
        .execute(record.bind(number).bind(digest))
        .await?;
    Ok(())
}

fn refuse_unknown(applied: &[(i64, String)]) -> Result<(), StoreError> {
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.number);
    match applied.iter().find(|(number, _)| *number > newest) {
        None => Ok(()),
        Some((number, _)) => Err(StoreError::new(
            StoreErrorKind::Schema,
            format!(
                "the database has schema {number} and this program knows {newest}; run a newer callboard"
            ),
        )),
    }
}

fn changed(number: i64) -> StoreError {
    StoreError::new(
        StoreErrorKind::Schema,
        format!(
            "the database was made with another text of migration {number}; it belongs to another build of callboard"
        ),
    )
}
