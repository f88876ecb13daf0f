//! Output that nobody takes: whoever read it has gone, or its disk is full.

use std::fs::File;
use std::process::{Command, Stdio};

use callboard_core::store::Dialect::Sqlite;

use crate::support::daemon::eventually;
use crate::support::factory::{DAY, Factory, board};
use crate::support::host::{Host, Ran};

/// A command for each way in which something is printed: help, sentences, tables, one document,
/// a failure's document, a file as it is.
const LINES: [&[&str]; 7] = [
    &["--help"],
    &["findings", "list"],
    &["handlers", "list"],
    &["handlers", "list", "--format", "json"],
    &["runs", "show", "nobody", "--format", "json"],
    &["aply", "--format", "json"],
    &["completions", "bash"],
];

/// Where nobody reads any more.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    let file = File::options().write(true).open("/dev/full");
    file.expect("a disk that is always full").into()
}

fn ran(mut command: Command, stdout: Stdio) -> Ran {
    let child = command.stdout(stdout).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the program starts");
    let ended = || child.try_wait().expect("it is a child");
    eventually("it ends", ended);
    child.wait_with_output().expect("it is a child").into()
}

#[test]
fn a_reader_that_has_gone_ends_a_command_quietly() {
    let factory = Factory::bare(Sqlite);
    for line in LINES {
        let ran = ran(factory.command(line), closed());
        assert_eq!(ran.code, 141, "{line:?}\n{ran}");
        let quiet = ran.stderr.is_empty() || line.contains(&"json");
        assert!(quiet && !ran.stderr.contains("panicked"), "{line:?}\n{ran}");
    }
}

#[test]
fn a_full_disk_is_a_failure_with_its_reason() {
    let factory = Factory::bare(Sqlite);
    for line in LINES {
        let ran = ran(factory.command(line), full());
        assert_eq!(ran.code, 1, "{line:?}\n{ran}");
        let told = ran
            .stderr
            .matches("standard output takes no more: No space");
        assert_eq!(told.count(), 1, "{line:?}\n{ran}");
        assert!(!ran.stderr.contains("panicked"), "{line:?}\n{ran}");
    }
}

/// Nobody reads errors either, and that is no reason to stop.
#[test]
fn what_is_said_beside_the_answer_may_be_lost() {
    for lost in [closed as fn() -> Stdio, full] {
        let host = Host::new();
        let mut command = host.command(&["run", "nothing"]);
        let status = command.stdout(Stdio::null()).stderr(lost()).status();
        assert_eq!(status.expect("the program starts").code(), Some(2));
    }
}

#[test]
fn whoever_follows_ends_with_its_reader() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let ran = ran(factory.command(&["runs", "tail", "latest"]), closed());
    assert_eq!((ran.code, ran.stderr.as_str()), (141, ""), "{ran}");
}
