//! Real git repositories, made by git, whose commits have the same ids on every machine.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// An empty repository on the branch `main`, removed when it is dropped.
pub(crate) fn repository() -> GitFolder {
    let repository = GitFolder {
        folder: tempfile::tempdir().expect("a temporary folder"),
    };
    repository.git(&["init", "--quiet", "--initial-branch=main"], "");
    repository
}

pub(crate) struct GitFolder {
    folder: TempDir,
}

/// A commit to be made. What is not said is the same in every test.
#[must_use = "nothing happens before `commit`"]
pub(crate) struct Commit<'r> {
    repository: &'r GitFolder,
    at: String,
    author: (String, String),
    body: String,
}

impl GitFolder {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A commit whose author and committer wrote it at `at`, e.g. `2026-01-02T10:00:00Z`.
    pub(crate) fn at(&self, at: &str) -> Commit<'_> {
        Commit {
            repository: self,
            at: at.to_owned(),
            author: ("Ada".to_owned(), "ada@example.org".to_owned()),
            body: String::new(),
        }
    }

    /// Run git, with `input` on its standard input; gives what it prints.
    pub(crate) fn git(&self, arguments: &[&str], input: &str) -> String {
        self.git_with(arguments, input, &[])
    }

    fn git_with(&self, arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> String {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(self.path());
        // No user's configuration or hooks, and no surrounding repository.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                git.env_remove(name);
            }
        }
        git.envs([
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("LC_ALL", "C"),
        ]);
        git.envs(variables.iter().copied());
        git.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = git.spawn().expect("git starts");
        let mut stdin = child.stdin.take().expect("it was asked for");
        // A git that reads nothing may have closed it.
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        let output = child.wait_with_output().expect("git ends");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout)
            .expect("git prints UTF-8")
            .trim_end()
            .to_owned()
    }
}

impl Commit<'_> {
    pub(crate) fn author(mut self, name: &str, email: &str) -> Self {
        self.author = (name.to_owned(), email.to_owned());
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// Write a file, or replace it, as part of the commit.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let target = self.repository.path().join(path);
        let folder = target.parent().expect("it is inside the repository");
        fs::create_dir_all(folder).expect("a folder of the repository");
        fs::write(&target, text).expect("a file of the repository");
        self
    }

    /// Remove a file as part of the commit.
    pub(crate) fn without(self, path: &str) -> Self {
        fs::remove_file(self.repository.path().join(path)).expect("it was there");
        self
    }

    /// Make the commit; gives its id. A commit without files is an empty one.
    pub(crate) fn commit(self, subject: &str) -> String {
        let message = match self.body.as_str() {
            "" => format!("{subject}\n"),
            body => format!("{subject}\n\n{body}\n"),
        };
        let (name, email) = &self.author;
        let variables = [
            ("GIT_AUTHOR_NAME", name.as_str()),
            ("GIT_AUTHOR_EMAIL", email),
            ("GIT_AUTHOR_DATE", &self.at),
            ("GIT_COMMITTER_NAME", name),
            ("GIT_COMMITTER_EMAIL", email),
            ("GIT_COMMITTER_DATE", &self.at),
        ];
        self.repository.git(&["add", "--all"], "");
        let commit = [
            "commit",
            "--quiet",
            "--allow-empty",
            "--cleanup=verbatim",
            "--file=-",
        ];
        self.repository.git_with(&commit, &message, &variables);
        self.repository.git(&["rev-parse", "HEAD"], "")
    }
}
