//! `blobs`: contents by SHA-256, each kept once: files of revisions and large reports.

use sha2::{Digest, Sha256};

use super::{Store, StoreError, StoreErrorKind, Transaction, batch};
use crate::settings::hex;
use crate::value::{Query, Statement};

/// Contents that are removed in one transaction.
const BATCH: u32 = 500;

/// Keep a content under its digest. One that is there and is another, which somebody wrote past the
/// host, is replaced. The row is held until the transaction ends, so that [`prune_batch`] does not
/// take it away meanwhile; PostgreSQL locks a row that it does not change, too.
pub(super) fn insert(digest: &str, content: Vec<u8>) -> Statement {
    let sql = "INSERT INTO blobs (digest, content) VALUES ($1, $2) ON CONFLICT (digest) \
        DO UPDATE SET content = excluded.content WHERE blobs.content <> excluded.content";
    Statement::new(sql).bind(digest).bind(content)
}

/// The digest of a content.
pub(super) fn digest_of(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// A content that was read by its digest. Everything that is takes this way: whoever can write to a
/// database can put another content under a digest, and who trusts the digest would take it.
pub(super) fn verified(digest: &str, content: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if digest_of(&content) == digest {
        return Ok(content);
    }
    let text = "its content is not what its digest says: somebody changed it in the database; \
        apply the folder that it is of again, or restore a backup";
    Err(StoreError::new(StoreErrorKind::Unstorable, text))
}

/// What nothing refers to.
const UNUSED: &str = "digest NOT IN (SELECT digest FROM revision_files) \
    AND NOT EXISTS (SELECT 1 FROM stage_runs WHERE stage_runs.digest = blobs.digest)";

/// Remove every content that nothing refers to any more, one committed batch after another.
pub(super) async fn sweep(store: &Store) -> Result<(), StoreError> {
    let sweep = || store.write(|transaction| Box::pin(prune_batch(transaction)));
    while sweep().await? > 0 {}
    Ok(())
}

/// Remove contents that nothing refers to any more; gives how many.
async fn prune_batch(transaction: &mut Transaction<'_>) -> Result<u64, StoreError> {
    let dialect = transaction.dialect();
    let skip = batch::skip_locked(dialect);
    let unused = format!("SELECT digest FROM blobs WHERE {UNUSED} LIMIT $1 {skip}");
    let unused = Query::new(unused).bind(BATCH);
    let digests: Vec<String> = transaction.read(unused).await?;
    if digests.is_empty() {
        return Ok(0);
    }
    // Once more, now that the rows are held: somebody may have kept one again in between.
    let among = batch::among(dialect, batch::ids(dialect));
    let sql = format!("DELETE FROM blobs WHERE digest {among} AND {UNUSED}");
    let remove = Statement::new(sql).bind(batch::rows(&digests)?);
    transaction.execute(remove).await
}
