//! `embeddings`: texts as vectors, and the summaries that old ones were collapsed into.

use jiff::Timestamp;
use serde::Serialize;

use super::{Store, StoreError};
use crate::value::{Statement, Value};

/// A text as a vector. `id` follows from source, chunk and model.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    pub source_table: String,
    pub source_id: String,
    /// SHA-256 of the text.
    pub content_hash: String,
    pub chunk_index: u32,
    /// The beginning of the text, at most 500 characters.
    pub text_preview: String,
    pub embedding_model: String,
    pub embedding: Vec<f32>,
    pub metadata: serde_json::Value,
    pub writer: String,
    pub created_at: Timestamp,
}

/// Embeddings of one source table, of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    pub source_table: String,
    pub is_summary: bool,
    pub rows: u64,
}

/// Keep an embedding; a changed text replaces the older one.
pub fn upsert(embedding: &Embedding, now: Timestamp) -> Statement {
    let sql = "INSERT INTO embeddings (id, source_table, source_id, content_hash, chunk_index, \
        text_preview, embedding_model, dimensions, embedding, metadata, writer, origin_path, \
        is_summary, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, FALSE, $12, $13) \
        ON CONFLICT (source_table, source_id, chunk_index, embedding_model) DO UPDATE SET \
        content_hash = excluded.content_hash, text_preview = excluded.text_preview, \
        embedding = excluded.embedding, metadata = excluded.metadata, \
        updated_at = excluded.updated_at";
    let dimensions = u32::try_from(embedding.embedding.len()).unwrap_or(u32::MAX);
    let id = format!(
        "{}/{}/{}/{}",
        embedding.source_table,
        embedding.source_id,
        embedding.chunk_index,
        embedding.embedding_model
    );
    Statement::new(sql)
        .bind(id)
        .bind(&embedding.source_table)
        .bind(&embedding.source_id)
        .bind(&embedding.content_hash)
        .bind(embedding.chunk_index)
        .bind(&embedding.text_preview)
        .bind(&embedding.embedding_model)
        .bind(dimensions)
        .bind(Value::vector_bytes(&embedding.embedding))
        .bind(embedding.metadata.to_string())
        .bind(&embedding.writer)
        .bind(embedding.created_at.as_microsecond())
        .bind(now.as_microsecond())
}

/// How many embeddings there are, by source table and kind.
pub async fn counts(store: &Store) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT source_table, is_summary, COUNT(*) AS total FROM embeddings \
        GROUP BY source_table, is_summary ORDER BY source_table, is_summary";
    let rows = store.query(Statement::new(sql)).await?;
    rows.iter()
        .map(|row| {
            Ok(Count {
                source_table: row.text("source_table")?,
                is_summary: row.boolean("is_summary")?,
                rows: row.integer("total")?.unsigned_abs(),
            })
        })
        .collect()
}
