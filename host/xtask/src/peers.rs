//! What the engine is measured against, by the benchmarks. A peer that can't be had is named, with
//! the reason: here, and by `tests/bench/peer` in its place.
#![expect(
    clippy::disallowed_methods,
    reason = "the files of the repository, read by its recipes"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files::{copy, kept, make_folder, root, same};
use crate::tools::{Trouble, have, npm_ci, pip, say};

struct Peers {
    kind: &'static str,
    what: &'static str,
    /// What pins their versions, in `tests/bench`.
    list: &'static str,
    needs: &'static [&'static str],
    /// What of the same folder has to lie where they are installed.
    beside: &'static [&'static str],
    /// The commands that install them into a folder, by their list.
    commands: fn(&Path, &Path) -> Vec<Command>,
}

const PEERS: [Peers; 2] = [
    Peers {
        kind: "python",
        what: "LangGraph and DBOS",
        list: "requirements.txt",
        needs: &["python3"],
        beside: &[],
        commands: in_python,
    },
    Peers {
        kind: "node",
        what: "graphile-worker",
        list: "package-lock.json",
        needs: &["node", "npm"],
        beside: &["package.json", "package-lock.json"],
        commands: in_node,
    },
];

/// Install them all, unless the same versions are there.
pub(crate) fn install() -> Result<(), Trouble> {
    let Some(folder) = kept("CALLBOARD_BENCH_PEERS") else {
        say(
            "not measured: the engine's peers; CALLBOARD_BENCH_PEERS is not set, ./just bench sets it",
        );
        return Ok(());
    };
    make_folder(&folder)?;
    PEERS.iter().try_for_each(|peers| peers.install(&folder))
}

impl Peers {
    fn install(&self, folder: &Path) -> Result<(), Trouble> {
        if let Some(needed) = self.needs.iter().find(|needed| !have(needed)) {
            return self.missing(folder, &format!("no {needed} on this machine"));
        }
        let (list, installed) = (lists().join(self.list), self.file(folder, "installed"));
        fs::remove_file(self.file(folder, "missing")).ok();
        if same(&list, &installed) {
            return Ok(());
        }
        fs::remove_file(&installed).ok();
        let into = folder.display();
        say(format_args!(
            "installing {}, which the engine is measured against, into {into} …",
            self.what
        ));
        let log = self.file(folder, "log");
        for name in self.beside {
            copy(&lists().join(name), &folder.join(name))?;
        }
        for mut command in (self.commands)(folder, &list) {
            if !logged(&mut command, &log) {
                let told = fs::read_to_string(&log).unwrap_or_default();
                return self.missing(folder, reason(&told));
            }
        }
        copy(&list, &installed)
    }

    fn missing(&self, folder: &Path, reason: &str) -> Result<(), Trouble> {
        say(format_args!("not measured: {}: {reason}", self.what));
        let file = self.file(folder, "missing");
        fs::write(&file, format!("{reason}\n"))
            .map_err(|error| Trouble::new(format!("failed to write {}: {error}", file.display())))
    }

    fn file(&self, folder: &Path, ending: &str) -> PathBuf {
        folder.join(self.kind).with_extension(ending)
    }
}

fn lists() -> PathBuf {
    root().join("tests/bench")
}

fn in_python(folder: &Path, list: &Path) -> Vec<Command> {
    let venv = folder.join("venv");
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    let mut install = pip(&venv);
    install.arg("--requirement").arg(list);
    vec![make, install]
}

fn in_node(folder: &Path, _: &Path) -> Vec<Command> {
    vec![npm_ci(folder)]
}

/// Whether a command succeeds; what it says goes to a file.
fn logged(command: &mut Command, log: &Path) -> bool {
    let Ok((out, err)) = File::create(log).and_then(|file| Ok((file.try_clone()?, file))) else {
        return false;
    };
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    command.status().is_ok_and(|status| status.success())
}

/// The line of a log that says why: the first of an error, or else the last.
fn reason(log: &str) -> &str {
    let mut lines = log.lines();
    let error = lines.find(|line| line.to_lowercase().contains("error"));
    error
        .or_else(|| log.lines().last())
        .unwrap_or("it told nothing")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_reason_is_the_first_error_or_the_last_line() {
        assert_eq!(super::reason("a\nnpm Error: b\nc\n"), "npm Error: b");
        assert_eq!(super::reason("a\nb\n"), "b");
    }
}
