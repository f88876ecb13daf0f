//! Bring a schema up to date: numbered scripts, each applied once, all under one lock.

use sha2::{Digest, Sha256};

use super::{Dialect, StoreError, StoreErrorKind, Transaction};
use crate::schema::{self, MIGRATIONS, Migration};
use crate::settings::hex;
use crate::value::{Rows, Statement};

fn script(migration: &Migration, dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => migration.sqlite,
        Dialect::Postgres => migration.postgres,
    }
}

fn digest(script: &str) -> String {
    hex(&Sha256::digest(script))
}

/// Apply what is missing. The caller holds the lock and commits the transaction.
pub(super) async fn run(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(Statement::new(schema::APPLIED)).await?;
    let rows = transaction.query(applied()).await?;
    let mut found = Vec::new();
    for row in rows.iter() {
        found.push((row.integer("number")?, row.text("digest")?));
    }
    refuse_unknown(&found)?;
    for migration in &MIGRATIONS {
        let text = script(migration, transaction.dialect());
        let digest = digest(text);
        let known = found.iter().find(|(number, _)| *number == migration.number);
        match known {
            Some((_, known)) if *known == digest => {}
            Some(_) => return Err(changed(migration.number)),
            None => apply(transaction, migration.number, text, digest).await?,
        }
    }
    Ok(())
}

/// Whether everything is applied already; changes nothing.
pub(super) async fn look(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    let rows = transaction.query(applied()).await;
    let rows = rows.map_err(|error| match error.kind {
        StoreErrorKind::Statement => missing(),
        _ => error,
    })?;
    compare(&rows, transaction.dialect())
}

/// Selects what [`compare`] compares.
pub(super) fn applied() -> Statement {
    Statement::new("SELECT number, digest FROM migrations")
}

/// Whether what is applied is what this program knows, all of it and nothing else.
pub(super) fn compare(rows: &Rows, dialect: Dialect) -> Result<(), StoreError> {
    let mut applied = Vec::new();
    for row in rows.iter() {
        applied.push((row.integer("number")?, row.text("digest")?));
    }
    refuse_unknown(&applied)?;
    for migration in &MIGRATIONS {
        let digest = digest(script(migration, dialect));
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
