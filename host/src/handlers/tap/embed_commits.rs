//! `tap.embed_commits`: remember commits as vectors, with the built-in embedder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::diary::vector;
use crate::handler::{Call, Handled, Handler, Needs};
use crate::outcome::{Done, Stop};
use crate::register;
use crate::settings::hex;
use crate::store::commits::{self, Commit};
use crate::store::embeddings::{self, Embedding};

/// The longest preview, in characters.
const PREVIEW: usize = 500;

struct EmbedCommits;
register!(EmbedCommits);

/// How much to do at once.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Commits at most.
    #[serde(default = "limit")]
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
    const SUMMARY: &'static str = "remembers commits as vectors, with the built-in embedder";

    fn needs(&self) -> Needs {
        Needs::default()
            .table("commits", &["select"])
            .table("embeddings", &["select", "insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Config, _: Reads) -> Handled<Writes> {
        let find = commits::find_unembedded(vector::MODEL, config.limit);
        let rows = call.resources.query(find).await?;
        let commits = rows.iter().map(commits::read).collect::<Result<Vec<_>, _>>()?;
        if commits.is_empty() {
            return Err(Stop::nothing_to_do("every commit is remembered already"));
        }
        let count = commits.len() as u64;
        let mut done = Done::new(Writes { embeddings: count });
        for commit in &commits {
            done = done.write(embeddings::upsert(&embedding(commit), call.now));
        }
        Ok(done.effect("embeddings_written", count))
    }
}

fn embedding(commit: &Commit) -> Embedding {
    let text = format!("{}\n\n{}", commit.subject, commit.body);
    Embedding {
        source_table: "commits".to_owned(),
        source_id: commit.id.clone(),
        content_hash: hex(&Sha256::digest(&text)),
        chunk_index: 0,
        text_preview: text.trim().chars().take(PREVIEW).collect(),
        embedding_model: vector::MODEL.to_owned(),
        embedding: vector::embed(&text),
        metadata: json!({ "repository": commit.repository, "author": commit.author }),
        writer: "tap.embed_commits".to_owned(),
        created_at: commit.committed_at,
    }
}
