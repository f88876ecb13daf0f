//! How git is run: with what of the environment, for how long, and what is read of what it says.

use std::process::Output;
use std::time::{Duration, Instant};

use callboard_core::bounded;
use callboard_core::launch::{self, LaunchBounds};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdout};

use super::Git;
use super::error::{GitError, unreadable};

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

/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;

impl Git {
    /// Give what git prints to `take`, piece by piece: how much it is, is not ours to say.
    pub(super) async fn read(
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

    pub(super) async fn run(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        let output = self.output(args, None).await?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(self.refused(&output))
        }
    }

    pub(super) async fn output(
        &self,
        args: &[&str],
        input: Option<String>,
    ) -> Result<Output, GitError> {
        let mut child = self.spawn(args)?;
        let answer = async {
            feed(&mut child, input).await;
            child.wait_with_output().await.map_err(unreadable)
        };
        self.in_time(answer).await?
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        left.max(Duration::from_millis(1))
    }

    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, GitError> {
        tokio::time::timeout(self.left(), work)
            .await
            .map_err(|_| GitError::Timeout)
    }

    pub(super) fn spawn(&self, args: &[&str]) -> Result<Child, GitError> {
        let bounds = LaunchBounds {
            memory_mib: self.memory_mib,
            // The caller that waits for it ends it before; this is for one whose caller has gone.
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

    pub(super) fn refused(&self, output: &Output) -> GitError {
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
    let Some(mut stderr) = stderr else {
        return String::new();
    };
    let words = bounded::heard(&mut stderr, PIECE as u64).await;
    tokio::io::copy(&mut stderr, &mut tokio::io::sink())
        .await
        .ok();
    String::from_utf8_lossy(&words.unwrap_or_default()).into_owned()
}
