//! The `git` program, asked with fixed arguments: no shell, no pager, none of the caller's
//! variables but those without which it finds nothing, nothing that the repository's own
//! configuration could make it run, and no more memory and time than are bounded.

mod error;
mod process;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, BufReader};

pub use self::error::GitError;
use self::error::unreadable;
use super::forge::Remote;
use super::landed::{History, Lister, Tag};
use super::log::{self, FORMAT, LogEntry};

/// Memory that `git` may write to. The history of a million commits takes a quarter of it.
const MEMORY_MIB: u64 = 1024;

/// Bytes that are kept of the list of tags, and of a headline that is compared.
const REFS: usize = 4 << 20;
const HEADLINE: usize = 1 << 10;

/// A repository on this machine.
#[derive(Debug, Clone)]
pub struct Git {
    program: OsString,
    folder: PathBuf,
    deadline: Instant,
    memory_mib: u64,
}

/// Commits whose files are more than git may take memory for, after which it is asked for no files any more:
/// each try takes all of that memory, and its time.
const HARMFUL: usize = 2;

/// How much of the files is there to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Lines are counted.
    Lines,
    /// Contents are missing, as in a partial clone: files are named.
    Names,
    /// A partial clone without folders, too.
    Nothing,
}

/// Commits that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    pub entries: Vec<LogEntry>,
    pub detail: Detail,
    /// The ids of those whose files git could not look at in the memory that it has: they come without.
    pub unlooked: Vec<String>,
}

/// What a repository is called and known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryIdentity {
    /// `owner/name` of the remote `origin`, or the folder's name.
    pub name: String,
    pub remote: Option<Remote>,
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
            memory_mib: MEMORY_MIB,
        })
    }

    /// The same with less memory than it has by default.
    #[must_use]
    pub fn within(mut self, memory_mib: u64) -> Self {
        self.memory_mib = memory_mib.min(MEMORY_MIB);
        self
    }

    /// Its remote `origin`, and how it is called.
    pub async fn identity(&self) -> Result<RepositoryIdentity, GitError> {
        let remote = self.configured("remote.origin.url").await?;
        let remote = remote.and_then(|address| Remote::read(&address));
        let name = match &remote {
            Some(remote) => remote.name(),
            None => self.folder_name().await?,
        };
        Ok(RepositoryIdentity { name, remote })
    }

    /// The value of a key of its configuration, the last if there are several.
    async fn configured(&self, key: &str) -> Result<Option<String>, GitError> {
        let output = self.output(&["config", "--get", key], None).await?;
        if !output.status.success() && output.status.code() != Some(1) {
            return Err(self.refused(&output));
        }
        let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// The name of the folder that holds the repository, of which this may be a worktree.
    async fn folder_name(&self) -> Result<String, GitError> {
        let common = self
            .run(&["rev-parse", "--path-format=absolute", "--git-common-dir"])
            .await?;
        let common = PathBuf::from(String::from_utf8_lossy(&common).trim());
        let folder = match common.file_name() {
            Some(name) if name == ".git" => common.parent().unwrap_or(&self.folder),
            Some(_) => &common,
            None => &self.folder,
        };
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".git").unwrap_or(&name).replace(':', "-");
        Ok(if name.is_empty() {
            "repository".to_owned()
        } else {
            name
        })
    }

    /// Whether objects may be missing that the remote has.
    async fn is_partial(&self) -> Result<bool, GitError> {
        let args = [
            "config",
            "--get-regexp",
            r"^(extensions\.partialclone|remote\..*\.promisor)$",
        ];
        let output = self.output(&args, None).await?;
        Ok(output.status.success())
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

    /// Every commit of HEAD with its time and parents. The lines are read as they come.
    pub async fn history(&self) -> Result<History, GitError> {
        let shallow = self.run(&["rev-parse", "--is-shallow-repository"]).await?;
        let mut child = self.spawn(&["rev-list", "--timestamp", "--parents", "HEAD", "--"])?;
        let listing = async {
            let mut lister = Lister::default();
            if let Some(stdout) = child.stdout.take() {
                let mut lines = BufReader::new(stdout).lines();
                while let Some(line) = lines.next_line().await.map_err(unreadable)? {
                    lister.take(&line);
                }
            }
            let output = child.wait_with_output().await.map_err(unreadable)?;
            if output.status.success() {
                Ok(lister)
            } else {
                Err(self.refused(&output))
            }
        };
        let lister = self.in_time(listing).await??;
        let mut history = lister.finish(shallow.starts_with(b"true"));
        history.tags = self.tags().await?;
        Ok(history)
    }

    /// The tags, as many as there is room for; none where git cannot tell.
    async fn tags(&self) -> Result<Vec<Tag>, GitError> {
        let format = "--format=%(objectname) %(*objectname) %(taggerdate:unix) %(refname:strip=2)";
        let args = ["for-each-ref", format, "refs/tags"];
        let mut listed = Vec::new();
        let mut take = |piece: &[u8]| {
            let room = REFS.saturating_sub(listed.len());
            listed.extend_from_slice(&piece[..piece.len().min(room)]);
            Ok(())
        };
        match self.read(&args, None, &mut take).await {
            Ok(()) => {}
            // Of a snapshot, what a tag is of may be missing.
            Err(GitError::Refused(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
        let lines = String::from_utf8_lossy(&listed);
        Ok(lines.lines().filter_map(Tag::read).collect())
    }

    /// What was written at some times and is in the history of a commit, as far as that reaches back
    /// to the first of them: time, author and headline of each.
    pub async fn written(
        &self,
        commit: &str,
        times: &BTreeSet<i64>,
    ) -> Result<Vec<(i64, String, String)>, GitError> {
        let Some(first) = times.first() else {
            return Ok(Vec::new());
        };
        let since = format!("--since={first}");
        let format = "--format=tformat:%at%x01%aN%x01%s";
        let args = [
            "log",
            "-z",
            "--no-merges",
            "--no-notes",
            format,
            &since,
            commit,
            "--",
        ];
        let (mut found, mut field) = (Vec::new(), Vec::new());
        let mut take = |piece: &[u8]| {
            for byte in piece {
                if *byte != 0 {
                    field.push(*byte);
                    field.truncate(HEADLINE);
                    continue;
                }
                let line = String::from_utf8_lossy(&field).into_owned();
                field.clear();
                let mut parts = line.splitn(3, '\u{1}');
                let parts = (parts.next(), parts.next(), parts.next());
                if let (Some(at), Some(author), Some(subject)) = parts
                    && let Ok(at) = at.parse()
                    && times.contains(&at)
                {
                    found.push((at, author.to_owned(), subject.to_owned()));
                }
            }
            Ok(())
        };
        self.read(&args, None, &mut take).await?;
        Ok(found)
    }

    /// Messages and files of some commits, in the order asked: of the first of them if all would
    /// take more than `room` bytes of memory. What they take is taken from it. Where contents of
    /// files are missing, files are named; of a partial clone folders may be missing, too. One whose files are more than git may take
    /// memory for comes without them, and keeps no other away.
    pub async fn commits(&self, ids: &[String], room: &mut usize) -> Result<Looked, GitError> {
        match self.looked_at(ids, room).await {
            Err(GitError::Memory(_)) => self.one_by_one(ids, room).await,
            Ok((entries, detail)) => Ok(Looked {
                entries,
                detail,
                unlooked: Vec::new(),
            }),
            Err(error) => Err(error),
        }
    }

    /// The messages of some commits, as [`Git::commits`] gives them; none of their files is looked at.
    pub async fn messages(
        &self,
        ids: &[String],
        room: &mut usize,
    ) -> Result<Vec<LogEntry>, GitError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.logged(ids, Detail::Nothing, room).await?.0)
    }

    /// Each by itself, so that those whose files are too much are known.
    async fn one_by_one(&self, ids: &[String], room: &mut usize) -> Result<Looked, GitError> {
        let mut looked = Looked {
            entries: Vec::new(),
            detail: Detail::Lines,
            unlooked: Vec::new(),
        };
        for (at, id) in ids.iter().enumerate() {
            if *room == 0 {
                break;
            }
            if looked.unlooked.len() >= HARMFUL {
                looked.unlooked.extend_from_slice(&ids[at..]);
                looked
                    .entries
                    .extend(self.messages(&ids[at..], room).await?);
                break;
            }
            let one = std::slice::from_ref(id);
            match self.looked_at(one, room).await {
                Ok((entries, detail)) => {
                    looked.entries.extend(entries);
                    looked.detail = looked.detail.max(detail);
                }
                Err(GitError::Memory(_)) => {
                    looked.unlooked.push(id.clone());
                    looked.entries.extend(self.messages(one, room).await?);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(looked)
    }

    async fn looked_at(
        &self,
        ids: &[String],
        room: &mut usize,
    ) -> Result<(Vec<LogEntry>, Detail), GitError> {
        if ids.is_empty() {
            return Ok((Vec::new(), Detail::Lines));
        }
        let failed = match self.logged(ids, Detail::Lines, room).await {
            Err(error @ GitError::Refused(_)) => error,
            other => return other,
        };
        match self.logged(ids, Detail::Names, room).await {
            Err(GitError::Refused(_)) if self.is_partial().await? => {
                self.logged(ids, Detail::Nothing, room).await
            }
            Err(GitError::Refused(_)) => Err(failed),
            other => other,
        }
    }

    async fn logged(
        &self,
        ids: &[String],
        detail: Detail,
        room: &mut usize,
    ) -> Result<(Vec<LogEntry>, Detail), GitError> {
        let files = match detail {
            Detail::Lines => "--numstat",
            Detail::Names => "--name-only",
            Detail::Nothing => "--no-patch",
        };
        let args = [
            "log",
            "--no-walk=unsorted",
            "--stdin",
            "-z",
            files,
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--diff-merges=first-parent",
            "--decorate=short",
            "--decorate-refs=refs/tags/",
            "--no-notes",
            FORMAT,
        ];
        let mut reader = log::LogReader::within(*room, detail == Detail::Lines);
        let input = Some(ids.join("\n") + "\n");
        self.read(&args, input, &mut |piece| reader.read(piece))
            .await?;
        let left = reader.room();
        let entries = reader.finish().map_err(GitError::Unreadable)?;
        *room = left;
        Ok((entries, detail))
    }
}
