//! `embeddings`: texts as vectors, and the summaries that old ones were collapsed into.

use callboard_core::store::{Store, StoreError};
use callboard_core::value::{Statement, Value};
use jiff::Timestamp;
use serde::Serialize;

use super::commits::parameters;

/// Rows that one statement inserts.
pub const BATCH: usize = 100;

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

/// Keep embeddings, in one statement; a changed text replaces the older one.
pub fn upsert(embeddings: &[Embedding], now: Timestamp) -> Statement {
    let rows: Vec<String> = (0..embeddings.len())
        .map(|row| parameters(row * 15 + 1, 15))
        .collect();
    let sql = format!(
        "INSERT INTO embeddings (id, source_table, source_id, content_hash, chunk_index, \
         text_preview, embedding_model, dimensions, embedding, metadata, writer, origin_path, \
         is_summary, created_at, updated_at) VALUES {} \
         ON CONFLICT (source_table, source_id, chunk_index, embedding_model) DO UPDATE SET \
         content_hash = excluded.content_hash, text_preview = excluded.text_preview, \
         dimensions = excluded.dimensions, embedding = excluded.embedding, \
         metadata = excluded.metadata, writer = excluded.writer, updated_at = excluded.updated_at",
        rows.join(", ")
    );
    let bind = |statement, embedding| bind(statement, embedding, now);
    embeddings.iter().fold(Statement::new(sql), bind)
}

fn bind(statement: Statement, embedding: &Embedding, now: Timestamp) -> Statement {
    let Embedding {
        source_table,
        source_id,
        chunk_index,
        embedding_model,
        ..
    } = embedding;
    let dimensions = u32::try_from(embedding.embedding.len()).unwrap_or(u32::MAX);
    statement
        .bind(format!(
            "{source_table}/{source_id}/{chunk_index}/{embedding_model}"
        ))
        .bind(source_table)
        .bind(source_id)
        .bind(&embedding.content_hash)
        .bind(*chunk_index)
        .bind(&embedding.text_preview)
        .bind(embedding_model)
        .bind(dimensions)
        .bind(Value::vector_bytes(&embedding.embedding))
        .bind(embedding.metadata.to_string())
        .bind(&embedding.writer)
        .bind(None::<&str>)
        .bind(false)
        .bind(embedding.created_at.as_microsecond())
        .bind(now.as_microsecond())
}

/// Selects `source_id` and `content_hash` of what is kept of a source by a model.
pub fn find_hashes(source_table: &str, model: &str) -> Statement {
    let sql = "SELECT source_id, content_hash FROM embeddings WHERE source_table = $1 \
        AND embedding_model = $2 AND chunk_index = 0 AND is_summary = FALSE";
    Statement::new(sql).bind(source_table).bind(model)
}

/// Selects the `metadata` of the summaries of a source.
pub fn find_summaries(source_table: &str) -> Statement {
    let sql = "SELECT metadata FROM embeddings WHERE source_table = $1 AND is_summary = TRUE";
    Statement::new(sql).bind(source_table)
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
