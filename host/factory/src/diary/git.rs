//! The `git` program, asked with fixed arguments: no shell, no pager, none of the caller's
//! variables but those without which it finds nothing, nothing that the repository's own
//! configuration could make it run, and no more memory and time than are bounded.

mod error;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use callboard_core::launch::{self, Bounds};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout};

pub use self::error::GitError;
use super::log::{self, Entry, FORMAT, Listed};

/// Configuration that would change what is printed, run programs of the repository, or have lines
/// compared of files that are too large for that: each line takes 42 bytes of memory, and a file of
/// nothing but ends of lines packs to nothing.
const CONFIG: [&str; 9] = [
    "core.quotepath=off",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "log.showSignature=false",
    "log.showRoot=true",
    "log.follow=false",
    "i18n.logOutputEncoding=UTF-8",
    "color.ui=false",
    "core.bigFileThreshold=4m",
];

/// What of this process's environment `git` is given: where it lies, and whose it is.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "XDG_CONFIG_HOME", "LD_LIBRARY_PATH"];

/// Memory that `git` may write to. The history of a million commits takes a quarter of it.
const MEMORY_MIB: u64 = 1024;

/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;

/// A repository on this machine.
#[derive(Debug, Clone)]
pub struct Git {
    program: OsString,
    folder: PathBuf,
    deadline: Instant,
}

/// All commits that HEAD has, newest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub commits: Vec<Listed>,
    /// Whether older commits are missing because the repository is a shallow clone.
    pub is_shallow: bool,
}

impl Git {
    /// The repository in a folder; nothing is run yet.
    pub fn open(path: &str, deadline: Instant) -> Result<Self, GitError> {
        Self::with_program("git", path, deadline)
    }

    /// Like [`Git::open`], with another program than `git`.
    pub fn with_program(program: &str, path: &str, deadline: Instant) -> Result<Self, GitError> {
        if Path::new(path).is_relative() {
            return Err(GitError::Relative);
        }
        let folder = Path::new(path)
            .canonicalize()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => GitError::NoFolder,
                _ => GitError::Unreadable(error.to_string()),
            })?;
        if !folder.is_dir() {
            return Err(GitError::NoDirectory);
        }
        Ok(Self {
            program: program.into(),
            folder,
            deadline,
        })
    }

    /// `owner/name` of the remote `origin`, or the folder's name.
    pub async fn name(&self) -> Result<String, GitError> {
        let output = self
            .output(&["config", "--get", "remote.origin.url"], None)
            .await?;
        if !output.status.success() && output.status.code() != Some(1) {
            return Err(self.refused(&output));
        }
        let url = String::from_utf8_lossy(&output.stdout);
        Ok(name_in(url.trim()).unwrap_or_else(|| self.folder_name()))
    }

    fn folder_name(&self) -> String {
        let name = self
            .folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let name = name
            .strip_suffix(".git")
            .filter(|name| !name.is_empty())
            .unwrap_or(&name);
        if name.is_empty() {
            "repository".to_owned()
        } else {
            name.replace(':', "-")
        }
    }

    /// Whether HEAD has any commit. A HEAD that is broken is an error, not an empty repository.
    pub async fn has_commits(&self) -> Result<bool, GitError> {
        let output = self.output(&["log", "-1", "--format=%H"], None).await?;
        if output.status.success() {
            return Ok(true);
        }
        if !String::from_utf8_lossy(&output.stderr).contains("does not have any commits yet") {
            return Err(self.refused(&output));
        }
        let others = self
            .run(&["for-each-ref", "--count=1", "refs/heads", "refs/remotes"])
            .await?;
        if others.is_empty() {
            Ok(false)
        } else {
            Err(GitError::UnbornHead)
        }
    }

    /// Every commit of HEAD with its time. The lines are read as they come.
    pub async fn history(&self) -> Result<History, GitError> {
        let shallow = self.run(&["rev-parse", "--is-shallow-repository"]).await?;
        let mut child = self.spawn(&["rev-list", "--timestamp", "HEAD", "--"])?;
        let listing = async {
            let mut commits = Vec::new();
            if let Some(stdout) = child.stdout.take() {
                let mut lines = BufReader::new(stdout).lines();
                while let Some(line) = lines.next_line().await.map_err(unreadable)? {
                    commits.extend(log::listed(&line));
                }
            }
            let output = child.wait_with_output().await.map_err(unreadable)?;
            if output.status.success() {
                Ok(commits)
            } else {
                Err(self.refused(&output))
            }
        };
        let commits = self.in_time(listing).await??;
        Ok(History {
            commits,
            is_shallow: shallow.starts_with(b"true"),
        })
    }

    /// Messages and files of some commits, in the order asked: of the first of them if all would
    /// take more than `room` bytes of memory. What they take is taken from it.
    pub async fn commits(&self, ids: &[String], room: &mut usize) -> Result<Vec<Entry>, GitError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let args = [
            "log",
            "--no-walk=unsorted",
            "--stdin",
            "-z",
            "--numstat",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--diff-merges=first-parent",
            "--decorate=short",
            "--decorate-refs=refs/tags/",
            FORMAT,
        ];
        let mut reader = log::Reader::within(*room);
        let input = Some(ids.join("\n") + "\n");
        self.read(&args, input, &mut |piece| reader.read(piece))
            .await?;
        *room = reader.room();
        reader.finish().map_err(GitError::Unreadable)
    }

    /// Give what git prints to `take`, piece by piece: how much it is, is not ours to say.
    async fn read(
        &self,
        args: &[&str],
        input: Option<String>,
        take: &mut (dyn FnMut(&[u8]) -> Result<(), String> + Send),
    ) -> Result<(), GitError> {
        let mut child = self.spawn(args)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let reading = async {
            feed(&mut child, input).await;
            let (taken, words) = tokio::join!(pieces(stdout, take), said(stderr));
            taken?;
            let status = child.wait().await.map_err(unreadable)?;
            if status.success() {
                Ok(())
            } else {
                Err(GitError::of(&words, &self.folder))
            }
        };
        self.in_time(reading).await?
    }

    /// What a merge brought in: commits of its other parents that its first does not have.
    pub async fn merged(&self, merge: &Entry, limit: usize) -> Result<Vec<String>, GitError> {
        let (Some(first), [_, others @ ..]) = (merge.parents.first(), merge.parents.as_slice())
        else {
            return Ok(Vec::new());
        };
        let (limit, first) = (format!("--max-count={limit}"), format!("^{first}"));
        let mut args = vec!["rev-list", "--no-merges", &limit, &first];
        args.extend(others.iter().map(String::as_str));
        args.push("--");
        let output = self.run(&args).await?;
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .map(str::to_owned)
            .collect())
    }

    async fn run(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        let output = self.output(args, None).await?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(self.refused(&output))
        }
    }

    async fn output(&self, args: &[&str], input: Option<String>) -> Result<Output, GitError> {
        let mut child = self.spawn(args)?;
        let answer = async {
            feed(&mut child, input).await;
            child.wait_with_output().await.map_err(unreadable)
        };
        self.in_time(answer).await?
    }

    /// The time that is left.
    fn left(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        left.max(Duration::from_millis(1))
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, GitError> {
        tokio::time::timeout(self.left(), work)
            .await
            .map_err(|_| GitError::Timeout)
    }

    fn spawn(&self, args: &[&str]) -> Result<Child, GitError> {
        let bounds = Bounds {
            memory_mib: MEMORY_MIB,
            // Whoever waits for it ends it before; this is for one that nobody waits for any more.
            seconds: 2 * (self.left().as_secs() + 1),
        };
        let mut command = launch::command(&self.program, bounds);
        let kept = ENVIRONMENT.map(|name| (name, std::env::var_os(name)));
        command.envs(
            kept.into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0");
        // What a partial clone lacks is not fetched from wherever the repository says, by no
        // protocol: only newer gits know the first of these, and the second goes before what the
        // repository allows.
        command
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_PAGER", "cat");
        command.env(
            "GIT_CEILING_DIRECTORIES",
            self.folder.parent().unwrap_or(&self.folder),
        );
        command
            .arg("--no-pager")
            .arg("--literal-pathspecs")
            .arg("-C")
            .arg(&self.folder);
        for setting in CONFIG {
            command.args(["-c", setting]);
        }
        command
            .args(args)
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => GitError::NotInstalled,
                _ => GitError::Unreadable(format!("git does not start: {error}")),
            })
    }

    fn refused(&self, output: &Output) -> GitError {
        GitError::of(&String::from_utf8_lossy(&output.stderr), &self.folder)
    }
}

/// Give the program its input, if any, and close it. A program that does not read it says
/// why in its status.
async fn feed(child: &mut Child, input: Option<String>) {
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(input.unwrap_or_default().as_bytes())
            .await
            .ok();
    }
}

async fn pieces(
    stdout: Option<ChildStdout>,
    take: &mut (dyn FnMut(&[u8]) -> Result<(), String> + Send),
) -> Result<(), GitError> {
    let Some(mut stdout) = stdout else {
        return Ok(());
    };
    let mut piece = vec![0; PIECE];
    loop {
        match stdout.read(&mut piece).await.map_err(unreadable)? {
            0 => return Ok(()),
            length => take(&piece[..length]).map_err(GitError::Unreadable)?,
        }
    }
}

/// The beginning of what the program says of itself; the rest is read and dropped.
async fn said(stderr: Option<ChildStderr>) -> String {
    let mut words = Vec::new();
    if let Some(mut stderr) = stderr {
        let mut beginning = (&mut stderr).take(PIECE as u64);
        beginning.read_to_end(&mut words).await.ok();
        tokio::io::copy(&mut stderr, &mut tokio::io::sink())
            .await
            .ok();
    }
    String::from_utf8_lossy(&words).into_owned()
}

fn unreadable(error: std::io::Error) -> GitError {
    GitError::Unreadable(error.to_string())
}

/// `owner/name` in an address such as `https://host/owner/name.git` or `git@host:owner/name`;
/// `None` for folders of this machine.
fn name_in(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?.1,
        None => {
            url.split_once(':')
                .filter(|(host, _)| !host.contains('/') && host.len() > 1)?
                .1
        }
    };
    let path = path
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
    let name = parts.next()?;
    let name = parts
        .next()
        .map_or_else(|| name.to_owned(), |owner| format!("{owner}/{name}"));
    Some(name.replace(':', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_names_its_repository_and_no_secret() {
        let name = |url| name_in(url);
        assert_eq!(
            name("https://user:token@host/o/n.git").as_deref(),
            Some("o/n")
        );
        assert_eq!(name("git@host:o/n.git").as_deref(), Some("o/n"));
        assert_eq!(name("ssh://git@host:22/g/o/n/").as_deref(), Some("o/n"));
        assert_eq!(name("/srv/git/n.git"), None);
        assert_eq!(name("file:///srv/n.git"), None);
        assert_eq!(name("../n"), None);
        assert_eq!(name(""), None);
    }
}
