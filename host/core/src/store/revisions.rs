//! `revisions`, `revision_files`, `blobs`, `activations`: immutable snapshots of a workspace,
//! and which of them is active.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Dialect, Store, StoreError, StoreErrorKind, Transaction, blobs, microseconds, timestamp,
};
use crate::inside::stays_inside;
use crate::shown;
use crate::value::{Row, Statement};

/// Contents by path.
type Files = BTreeMap<String, Vec<u8>>;

/// A snapshot of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revision {
    pub number: i64,
    /// What is in it; two revisions never have the same.
    pub digest: String,
    pub note: String,
    pub created_at: Timestamp,
    /// When it last became the active one, if it ever did.
    pub activated_at: Option<Timestamp>,
}

/// Paths that differ between two revisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// Only in the later one.
    pub added: Vec<String>,
    /// Only in the earlier one.
    pub removed: Vec<String>,
    /// In both, with another content.
    pub changed: Vec<String>,
}

const SELECT: &str = "SELECT r.id, r.digest, r.note, r.created_at, \
    (SELECT MAX(a.activated_at) FROM activations a WHERE a.revision = r.id) AS activated_at \
    FROM revisions r";
/// Fewer decimal digits are a number, and never the beginning of a digest.
const DIGITS_OF_A_DIGEST: usize = 7;
/// Characters of a path that an error quotes.
const PATH: usize = 200;
const ACTIVE: &str = "SELECT revision FROM activations ORDER BY id DESC LIMIT 1";

/// Store `files` as a revision and make it the active one, in one transaction. A revision
/// with the same digest is used again. Gives its number.
pub async fn save(
    store: &Store,
    files: Files,
    digest: &str,
    note: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let (digest, note) = (digest.to_owned(), note.to_owned());
    store
        .write(move |transaction| {
            Box::pin(async move {
                lock(transaction).await?;
                let known = number_of(transaction, &digest).await?;
                let number = match known {
                    Some(number) => number,
                    None => insert(transaction, files, digest, (note, now)).await?,
                };
                activate(transaction, number, "apply", now).await?;
                Ok(number)
            })
        })
        .await
}

/// Make an older revision the active one.
pub async fn rollback(store: &Store, number: i64, now: Timestamp) -> Result<(), StoreError> {
    store
        .write(move |transaction| {
            Box::pin(async move {
                lock(transaction).await?;
                let exists = Statement::new("SELECT id FROM revisions WHERE id = $1").bind(number);
                if transaction.query(exists).await?.rows.is_empty() {
                    return Err(unknown(&number.to_string()));
                }
                activate(transaction, number, "rollback", now).await
            })
        })
        .await
}

/// The active revision; `None` before the first one is applied.
pub async fn active(store: &Store) -> Result<Option<Revision>, StoreError> {
    let sql = format!("{SELECT} WHERE r.id = ({ACTIVE})");
    let rows = store.query(Statement::new(sql)).await?;
    rows.first().map(revision).transpose()
}

/// The digest of a revision; empty if there is no such revision.
pub async fn digest(store: &Store, number: i64) -> Result<String, StoreError> {
    let sql = "SELECT digest FROM revisions WHERE id = $1";
    let rows = store.query(Statement::new(sql).bind(number)).await?;
    let digest = rows.first().map(|row| row.text("digest")).transpose()?;
    Ok(digest.unwrap_or_default())
}

/// All revisions, newest first.
pub async fn list(store: &Store) -> Result<Vec<Revision>, StoreError> {
    let sql = format!("{SELECT} ORDER BY r.id DESC");
    let rows = store.query(Statement::new(sql)).await?;
    rows.iter().map(revision).collect()
}

/// The revision of a number, or of the first digits of a digest. The error says that there
/// is none, or that there are several.
pub async fn find(store: &Store, wanted: &str) -> Result<Revision, StoreError> {
    if let Ok(number) = wanted.parse::<i64>() {
        let sql = Statement::new(format!("{SELECT} WHERE r.id = $1")).bind(number);
        if let Some(row) = store.query(sql).await?.first() {
            return revision(row);
        }
        // A number that is none begins a digest by chance only.
        if wanted.len() < DIGITS_OF_A_DIGEST {
            return Err(unknown(wanted));
        }
    }
    if wanted.is_empty() || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(unknown(wanted));
    }
    let pattern = format!("{}%", wanted.to_ascii_lowercase());
    let sql = Statement::new(format!("{SELECT} WHERE r.digest LIKE $1 ORDER BY r.id"));
    let rows = store.query(sql.bind(pattern)).await?;
    let found = rows.iter().map(revision).collect::<Result<Vec<_>, _>>()?;
    match <[Revision; 1]>::try_from(found) {
        Ok([revision]) => Ok(revision),
        Err(none) if none.is_empty() => Err(unknown(wanted)),
        Err(several) => Err(ambiguous(wanted, &several)),
    }
}

/// The files of a revision; empty if there is no such revision.
pub async fn files(store: &Store, number: i64) -> Result<Files, StoreError> {
    let sql = "SELECT f.path, f.digest, b.content FROM revision_files f \
        JOIN blobs b ON b.digest = f.digest WHERE f.revision = $1";
    let rows = store.query(Statement::new(sql).bind(number)).await?;
    let pair = |row: Row<'_>| {
        let path = path(row)?;
        let content = blobs::verified(&row.text("digest")?, row.blob("content")?);
        Ok((path.clone(), content.map_err(|error| about(&path, error))?))
    };
    rows.iter().map(pair).collect()
}

/// The path of a file of a revision, which stays in its folder wherever it is written.
fn path(row: Row<'_>) -> Result<String, StoreError> {
    let path = row.text("path")?;
    if stays_inside(&path) {
        return Ok(path);
    }
    let text =
        "its path leads out of its folder: somebody changed it in the database; restore a backup";
    Err(about(
        &path,
        StoreError::new(StoreErrorKind::Unstorable, text),
    ))
}

/// An error about a file of a revision.
fn about(path: &str, error: StoreError) -> StoreError {
    let path = shown::cut(path, PATH);
    let message = format!(
        "the revision's file `{path}` cannot be read: {}",
        error.message
    );
    StoreError { message, ..error }
}

/// What a revision says: its files but for the components of plugins, and of those path and
/// digest. A component is large, and read when a guest is called: see [`content`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub files: Files,
    pub components: BTreeMap<String, String>,
}

/// What a revision says; empty if there is no such revision.
pub async fn said(store: &Store, number: i64) -> Result<Said, StoreError> {
    // Beside manifest and contracts, a plugin's folder has nothing but its component.
    let sql = "SELECT f.path, f.digest, b.content FROM revision_files f \
        LEFT JOIN blobs b ON b.digest = f.digest AND (f.path NOT LIKE 'plugins/%' \
            OR f.path LIKE '%/plugin.toml' OR f.path LIKE '%/contracts.json') \
        WHERE f.revision = $1";
    let rows = store.query(Statement::new(sql).bind(number)).await?;
    let mut said = Said::default();
    for row in rows.iter() {
        let (path, digest) = (path(row)?, row.text("digest")?);
        match row.optional_blob("content")? {
            Some(content) => {
                let content = blobs::verified(&digest, content);
                let content = content.map_err(|error| about(&path, error))?;
                said.files.insert(path, content);
            }
            None => drop(said.components.insert(path, digest)),
        }
    }
    Ok(said)
}

/// What is wrong with the components of a revision, which are read when a guest is called.
pub async fn damaged(store: &Store, number: i64) -> Result<Vec<StoreError>, StoreError> {
    let mut damaged = Vec::new();
    for (path, digest) in said(store, number).await?.components {
        let path = path.as_str();
        match content(store, &digest).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                let gone =
                    StoreError::new(StoreErrorKind::Unstorable, "it is gone; restore a backup");
                damaged.push(about(path, gone));
            }
            Err(error) if error.kind == StoreErrorKind::Unstorable => {
                damaged.push(about(path, error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(damaged)
}

/// The content of a digest, which it is in truth; `None` if nothing has it.
pub async fn content(store: &Store, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT content FROM blobs WHERE digest = $1";
    let rows = store.query(Statement::new(sql).bind(digest)).await?;
    let content = rows.first().map(|row| row.blob("content")).transpose()?;
    content
        .map(|content| blobs::verified(digest, content))
        .transpose()
}

/// Remove revisions but for the `keep` latest, the active one and those that a run refers to,
/// open or in the history, and contents that nothing refers to any more. Gives how many
/// revisions were removed.
pub async fn prune(store: &Store, keep: u32) -> Result<u64, StoreError> {
    let removed = store
        .write(move |transaction| Box::pin(prune_in(transaction, keep)))
        .await?;
    if removed > 0 {
        blobs::sweep(store).await?;
    }
    Ok(removed)
}

async fn prune_in(transaction: &mut Transaction<'_>, keep: u32) -> Result<u64, StoreError> {
    lock(transaction).await?;
    let sql = format!(
        "SELECT id FROM revisions r WHERE r.id <> COALESCE(({ACTIVE}), 0) \
            AND r.id NOT IN (SELECT id FROM revisions ORDER BY id DESC LIMIT $1) \
            AND NOT EXISTS (SELECT 1 FROM open_runs o WHERE o.revision = r.id) \
            AND NOT EXISTS (SELECT 1 FROM history h WHERE h.revision = r.id)"
    );
    let rows = transaction
        .query(Statement::new(sql).bind(keep.max(1)))
        .await?;
    let unused: Vec<i64> = rows
        .iter()
        .map(|row| row.integer("id"))
        .collect::<Result<_, _>>()?;
    for number in &unused {
        for (table, column) in [
            ("activations", "revision"),
            ("revision_files", "revision"),
            ("revisions", "id"),
        ] {
            let sql = format!("DELETE FROM {table} WHERE {column} = $1");
            transaction
                .execute(Statement::new(sql).bind(*number))
                .await?;
        }
    }
    Ok(unused.len() as u64)
}

/// What differs from revision `before` to revision `after`.
pub async fn diff(store: &Store, before: i64, after: i64) -> Result<Difference, StoreError> {
    let before = digests(store, before).await?;
    let after = digests(store, after).await?;
    let only = |these: &BTreeMap<String, String>, those: &BTreeMap<String, String>| {
        let only = these.keys().filter(|path| !those.contains_key(*path));
        only.cloned().collect()
    };
    let changed = before
        .iter()
        .filter(|(path, digest)| after.get(*path).is_some_and(|other| other != *digest));
    Ok(Difference {
        added: only(&after, &before),
        removed: only(&before, &after),
        changed: changed.map(|(path, _)| path.clone()).collect(),
    })
}

/// Keep other processes from taking the same number. A file database has
/// one writer anyway.
async fn lock(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    if transaction.dialect() == Dialect::Postgres {
        let sql = "LOCK TABLE revisions, activations IN SHARE ROW EXCLUSIVE MODE";
        transaction.execute(Statement::new(sql)).await?;
    }
    Ok(())
}

async fn number_of(
    transaction: &mut Transaction<'_>,
    digest: &str,
) -> Result<Option<i64>, StoreError> {
    let sql = Statement::new("SELECT id FROM revisions WHERE digest = $1").bind(digest);
    let rows = transaction.query(sql).await?;
    let number = rows.first().map(|row| row.integer("id")).transpose()?;
    Ok(number)
}

async fn insert(
    transaction: &mut Transaction<'_>,
    files: Files,
    digest: String,
    (note, now): (String, Timestamp),
) -> Result<i64, StoreError> {
    let number = next(
        transaction,
        "SELECT COALESCE(MAX(id), 0) + 1 AS id FROM revisions",
    )
    .await?;
    let sql = "INSERT INTO revisions (id, digest, note, created_at) VALUES ($1, $2, $3, $4)";
    let row = Statement::new(sql).bind(number).bind(digest).bind(note);
    transaction.execute(row.bind(microseconds(now))).await?;
    for (path, content) in files {
        let digest = blobs::digest_of(&content);
        let blob = blobs::insert(&digest, content, transaction.dialect());
        transaction.execute(blob).await?;
        let file = "INSERT INTO revision_files (revision, path, digest) VALUES ($1, $2, $3)";
        transaction
            .execute(Statement::new(file).bind(number).bind(path).bind(digest))
            .await?;
    }
    Ok(number)
}

/// Make a revision active, unless it is.
async fn activate(
    transaction: &mut Transaction<'_>,
    number: i64,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = transaction.query(Statement::new(ACTIVE)).await?;
    let active = rows
        .first()
        .map(|row| row.integer("revision"))
        .transpose()?;
    if active == Some(number) {
        return Ok(());
    }
    let id = next(
        transaction,
        "SELECT COALESCE(MAX(id), 0) + 1 AS id FROM activations",
    )
    .await?;
    let sql =
        "INSERT INTO activations (id, revision, reason, activated_at) VALUES ($1, $2, $3, $4)";
    let row = Statement::new(sql).bind(id).bind(number).bind(reason);
    transaction.execute(row.bind(microseconds(now))).await?;
    Ok(())
}

async fn next(transaction: &mut Transaction<'_>, sql: &'static str) -> Result<i64, StoreError> {
    let rows = transaction.query(Statement::new(sql)).await?;
    let row = rows
        .first()
        .ok_or_else(|| StoreError::internal("no next number"))?;
    Ok(row.integer("id")?)
}

async fn digests(store: &Store, number: i64) -> Result<BTreeMap<String, String>, StoreError> {
    let sql = "SELECT path, digest FROM revision_files WHERE revision = $1";
    let rows = store.query(Statement::new(sql).bind(number)).await?;
    let pair = |row: Row<'_>| Ok((row.text("path")?, row.text("digest")?));
    rows.iter().map(pair).collect()
}

fn revision(row: Row<'_>) -> Result<Revision, StoreError> {
    Ok(Revision {
        number: row.integer("id")?,
        digest: row.text("digest")?,
        note: row.text("note")?,
        created_at: timestamp(row.integer("created_at")?),
        activated_at: row.optional_integer("activated_at")?.map(timestamp),
    })
}

fn unknown(wanted: &str) -> StoreError {
    let message = format!(
        "there is no revision `{wanted}`; `callboard revisions list` names those there are"
    );
    StoreError::new(StoreErrorKind::Statement, message)
}

fn ambiguous(wanted: &str, several: &[Revision]) -> StoreError {
    let numbers: Vec<_> = several
        .iter()
        .map(|found| found.number.to_string())
        .collect();
    let message = format!(
        "`{wanted}` begins the digests of revisions {}; write a number",
        numbers.join(", ")
    );
    StoreError::new(StoreErrorKind::Statement, message)
}

#[cfg(test)]
mod tests;
