//! Bring a schema up to date: the host's scripts and those of its tenants, numbered, each applied
//! once, all under one lock.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Dialect, Store, StoreError, StoreErrorKind, Transaction};
use crate::schema::{self, Scripts};
use crate::settings::hex;
use crate::value::{Rows, Statement};

/// The digest of what was applied, by owner and number.
type AppliedDigests = BTreeMap<(String, i64), String>;

/// Where a script stands.
enum ScriptState {
    Applied,
    Missing { text: String, digest: String },
}

impl Store {
    /// Whether the schema still is the one of this program: another may have changed it since.
    pub async fn has_its_schema(&self) -> Result<(), StoreError> {
        let applied = self.query(applied()).await?;
        compare(&applied, self.dialect())
    }
}

/// Apply what is missing. The caller holds the lock and commits the transaction.
pub(super) async fn run(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(Statement::new(schema::APPLIED)).await?;
    let rows = transaction.query(applied()).await?;
    for (owner, number, state) in states(&rows, transaction.dialect())? {
        if let ScriptState::Missing { text, digest } = state {
            transaction.script(text).await?;
            let sql = "INSERT INTO migrations (owner, number, digest) VALUES ($1, $2, $3)";
            let record = Statement::new(sql).bind(owner).bind(number).bind(digest);
            transaction.execute(record).await?;
        }
    }
    Ok(())
}

/// Whether everything is applied already; changes nothing.
pub(super) async fn inspect(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    let rows = transaction.query(applied()).await;
    let rows = rows.map_err(|error| match error.kind {
        StoreErrorKind::Statement => missing(),
        _ => error,
    })?;
    compare(&rows, transaction.dialect())
}

/// Selects what [`compare`] compares.
fn applied() -> Statement {
    Statement::new("SELECT owner, number, digest FROM migrations")
}

/// Whether what is applied is what this program knows, all of it and nothing else.
fn compare(rows: &Rows, dialect: Dialect) -> Result<(), StoreError> {
    let states = states(rows, dialect)?;
    let is_missing =
        |(_, _, state): &(_, _, ScriptState)| matches!(state, ScriptState::Missing { .. });
    if states.iter().any(is_missing) {
        return Err(missing());
    }
    Ok(())
}

fn read(rows: &Rows) -> Result<AppliedDigests, StoreError> {
    let applied = rows.read::<(String, i64, String)>()?.into_iter();
    Ok(applied
        .map(|(owner, number, digest)| ((owner, number), digest))
        .collect())
}

/// Each script of this program, in the order in which they are applied. Refused if the database
/// has others.
fn states(
    rows: &Rows,
    dialect: Dialect,
) -> Result<Vec<(&'static str, i64, ScriptState)>, StoreError> {
    let (applied, scripts) = (read(rows)?, schema::scripts());
    refuse_unknown(&applied, &scripts)?;
    let mut states = Vec::new();
    for Scripts { owner, migrations } in scripts {
        for migration in migrations {
            let text = migration.script(&dialect.to_string());
            let digest = hex(&Sha256::digest(&text));
            let number = migration.number;
            let state = match applied.get(&(owner.to_owned(), number)) {
                Some(known) if *known == digest => ScriptState::Applied,
                Some(_) => return Err(changed(owner, number)),
                None => ScriptState::Missing { text, digest },
            };
            states.push((owner, number, state));
        }
    }
    Ok(states)
}

fn missing() -> StoreError {
    StoreError::new(
        StoreErrorKind::Absent,
        "its schema is not the one of this program yet; `callboard apply` makes it, or brings it \
         up to date",
    )
}

fn refuse_unknown(applied: &AppliedDigests, scripts: &[Scripts]) -> Result<(), StoreError> {
    let newest = |owner: &str| {
        let known = scripts.iter().find(|scripts| scripts.owner == owner);
        known.and_then(|known| known.migrations.last())
    };
    for (owner, number) in applied.keys() {
        let known = newest(owner).map_or(0, |migration| migration.number);
        if *number > known {
            return Err(StoreError::new(
                StoreErrorKind::Schema,
                format!(
                    "the database has schema {number} of {owner} and this program knows {known}; run a newer callboard"
                ),
            ));
        }
    }
    Ok(())
}

fn changed(owner: &str, number: i64) -> StoreError {
    StoreError::new(
        StoreErrorKind::Schema,
        format!(
            "the database was made with another text of migration {number} of {owner}; it belongs to another build of callboard: \
             work on with that one, or move the database away (or name another with \
             `--database`) and begin anew with `callboard apply`"
        ),
    )
}
