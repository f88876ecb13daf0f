//! `revisions`, `revision_files`, `blobs`, `activations`: immutable snapshots of a workspace,
//! and which of them is active.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::setting_changes::{self, CarryOver, SettingChange};
use super::{Dialect, Store, StoreError, StoreErrorKind, Transaction, blobs, settings};
use crate::relative_path::stays_inside;
use crate::shown;
use crate::value::form::{Blob, micros};
use crate::value::{Query, Statement};

/// Contents by path.
type StoredFiles = BTreeMap<String, Vec<u8>>;

/// A snapshot of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "revisions")]
pub struct Revision {
    #[serde(rename = "id")]
    pub number: i64,
    /// What is in it; two revisions never have the same.
    pub digest: String,
    pub note: String,
    #[serde(with = "micros")]
    pub created_at: Timestamp,
    /// When it last became the active one, if it ever did.
    #[serde(with = "micros")]
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
/// with the same digest is used again, and what was changed of it in the database is as it was.
/// Gives its number.
pub async fn save(
    store: &Store,
    files: StoredFiles,
    digest: &str,
    note: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let saved = save_with(store, (files, digest, note), now, |_, _, _| Vec::new());
    Ok(saved.await?.0)
}

/// The same with what becomes of the values of settings, in the same transaction: gives what did.
pub async fn save_with(
    store: &Store,
    (files, digest, note): (StoredFiles, &str, &str),
    now: Timestamp,
    carry: CarryOver,
) -> Result<(i64, Vec<SettingChange>), StoreError> {
    let (digest, note) = (digest.to_owned(), note.to_owned());
    store
        .write(move |transaction| {
            Box::pin(async move {
                lock(transaction).await?;
                let known = Query::new("SELECT id FROM revisions WHERE digest = $1");
                let known = transaction.read_first(known.bind(&digest)).await?;
                let number = match known {
                    Some(number) => number,
                    None => insert(transaction, digest, (note, now)).await?,
                };
                keep(transaction, number, files).await?;
                let changes = activate(transaction, (number, "apply"), now, carry).await?;
                Ok((number, changes))
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
                let exists = Query::<i64>::new("SELECT id FROM revisions WHERE id = $1");
                if transaction.read_first(exists.bind(number)).await?.is_none() {
                    return Err(unknown(&number.to_string()));
                }
                activate(transaction, (number, "rollback"), now, |_, _, _| Vec::new()).await?;
                Ok(())
            })
        })
        .await
}

/// The active revision; `None` before the first one is applied.
pub async fn active(store: &Store) -> Result<Option<Revision>, StoreError> {
    let sql = format!("{SELECT} WHERE r.id = ({ACTIVE})");
    store.read_first(Query::new(sql)).await
}

/// The digest of a revision; empty if there is no such revision.
pub async fn digest(store: &Store, number: i64) -> Result<String, StoreError> {
    let sql = "SELECT digest FROM revisions WHERE id = $1";
    let digest: Option<String> = store.read_first(Query::new(sql).bind(number)).await?;
    Ok(digest.unwrap_or_default())
}

/// All revisions, newest first.
pub async fn list(store: &Store) -> Result<Vec<Revision>, StoreError> {
    let sql = format!("{SELECT} ORDER BY r.id DESC");
    store.read(Query::new(sql)).await
}

/// The revision of a number, or of the first digits of a digest. The error says that there
/// is none, or that there are several.
pub async fn find(store: &Store, wanted: &str) -> Result<Revision, StoreError> {
    if let Ok(number) = wanted.parse::<i64>() {
        let query = Query::new(format!("{SELECT} WHERE r.id = $1")).bind(number);
        if let Some(revision) = store.read_first(query).await? {
            return Ok(revision);
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
    let query = Query::new(format!("{SELECT} WHERE r.digest LIKE $1 ORDER BY r.id"));
    let found: Vec<_> = store.read(query.bind(pattern)).await?;
    match <[Revision; 1]>::try_from(found) {
        Ok([revision]) => Ok(revision),
        Err(none) if none.is_empty() => Err(unknown(wanted)),
        Err(several) => Err(ambiguous(wanted, &several)),
    }
}

/// The files of a revision; empty if there is no such revision.
pub async fn files(store: &Store, number: i64) -> Result<StoredFiles, StoreError> {
    let sql = "SELECT f.path, f.digest, b.content FROM revision_files f \
        JOIN blobs b ON b.digest = f.digest WHERE f.revision = $1";
    let kept: Vec<(String, String, Blob)> = store.read(Query::new(sql).bind(number)).await?;
    let file = |(path, digest, Blob(content)): (String, String, Blob)| {
        let path = inside(path)?;
        let content = blobs::verified(&digest, content);
        let content = content.map_err(|error| about(&path, error))?;
        Ok((path, content))
    };
    kept.into_iter().map(file).collect()
}

/// The path of a file of a revision, which stays in its folder wherever it is written.
fn inside(path: String) -> Result<String, StoreError> {
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

/// A file of a revision whose content is not in the database.
fn gone(path: &str) -> StoreError {
    let text = "it is gone; apply the folder that it is of again, or restore a backup";
    about(path, StoreError::new(StoreErrorKind::Unstorable, text))
}

/// Beside manifest and contracts, a plugin's folder has nothing but its component.
fn is_component(path: &str) -> bool {
    let said = ["/plugin.toml", "/contracts.json"];
    path.starts_with("plugins/") && !said.iter().any(|end| path.ends_with(end))
}

/// What a revision says: its files but for the components of plugins, and of those path and
/// digest. A component is large, and read when a guest is called: see [`content`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevisionFiles {
    pub files: StoredFiles,
    pub components: BTreeMap<String, String>,
}

/// What a revision says; empty if there is no such revision.
pub async fn said(store: &Store, number: i64) -> Result<RevisionFiles, StoreError> {
    let sql = "SELECT f.path, f.digest, b.content FROM revision_files f \
        LEFT JOIN blobs b ON b.digest = f.digest AND (f.path NOT LIKE 'plugins/%' \
            OR f.path LIKE '%/plugin.toml' OR f.path LIKE '%/contracts.json') \
        WHERE f.revision = $1";
    let mut said = RevisionFiles::default();
    let kept: Vec<(String, String, Option<Blob>)> =
        store.read(Query::new(sql).bind(number)).await?;
    for (path, digest, content) in kept {
        let path = inside(path)?;
        match content {
            Some(Blob(content)) => {
                let content = blobs::verified(&digest, content);
                let content = content.map_err(|error| about(&path, error))?;
                said.files.insert(path, content);
            }
            None if is_component(&path) => drop(said.components.insert(path, digest)),
            None => return Err(gone(&path)),
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
            Ok(None) => damaged.push(gone(path)),
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
    let content = store.read_first(Query::new(sql).bind(digest)).await?;
    content
        .map(|Blob(content)| blobs::verified(digest, content))
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
    let unused: Vec<i64> = transaction.read(Query::new(sql).bind(keep.max(1))).await?;
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

async fn insert(
    transaction: &mut Transaction<'_>,
    digest: String,
    (note, now): (String, Timestamp),
) -> Result<i64, StoreError> {
    let next = Query::new("SELECT COALESCE(MAX(id), 0) + 1 FROM revisions");
    let number = transaction.read_one(next).await?;
    let revision = NewRevision {
        id: number,
        digest,
        note,
        created_at: now,
    };
    transaction.execute(Statement::insert(&revision)).await?;
    Ok(number)
}

/// These files and no other are those of a revision.
async fn keep(
    transaction: &mut Transaction<'_>,
    revision: i64,
    files: StoredFiles,
) -> Result<(), StoreError> {
    let former = Statement::new("DELETE FROM revision_files WHERE revision = $1").bind(revision);
    transaction.execute(former).await?;
    for (path, content) in files {
        let digest = blobs::digest_of(&content);
        transaction.execute(blobs::insert(&digest, content)).await?;
        let file = NewFile {
            revision,
            path,
            digest,
        };
        transaction.execute(Statement::insert(&file)).await?;
    }
    Ok(())
}

/// Make a revision active, unless it is.
async fn activate(
    transaction: &mut Transaction<'_>,
    (number, reason): (i64, &str),
    now: Timestamp,
    carry: CarryOver,
) -> Result<Vec<SettingChange>, StoreError> {
    let active: Option<i64> = transaction.read_first(Query::new(ACTIVE)).await?;
    if active != Some(number) {
        begin(transaction, (number, reason), now).await?;
    }
    let old = match active {
        Some(active) => declarations(transaction, active).await?,
        None => None,
    };
    let new = declarations(transaction, number).await?.unwrap_or_default();
    let stored = settings::list_in(transaction).await?;
    let wanted = carry(old.as_deref(), &new, &stored);
    setting_changes::change_in(transaction, wanted, now).await
}

async fn begin(
    transaction: &mut Transaction<'_>,
    (number, reason): (i64, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let next = Query::new("SELECT COALESCE(MAX(id), 0) + 1 FROM activations");
    let activation = Activation {
        id: transaction.read_one(next).await?,
        revision: number,
        reason,
        activated_at: now,
    };
    transaction.execute(Statement::insert(&activation)).await?;
    Ok(())
}

/// The file of a revision that declares settings, if it has one.
async fn declarations(
    transaction: &mut Transaction<'_>,
    number: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT b.content FROM revision_files f JOIN blobs b ON b.digest = f.digest \
        WHERE f.revision = $1 AND f.path = 'settings.toml'";
    let content: Option<Blob> = transaction.read_first(Query::new(sql).bind(number)).await?;
    Ok(content.map(|Blob(content)| content))
}

#[derive(Serialize)]
#[serde(rename = "revisions")]
struct NewRevision {
    id: i64,
    digest: String,
    note: String,
    #[serde(with = "micros")]
    created_at: Timestamp,
}

#[derive(Serialize)]
#[serde(rename = "revision_files")]
struct NewFile {
    revision: i64,
    path: String,
    digest: String,
}

#[derive(Serialize)]
#[serde(rename = "activations")]
struct Activation<'r> {
    id: i64,
    revision: i64,
    reason: &'r str,
    #[serde(with = "micros")]
    activated_at: Timestamp,
}

async fn digests(store: &Store, number: i64) -> Result<BTreeMap<String, String>, StoreError> {
    let sql = "SELECT path, digest FROM revision_files WHERE revision = $1";
    let digests = store.read(Query::new(sql).bind(number)).await?;
    Ok(digests.into_iter().collect())
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
