//! `tap.git_history`: keep the commits of a git repository as a source of memory.

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diary::log::{self, Entry};
use crate::git;
use crate::handler::{Call, Handled, Handler, Needs};
use crate::outcome::{Done, FailureKind, Stop};
use crate::register;
use crate::store::commits::{self, Commit};

struct GitHistory;
register!(GitHistory);

/// How far back to look.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Commits at most, newest first.
    #[serde(default = "limit")]
    limit: u32,
}

fn limit() -> u32 {
    2000
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The path of the repository.
    repository: String,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// Commits seen.
    commits: u64,
}

impl Handler for GitHistory {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "keeps the commits of a git repository as a source of memory";

    fn needs(&self) -> Needs {
        Needs::default().table("commits", &["insert"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let path = PathBuf::from(&reads.repository);
        let count = format!("--max-count={}", config.limit);
        let head = git::run(&path, &["for-each-ref", "--count=1"], call.deadline).await?;
        if head.is_empty() {
            return Err(Stop::nothing_to_do("the repository has no commit"));
        }
        let log = ["log", &count, "-z", "--numstat", log::FORMAT, "HEAD"];
        let output = git::run(&path, &log, call.deadline).await?;
        let entries = log::commits(&output)
            .map_err(|problem| Stop::failed(FailureKind::Internal, format!("git log: {problem}")))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut done = Done::new(Writes { commits: entries.len() as u64 });
        for entry in &entries {
            done = done.write(commits::insert(&commit(&name, entry)?));
        }
        Ok(done.effect("commits_seen", entries.len() as u64))
    }
}

fn commit(repository: &str, entry: &Entry) -> Result<Commit, Stop> {
    let committed_at = Timestamp::from_second(entry.committed_at).map_err(|error| {
        Stop::failed(FailureKind::Input, format!("commit {}: {error}", entry.id))
    })?;
    Ok(Commit {
        id: entry.id.clone(),
        repository: repository.to_owned(),
        author: entry.author.clone(),
        subject: entry.subject.replace('\0', ""),
        body: entry.body.replace('\0', ""),
        committed_at,
    })
}
