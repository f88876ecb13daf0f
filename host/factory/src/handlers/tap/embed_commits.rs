//! `tap.embed_commits`: remember commits as vectors, with the built-in embedder.
//!
//! A commit whose text is remembered unchanged is passed over, and so is one that was folded
//! into a summary: embedding it again would undo the collapse. Rows are written directly, in
//! batches; repeating it changes nothing, because each row has a key of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::model::vector;
use callboard_core::outcome::{Done, FailureKind, Stop};
use callboard_core::register;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::diary::id;
use crate::tables::commits::{self, Commit};
use crate::tables::embeddings::{self, BATCH, Embedding};

/// The value of `embeddings.source_table`.
const SOURCE: &str = "commits";
/// The longest preview, in characters.
const PREVIEW: usize = 500;

struct EmbedCommits;
register!(EmbedCommits);

/// How much to do at once.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Commits to look at, at most, newest first.
    #[serde(default = "limit")]
    #[schemars(range(min = 1))]
    limit: u32,
}

fn limit() -> u32 {
    5000
}

#[derive(Deserialize, JsonSchema)]
struct Reads {}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// Embeddings written.
    embeddings: u64,
}

impl Handler for EmbedCommits {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "Remembers commits as vectors, with the built-in embedder";

    fn needs(&self) -> Needs {
        Needs::default()
            .table("commits", &["select"])
            .table("embeddings", &["select", "insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Config, _: Reads) -> Handled<Writes> {
        let commits = call.read_sound(commits::newest(config.limit)).await?;
        let known = Known::read(call).await?;
        let fresh: Vec<&Commit> = commits.iter().filter(|commit| !known.has(commit)).collect();
        if fresh.is_empty() {
            return Err(Stop::nothing_to_do("every commit is remembered already"));
        }
        let mut written = 0;
        for batch in fresh.chunks(BATCH) {
            in_time(call, written)?;
            let rows: Vec<Embedding> = batch.iter().map(|commit| embedding(commit)).collect();
            written += call.execute(embeddings::upsert(&rows, call.now)).await?;
        }
        Ok(Done::new(Writes {
            embeddings: written,
        })
        .effect("embeddings_written", written))
    }
}

/// What is remembered of commits.
struct Known {
    hashes: BTreeMap<String, String>,
    collapsed: BTreeSet<String>,
}

impl Known {
    async fn read(call: &Call) -> Result<Self, Stop> {
        let hashes = call
            .read_sound(embeddings::hashes(SOURCE, vector::MODEL))
            .await?;
        let summaries = call.read_sound(embeddings::summaries(SOURCE)).await?;
        let collapsed = summaries.iter().flat_map(|metadata| members(metadata));
        Ok(Self {
            hashes: hashes.into_iter().collect(),
            collapsed: collapsed.collect(),
        })
    }

    fn has(&self, commit: &Commit) -> bool {
        let same = |hash: &String| *hash == id::hash(&text(commit));
        self.collapsed.contains(&commit.id) || self.hashes.get(&commit.id).is_some_and(same)
    }
}

/// The sources that a summary stands for.
fn members(metadata: &str) -> Vec<String> {
    let metadata: Json = serde_json::from_str(metadata).unwrap_or_default();
    let ids = metadata["collapsed_source_ids"].as_array();
    let ids = ids.into_iter().flatten().filter_map(Json::as_str);
    ids.map(str::to_owned).collect()
}

fn text(commit: &Commit) -> String {
    format!("{}\n\n{}", commit.subject, commit.body)
}

/// Hand over before the deadline; what is written stays, and the next attempt goes on there.
fn in_time(call: &Call, written: u64) -> Result<(), Stop> {
    if call.remaining() > Duration::from_millis(500) {
        return Ok(());
    }
    let message = format!("out of time after {written} embeddings; the next attempt goes on there");
    Err(Stop::retryable(FailureKind::Timeout, message))
}

fn embedding(commit: &Commit) -> Embedding {
    let text = text(commit);
    Embedding {
        source_table: SOURCE.to_owned(),
        source_id: commit.id.clone(),
        content_hash: id::hash(&text),
        chunk_index: 0,
        text_preview: text.trim().chars().take(PREVIEW).collect(),
        embedding_model: vector::MODEL.to_owned(),
        embedding: vector::embed(&text),
        metadata: json!({ "repository": commit.repository, "author": commit.author, "subject": commit.subject }),
        writer: "tap.git_history".to_owned(),
        created_at: commit.committed_at,
    }
}
