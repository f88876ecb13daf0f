//! Summary in, members out, in one transaction. Whatever goes wrong rolls it back.

use callboard_plugin::db::{Transaction, params};
use callboard_plugin::{FailureKind, Stop};

use crate::pool::Member;
use crate::summary::Summary;

const UPSERT: &str = "\
    INSERT INTO embeddings (id, source_table, source_id, content_hash, chunk_index, text_preview, \
    embedding_model, dimensions, embedding, metadata, writer, origin_path, is_summary, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10, NULL, TRUE, $11, $11) \
    ON CONFLICT (id) DO UPDATE SET content_hash = excluded.content_hash, \
    text_preview = excluded.text_preview, embedding = excluded.embedding, \
    metadata = excluded.metadata, updated_at = excluded.updated_at";

const VERIFY: &str = "\
    SELECT COUNT(*) AS found FROM embeddings \
    WHERE id = $1 AND is_summary = TRUE AND content_hash = $2";

const DELETE: &str =
    "DELETE FROM embeddings WHERE id = $1 AND updated_at = $2 AND is_summary = FALSE";

/// Write the summary and delete what it stands for.
pub(crate) fn write(summary: &Summary, members: &[&Member]) -> Result<(), Stop> {
    let transaction = Transaction::begin()?;
    insert(&transaction, summary)?;
    let mut deleted = 0;
    for member in members {
        deleted += transaction.execute(DELETE, params![&member.id, member.updated_at])?;
    }
    if deleted != members.len() as u64 {
        let message = format!(
            "`{}` stands for {} rows but {deleted} were there to delete: some changed meanwhile; rolled back",
            summary.source_id,
            members.len()
        );
        return Err(Stop::failed_for_now(FailureKind::Internal, message));
    }
    Ok(transaction.commit()?)
}

fn insert(transaction: &Transaction, summary: &Summary) -> Result<(), Stop> {
    transaction.execute(
        UPSERT,
        params![
            &summary.id,
            &summary.source_table,
            &summary.source_id,
            &summary.content_hash,
            &summary.text,
            &summary.model,
            summary.dimensions,
            summary.embedding.as_slice(),
            &summary.metadata,
            &summary.writer,
            summary.now,
        ],
    )?;
    let rows = transaction.query(VERIFY, params![&summary.id, &summary.content_hash])?;
    if rows.first()?.count("found")? != 1 {
        let message = format!(
            "summary `{}` is not there after it was written; rolled back",
            summary.source_id
        );
        return Err(Stop::failed(FailureKind::Internal, message));
    }
    Ok(())
}
