//! `tap.git_history`: keep the commits of a git repository as a source of memory.
//!
//! Rows are written directly, in batches, because thousands of them would swell the
//! checkpoint. That is safe to repeat: known commits are passed over, and the rest is an upsert.

use std::collections::BTreeSet;
use std::time::Duration;

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use callboard_core::register;
use callboard_core::shown::cut;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diary::git::{Git, GitError};
use crate::diary::log::{LogEntry, ROOM};
use crate::tables::commits::{self, BATCH, CommitRow};

/// The longest author and subject that are kept, in characters.
const LINE: usize = 1000;

struct GitHistory;
register!(GitHistory);

/// How far back to look.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Commits at most, newest first.
    #[serde(default = "limit")]
    #[schemars(range(min = 1))]
    limit: usize,
}

fn limit() -> usize {
    2000
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The folder of a git repository on this machine.
    #[schemars(extend("format" = "path"))]
    repository: String,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// Commits that were not known before.
    commits: u64,
}

impl Handler for GitHistory {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "Keeps the commits of a git repository as a source of memory";

    fn needs(&self) -> Needs {
        Needs::default().table("commits", &["select", "insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let path = reads.repository.trim();
        if path.is_empty() {
            let message = "`repository` is empty; give the folder of a git repository";
            return Err(Stop::failed(FailureKind::Input, message));
        }
        let git = Git::open(path, call.deadline).map_err(|error| error.stop(path))?;
        let newest = newest(&git, config.limit).await;
        let Some((name, ids)) = newest.map_err(|error| error.stop(path))? else {
            return Err(Stop::nothing_to_do(
                "empty repository: it has no commit yet",
            ));
        };
        let unknown = unknown(call, &ids).await?;
        if unknown.is_empty() {
            let number = ids.len();
            return Err(Stop::nothing_to_do(format!(
                "the newest {number} commits of {name} are known"
            )));
        }
        let (mut written, mut rest) = (0, &unknown[..]);
        while !rest.is_empty() {
            in_time(call, written)?;
            let (batch, mut room) = (&rest[..rest.len().min(BATCH)], ROOM);
            // Nothing of their files is kept, so git is asked for none: there may be any number of them.
            let entries = git.messages(batch, &mut room).await;
            let entries = entries.map_err(|error| error.stop(path))?;
            // There was room for those up to the last: who is missing among them cannot be read.
            let last = entries.last().map(|entry| &entry.id);
            let read = batch.iter().position(|id| Some(id) == last);
            rest = &rest[read.map_or(1, |at| at + 1)..];
            if entries.is_empty() {
                continue;
            }
            let rows = entries
                .iter()
                .map(|entry| commit(&name, entry))
                .collect::<Result<Vec<_>, _>>()?;
            written += call.execute(commits::insert(&rows)).await?;
        }
        let left_out = unknown.len() as u64 - written.min(unknown.len() as u64);
        if written == 0 {
            return Err(Stop::nothing_to_do(format!(
                "all but {left_out} of the newest commits of {name} are known, and those cannot be read"
            )));
        }
        Ok(Done::new(Writes { commits: written }).effect("rows_written", written))
    }
}

/// The name of the repository and its newest commits; `None` if it has none.
async fn newest(git: &Git, limit: usize) -> Result<Option<(String, Vec<String>)>, GitError> {
    if !git.has_commits().await? {
        return Ok(None);
    }
    let mut listed = git.history().await?.commits;
    listed.sort_by(|a, b| (b.committed_at, &a.id).cmp(&(a.committed_at, &b.id)));
    let ids = listed.into_iter().take(limit).map(|commit| commit.id);
    Ok(Some((git.identity().await?.name, ids.collect())))
}

/// The ids that are not kept yet, in the same order.
async fn unknown(call: &Call, ids: &[String]) -> Result<Vec<String>, Stop> {
    let mut known = BTreeSet::new();
    for batch in ids.chunks(BATCH) {
        known.extend(call.read(commits::known(batch)).await?);
    }
    Ok(ids
        .iter()
        .filter(|id| !known.contains(*id))
        .cloned()
        .collect())
}

/// Hand over before the deadline; what is written stays, and the next attempt goes on there.
fn in_time(call: &Call, written: u64) -> Result<(), Stop> {
    if call.remaining() > Duration::from_millis(500) {
        return Ok(());
    }
    let message = format!("out of time after {written} commits; the next attempt goes on there");
    Err(Stop::retryable(FailureKind::Timeout, message))
}

fn commit(repository: &str, entry: &LogEntry) -> Result<CommitRow, Stop> {
    let committed_at = Timestamp::from_second(entry.committed_at).map_err(|error| {
        Stop::failed(FailureKind::Input, format!("commit {}: {error}", entry.id))
    })?;
    Ok(CommitRow {
        id: entry.id.clone(),
        repository: repository.to_owned(),
        author: cut(&entry.author, LINE),
        subject: cut(&entry.subject, LINE),
        body: entry.body.clone(),
        committed_at,
    })
}
