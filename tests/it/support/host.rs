//! The program itself, in a workspace of its own, with nothing of the surroundings in it.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use callboard::cli::Cli;
use clap::CommandFactory as _;
use tempfile::TempDir;

/// A workspace folder and the environment that the program is run in.
pub(crate) struct Host {
    folder: TempDir,
    variables: Vec<(OsString, OsString)>,
}

/// How a run of the program ended. Printed, it is what a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// The exit code, or -1 if a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Host {
    /// An empty folder, which is no workspace yet, and the home `home` beside it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["workspace", "home"] {
            fs::create_dir(folder.path().join(name)).expect("a temporary folder");
        }
        Self {
            folder,
            variables: Vec::new(),
        }
    }

    /// The folder that the program runs in.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// Set a variable for every run from now on.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Write a file of the workspace.
    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let target = self.workspace().join(path);
        let folder = target.parent().expect("it is inside the workspace");
        fs::create_dir_all(folder).expect("a folder of the workspace");
        fs::write(&target, content).expect("a file of the workspace");
    }

    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.workspace().join(path);
        fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()))
    }

    /// The program, ready to be started by a test that talks to it while it runs.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(super::program());
        command
            .args(arguments)
            .current_dir(self.workspace())
            .env_clear();
        // What programs can't do without, and what makes their output the same everywhere.
        for name in [
            "PATH",
            "LD_LIBRARY_PATH",
            "TMPDIR",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("CALLBOARD_CACHE", super::compiled());
        command.env("HOME", self.folder.path().join("home"));
        command.envs([
            ("NO_COLOR", "1"),
            ("COLUMNS", "100"),
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
        ]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// The program with a terminal for its outputs, which makes `\r\n` of the end of a line.
    pub(crate) fn on_terminal(&self, arguments: &[&str]) -> Command {
        self.on_terminal_after("", arguments)
    }

    /// The same after another command line on that terminal.
    pub(crate) fn on_terminal_after(&self, first: &str, arguments: &[&str]) -> Command {
        let program = self.command(arguments);
        let mut words = vec![program.get_program().to_string_lossy()];
        words.extend(program.get_args().map(|word| word.to_string_lossy()));
        let line = format!("{first} {}", words.join(" "));
        let mut terminal = self.around("script", &["-qfec", &line, "/dev/null"]);
        terminal.stdin(Stdio::null());
        terminal
    }

    /// Another program, in the folder and the environment that the program is run in.
    pub(crate) fn around(&self, program: &str, arguments: &[&str]) -> Command {
        let mut around = Command::new(program);
        around.args(arguments).env_clear();
        around.current_dir(self.workspace());
        let command = self.command(&[]);
        let variables = command.get_envs();
        around.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        around
    }

    /// Run the program to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let ran: Ran = self
            .command(arguments)
            .output()
            .expect("the program starts")
            .into();
        can_be_typed(&ran);
        ran
    }

    /// Run the program, which has to succeed; gives what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "callboard {}\n{ran}", arguments.join(" "));
        ran.stdout
    }

    /// From here to the end of the scope, snapshots show `[run]`, `[time]` and the like where
    /// two runs of a test differ.
    #[must_use = "the filters hold until this is dropped"]
    pub(crate) fn filters(&self) -> insta::internals::SettingsBindDropGuard {
        let mut settings = insta::Settings::clone_current();
        let folder = self.folder.path().display().to_string();
        for path in [
            fs::canonicalize(&folder)
                .expect("it exists")
                .display()
                .to_string(),
            folder,
        ] {
            settings.add_filter(&literally(&path), "[folder]");
        }
        for (pattern, shown) in FILTERS {
            settings.add_filter(pattern, *shown);
        }
        settings.bind_to_scope()
    }
}

/// What differs between two runs; applied in this order.
pub(crate) const FILTERS: &[(&str, &str)] = &[
    (r"postgres(?:ql)?://[^\s`]+", "[database]"),
    (
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
        "[id]",
    ),
    (r"\b[0-9a-f]{64}\b", "[digest]"),
    (
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?",
        "[time]",
    ),
    (r"\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms)\b", "[duration]"),
    (r"\b\d+\.\d+\s?s\b", "[duration]"),
    (r"\b(127\.0\.0\.1|localhost|\[::1\]):\d+", "$1:[port]"),
    (
        concat!(r"\b", env!("CARGO_PKG_VERSION"), r"\b"),
        "[version]",
    ),
];

/// What is printed as the next command can be typed as it is: a shell takes it apart, and the
/// program takes the words.
#[track_caller]
fn can_be_typed(ran: &Ran) {
    for line in ran.stdout.lines() {
        let Some(command) = line.strip_prefix("next: ") else {
            continue;
        };
        let apart = format!("for word in {command}; do printf '%s\\0' \"$word\"; done");
        let words = Command::new("sh").args(["-c", &apart]).output();
        let words = String::from_utf8(words.expect("a shell").stdout).expect("UTF-8");
        let read = Cli::command().try_get_matches_from(words.split_terminator('\0'));
        assert!(read.is_ok(), "{line}: {}", read.expect_err("refused"));
    }
}

/// A pattern that only `text` fits.
fn literally(text: &str) -> String {
    text.chars()
        .flat_map(|it| {
            (!it.is_alphanumeric())
                .then_some('\\')
                .into_iter()
                .chain([it])
        })
        .collect()
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code: {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n----- {name} -----\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}
