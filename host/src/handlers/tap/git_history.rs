//! `tap.git_history`: keep the commits of a git repository as a source of memory.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diary::git::{Git, GitError};
use crate::diary::log::Entry;
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
        let (name, entries) = read(call, &config, &reads.repository)
            .await
            .map_err(|error| error.stop(&reads.repository))?;
        if entries.is_empty() {
            return Err(Stop::nothing_to_do("the repository has no commit"));
        }
        let count = entries.len() as u64;
        let mut done = Done::new(Writes { commits: count });
        for entry in &entries {
            done = done.write(commits::insert(&commit(&name, entry)?));
        }
        Ok(done.effect("commits_seen", count))
    }
}

/// The name of the repository and its newest commits.
async fn read(
    call: &Call,
    config: &Config,
    path: &str,
) -> Result<(String, Vec<Entry>), GitError> {
    let git = Git::open(path, call.deadline)?;
    if !git.has_commits().await? {
        return Ok((git.name().await?, Vec::new()));
    }
    let mut listed = git.history().await?.commits;
    listed.sort_by(|a, b| b.committed_at.cmp(&a.committed_at).then_with(|| a.id.cmp(&b.id)));
    let ids: Vec<String> =
        listed.into_iter().take(config.limit as usize).map(|commit| commit.id).collect();
    Ok((git.name().await?, git.commits(&ids).await?))
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
