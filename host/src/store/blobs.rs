//! `blobs`: contents by SHA-256, each kept once: files of revisions and large reports.

use crate::value::Statement;

/// Keep a content, unless it is there.
pub(super) fn insert(digest: &str, content: &str) -> Statement {
    let sql = "INSERT INTO blobs (digest, content) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Statement::new(sql)
        .bind(digest)
        .bind(content.as_bytes().to_vec())
}

/// Remove contents that nothing refers to any more.
pub(super) fn prune() -> Statement {
    Statement::new(
        "DELETE FROM blobs WHERE NOT EXISTS ( \
            SELECT 1 FROM revision_files WHERE revision_files.digest = blobs.digest) \
        AND NOT EXISTS (SELECT 1 FROM stage_runs WHERE stage_runs.digest = blobs.digest)",
    )
}
