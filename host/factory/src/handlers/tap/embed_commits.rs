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
use callboard_core::value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::diary::id;
use crate::tables::commits::{self, CommitRow};
use crate::tables::embeddings::{self, BATCH, Embedding, SUMMARIES};

/// The value of `embeddings.source_table`.
const SOURCE: &str = "commits";
/// The longest preview, in characters.
const PREVIEW: usize = 500;
/// Bytes that the metadata of one summary may take in memory.
const TREE: u64 = 16 << 20;

struct EmbedCommits;
register!(EmbedCommits);

/// How much to do at once.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Commits to look at, at most, newest first.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 100_000))]
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
        let newest = call.read_sound(commits::newest(config.limit)).await?;
        let mut unknown = Vec::new();
        for ids in newest.chunks(BATCH) {
            in_time(call, 0)?;
            unknown.extend(changed(call, ids).await?);
        }
        let mut fresh: BTreeSet<String> = unknown.iter().cloned().collect();
        leave_collapsed(call, &mut fresh).await?;
        unknown.retain(|id| fresh.contains(id));
        if unknown.is_empty() {
            return Err(Stop::nothing_to_do("every commit is remembered already"));
        }
        let mut written = 0;
        for ids in unknown.chunks(BATCH) {
            in_time(call, written)?;
            let commits = call.read_sound(commits::all_of(ids)).await?;
            let rows: Vec<Embedding> = commits.iter().map(embedding).collect();
            if !rows.is_empty() {
                written += call.execute(embeddings::upsert(&rows, call.now)).await?;
            }
        }
        Ok(Done::new(Writes {
            embeddings: written,
        })
        .effect("embeddings_written", written))
    }
}

/// Those of some commits that are not remembered as they are, newest first. No more of them than a batch
/// is in memory: plugins may have written them.
async fn changed(call: &Call, ids: &[String]) -> Result<Vec<String>, Stop> {
    let commits = call.read_sound(commits::all_of(ids)).await?;
    let known = embeddings::hashes(SOURCE, vector::MODEL, ids.iter().map(String::as_str));
    let known: BTreeMap<String, String> = call.read_sound(known).await?.into_iter().collect();
    let is_known = |commit: &CommitRow| {
        let same = |hash: &String| *hash == id::hash(&text(commit));
        known.get(&commit.id).is_some_and(same)
    };
    let changed = commits.into_iter().filter(|commit| !is_known(commit));
    Ok(changed.map(|commit| commit.id).collect())
}

/// Leave out of `fresh` what a summary stands for. Summaries are read some at a time, however many there
/// are and whatever a plugin has written into them.
async fn leave_collapsed(call: &Call, fresh: &mut BTreeSet<String>) -> Result<(), Stop> {
    let mut after = String::new();
    while !fresh.is_empty() {
        let page = call.read_sound(embeddings::summaries_after(SOURCE, &after));
        let page = page.await?;
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        for ids in page.chunks(SUMMARIES) {
            in_time(call, 0)?;
            for metadata in call.read_sound(embeddings::metadata(ids)).await? {
                for member in members(&metadata) {
                    fresh.remove(&member);
                }
            }
        }
    }
    Ok(())
}

/// What the metadata of a summary says.
#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    collapsed_source_ids: Vec<String>,
}

/// The sources that a summary stands for.
fn members(metadata: &str) -> Vec<String> {
    let metadata = value::json_in::<Metadata>(metadata, TREE);
    metadata.map_or_else(|_| Vec::new(), |it| it.collapsed_source_ids)
}

fn text(commit: &CommitRow) -> String {
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

fn embedding(commit: &CommitRow) -> Embedding {
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
