//! What was written into a folder as a commit of the git repository that it is in: documents that are as they were
//! written, their pictures, and nothing of anybody else. What of ours is not committed yet is looked up each time, so that
//! a commit that did not come about comes with the next call, and the same call again makes none.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use callboard_core::launch::{self, LaunchBounds};
use callboard_core::shown::cut;

use super::{MARK, Seal, files};
use crate::images::picture;

/// What git may use up; hooks run under it, too.
const MEMORY_MIB: u64 = 1024;
/// What of this process's environment git and the hooks are given.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "XDG_CONFIG_HOME", "LD_LIBRARY_PATH"];
/// Characters of what git says that are kept.
const SAID: usize = 600;
/// The folder of the pictures.
const PICTURES: &str = "media/";

/// A repository, and who commits.
#[derive(Debug, Clone)]
pub struct Committer<'c> {
    pub folder: &'c Path,
    /// `Name <address>`; whom git names, if absent.
    pub author: Option<&'c str>,
    /// The same of who commits; the author, if absent.
    pub committer: Option<&'c str>,
    pub until: Instant,
}

/// Why there is no commit.
#[derive(Debug)]
pub enum Uncommitted {
    /// How it is set up allows none, whatever is tried.
    Config(String),
    /// Something stands in the way that a person has to look at: a rule, and what.
    Refused(&'static str, String),
    /// Git could not do it now.
    Unavailable(String),
}

impl Committer<'_> {
    /// Nothing stands in the way of a commit: asked before anything is written.
    pub async fn is_ready(&self) -> Result<(), Uncommitted> {
        let there = self.folder.ancestors().find(|folder| folder.is_dir());
        let folder = there.unwrap_or(self.folder);
        let there = Committer {
            folder,
            ..self.clone()
        };
        there.is_clean().await
    }

    async fn is_clean(&self) -> Result<(), Uncommitted> {
        let prefix = self.prefix().await?;
        for head in [
            "MERGE_HEAD",
            "CHERRY_PICK_HEAD",
            "REVERT_HEAD",
            "REBASE_HEAD",
        ] {
            let found = self
                .git(&["rev-parse", "--quiet", "--verify", head])
                .await?;
            if found.status.success() {
                let told = format!("a merge, a rebase or the like is under way ({head})");
                return Err(self.dirty(&format!("{told}; end it or abort it")));
            }
        }
        let diff = ["diff", "--cached", "--name-only", "--no-renames", "-z"];
        let staged = self.said(&diff).await?;
        for path in paths(&staged) {
            let own = match path.strip_prefix(prefix.as_str()) {
                Some(name) => self.is_ours(&prefix, name).await?,
                None => false,
            };
            if !own {
                let told = format!("`{path}` is staged, by somebody else; commit it or unstage it");
                return Err(self.dirty(&told));
            }
        }
        Ok(())
    }

    /// Commit what of ours is not committed. Whether there was something.
    pub async fn commit(&self, message: &str) -> Result<bool, Uncommitted> {
        let prefix = self.prefix().await?;
        let status = [
            "status",
            "--porcelain=v1",
            "--untracked-files=all",
            "--no-renames",
            "-z",
            "--",
            ".",
        ];
        let changed = self.said(&status).await?;
        let mut ours = Vec::new();
        for entry in paths(&changed) {
            let name = entry
                .get(3..)
                .and_then(|it| it.strip_prefix(prefix.as_str()));
            let Some(name) = name else { continue };
            if self.is_ours(&prefix, name).await? {
                ours.push(name.to_owned());
            }
        }
        if ours.is_empty() {
            return Ok(false);
        }
        let with = |args: &[&str]| -> Vec<String> {
            let args = args.iter().map(|it| (*it).to_owned());
            args.chain(ours.iter().cloned()).collect()
        };
        self.done(&with(&["add", "--"])).await?;
        let message = format!("--message={message}");
        let commit = [
            "commit",
            "--quiet",
            "--cleanup=verbatim",
            "--only",
            &message,
            "--",
        ];
        self.done(&with(&commit)).await?;
        Ok(true)
    }

    /// Whether a changed path of the folder is one that we wrote, or removed.
    async fn is_ours(&self, prefix: &str, name: &str) -> Result<bool, Uncommitted> {
        if name == MARK {
            return Ok(true);
        }
        if let Some(picture) = name.strip_prefix(PICTURES) {
            return Ok(picture::mime(picture).is_some());
        }
        if name.contains('/') || !name.ends_with(".md") {
            return Ok(false);
        }
        let path = self.folder.join(name);
        match files::sealed(&path) {
            Ok(seal) => Ok(seal.is_some_and(|seal| seal.intact)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                let before = self.git(&["show", &format!("HEAD:{prefix}{name}")]).await?;
                let text = String::from_utf8_lossy(&before.stdout);
                let seal = Seal::of(&text).ok().flatten();
                Ok(before.status.success() && seal.is_some_and(|seal| seal.intact))
            }
            Err(cause) => Err(Uncommitted::Unavailable(format!(
                "{}: {cause}",
                path.display()
            ))),
        }
    }

    /// Where the folder is in its repository: empty, or with a slash at its end.
    async fn prefix(&self) -> Result<String, Uncommitted> {
        let found = self.git(&["rev-parse", "--show-prefix"]).await?;
        if found.status.success() {
            let prefix = String::from_utf8_lossy(&found.stdout);
            return Ok(prefix.trim_end_matches('\n').to_owned());
        }
        let folder = self.folder.display();
        Err(Uncommitted::Config(format!(
            "config.commit: {folder} is in no git repository that can be used ({}); make one with `git init`, or \
             leave `commit` out",
            words(&found)
        )))
    }

    fn dirty(&self, what: &str) -> Uncommitted {
        let folder = self.folder.display();
        let told = format!("the repository of {folder} is not ready for a commit: {what}");
        Uncommitted::Refused("dirty", told)
    }

    async fn said(&self, args: &[&str]) -> Result<String, Uncommitted> {
        let output = self.git(args).await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let told = format!("git {}: {}", args[0], words(&output));
        Err(Uncommitted::Unavailable(told))
    }

    /// A step of the commit itself, which the repository may refuse.
    async fn done(&self, args: &[String]) -> Result<(), Uncommitted> {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = self.git(&args).await?;
        if output.status.success() {
            return Ok(());
        }
        let told = format!("git {}: {}", args[0], words(&output));
        Err(if told.contains("index.lock") {
            Uncommitted::Unavailable(told)
        } else if told.contains("tell me who you are") || told.contains("ident name") {
            let mend = "write `author = \"Name <address>\"` beside `commit`";
            Uncommitted::Config(format!("{told}; {mend}"))
        } else {
            Uncommitted::Refused(
                "commit",
                format!("{told}; what was written is there, uncommitted"),
            )
        })
    }

    async fn git(&self, args: &[&str]) -> Result<Output, Uncommitted> {
        let left = self.until.saturating_duration_since(Instant::now());
        let bounds = LaunchBounds {
            memory_mib: MEMORY_MIB,
            seconds: 2 * (left.as_secs() + 1),
        };
        let mut command = launch::command("git", bounds);
        let kept = ENVIRONMENT.map(|name| (name, std::env::var_os(name)));
        let kept = kept.into_iter();
        command.envs(kept.filter_map(|(name, value)| Some((name, value?))));
        let always = [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_EDITOR", "true"),
        ];
        command.envs(always).envs(self.people());
        command
            .args(["--no-pager", "--literal-pathspecs", "-C"])
            .arg(self.folder);
        command.args(["-c", "core.quotepath=off", "-c", "color.ui=false"]);
        let unavailable = |told: String| Uncommitted::Unavailable(told);
        let child = command.args(args).spawn();
        let mut child =
            child.map_err(|cause| unavailable(format!("git does not start: {cause}")))?;
        drop(child.stdin.take());
        let ended =
            tokio::time::timeout(left.max(Duration::from_millis(1)), child.wait_with_output());
        let ended = ended.await;
        let ended = ended.map_err(|_| unavailable(format!("git {}: its time is over", args[0])))?;
        ended.map_err(|cause| unavailable(format!("git {}: {cause}", args[0])))
    }

    /// Author and committer, as git is told of them.
    fn people(&self) -> Vec<(&'static str, &str)> {
        let committer = self.committer.or(self.author);
        let author = self.author.and_then(parted);
        let committer = committer.and_then(parted);
        let author = author
            .map(|(name, address)| [("GIT_AUTHOR_NAME", name), ("GIT_AUTHOR_EMAIL", address)]);
        let committer = committer.map(|(name, address)| {
            [
                ("GIT_COMMITTER_NAME", name),
                ("GIT_COMMITTER_EMAIL", address),
            ]
        });
        author.into_iter().chain(committer).flatten().collect()
    }
}

/// `Name <address>` in its parts.
fn parted(person: &str) -> Option<(&str, &str)> {
    let (name, address) = person.strip_suffix('>')?.split_once('<')?;
    Some((name.trim(), address.trim()))
}

/// What git separates by zeros.
fn paths(said: &str) -> impl Iterator<Item = &str> {
    said.split('\0').filter(|path| !path.is_empty())
}

/// What git, or a hook, said of it.
fn words(output: &Output) -> String {
    let told = [&output.stderr, &output.stdout].map(|it| String::from_utf8_lossy(it).into_owned());
    let told = told.join("\n");
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(told, SAID)
}
