//! `embeddings`: texts as vectors, and the summaries that old ones were collapsed into.

use callboard_core::value::form::{micros, text};
use callboard_core::value::{Query, Statement, Value, parameters};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// Rows that one statement inserts.
pub const BATCH: usize = 100;
/// Ids of summaries that are read at once, and summaries of which the metadata is.
pub const PAGE: usize = 1000;
pub const SUMMARIES: usize = 20;

/// A text as a vector. `id` follows from source, chunk and model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Embedding {
    pub source_table: String,
    pub source_id: String,
    /// SHA-256 of the text.
    pub content_hash: String,
    pub chunk_index: u32,
    /// The beginning of the text, at most 500 characters.
    pub text_preview: String,
    pub embedding_model: String,
    #[serde(serialize_with = "vector")]
    pub embedding: Vec<f32>,
    #[serde(with = "text")]
    pub metadata: serde_json::Value,
    pub writer: String,
    #[serde(with = "micros")]
    pub created_at: Timestamp,
}

/// Embeddings of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "embeddings")]
pub struct EmbeddingCount {
    pub is_summary: bool,
    pub rows: u64,
}

/// Keep embeddings, in one statement; a changed text replaces the older one.
pub fn upsert(embeddings: &[Embedding], now: Timestamp) -> Statement {
    let rows: Vec<_> = embeddings
        .iter()
        .map(|it| EmbeddingRow::of(it, now))
        .collect();
    Statement::insert_all(&rows).then(
        "ON CONFLICT (source_table, source_id, chunk_index, embedding_model) DO UPDATE SET \
            content_hash = excluded.content_hash, text_preview = excluded.text_preview, \
            dimensions = excluded.dimensions, embedding = excluded.embedding, \
            metadata = excluded.metadata, writer = excluded.writer, \
            updated_at = excluded.updated_at",
    )
}

#[derive(Serialize)]
#[serde(rename = "embeddings")]
struct EmbeddingRow<'e> {
    id: String,
    embedding: &'e Embedding,
    dimensions: u32,
    is_summary: bool,
    #[serde(with = "micros")]
    updated_at: Timestamp,
}

impl<'e> EmbeddingRow<'e> {
    fn of(embedding: &'e Embedding, now: Timestamp) -> Self {
        let Embedding {
            source_table,
            source_id,
            chunk_index,
            embedding_model,
            ..
        } = embedding;
        Self {
            id: format!("{source_table}/{source_id}/{chunk_index}/{embedding_model}"),
            embedding,
            dimensions: u32::try_from(embedding.embedding.len()).unwrap_or(u32::MAX),
            is_summary: false,
            updated_at: now,
        }
    }
}

fn vector<S: Serializer>(vector: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(&Value::vector_bytes(vector))
}

/// The source and the hash of what is kept of some sources by a model.
pub fn hashes<'i>(
    source_table: &str,
    model: &str,
    ids: impl ExactSizeIterator<Item = &'i str>,
) -> Query<(String, String)> {
    let parameters = parameters(3, ids.len());
    let sql = format!(
        "SELECT source_id, content_hash FROM embeddings WHERE source_table = $1 \
            AND embedding_model = $2 AND chunk_index = 0 AND is_summary = FALSE \
            AND source_id IN {parameters}"
    );
    let query = Query::new(sql).bind(source_table).bind(model);
    ids.fold(query, Query::bind)
}

/// The ids of the summaries of a source, a page of those that come after one.
pub fn summaries_after(source_table: &str, after: &str) -> Query<String> {
    let sql = format!(
        "SELECT id FROM embeddings WHERE source_table = $1 AND is_summary = TRUE AND id > $2 \
        ORDER BY id LIMIT {PAGE}"
    );
    Query::new(sql).bind(source_table).bind(after)
}

/// The metadata of some rows, each of up to a megabyte.
pub fn metadata(ids: &[String]) -> Query<String> {
    let parameters = parameters(1, ids.len());
    let sql = format!("SELECT metadata FROM embeddings WHERE id IN {parameters}");
    ids.iter().fold(Query::new(sql), Query::bind)
}

/// How many embeddings there are, by kind.
pub fn counts() -> Query<EmbeddingCount> {
    let sql = "SELECT is_summary, COUNT(*) AS rows FROM embeddings \
        GROUP BY is_summary ORDER BY is_summary";
    Query::new(sql)
}
