//! Output that is not read: its reader has gone, or its disk is full.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use callboard_core::store::Dialect::Sqlite;

use crate::support::daemon::{eventually, get};
use crate::support::factory::{DAY, Factory, board, diary};
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

/// Where no process reads any more.
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
        assert_eq!(ran.code, 3, "{line:?}\n{ran}");
        let told = ran
            .stderr
            .matches("standard output takes no more: No space");
        assert_eq!(told.count(), 1, "{line:?}\n{ran}");
        assert!(!ran.stderr.contains("panicked"), "{line:?}\n{ran}");
    }
}

/// Errors are not read either, and that is no reason to stop.
#[test]
fn what_is_said_beside_the_answer_may_be_lost() {
    for lost in [closed as fn() -> Stdio, full] {
        let host = Host::new();
        let mut command = host.command(&["run", "nothing"]);
        let status = command.stdout(Stdio::null()).stderr(lost()).status();
        assert_eq!(status.expect("the program starts").code(), Some(2));
    }
}

/// A pipe that is full, whose reader stands still.
fn stuck() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut fills = writer.try_clone().expect("it can be shared");
    // It goes with the reader.
    std::thread::spawn(move || while fills.write_all(&[b'.'; 4096]).is_ok() {});
    (reader, writer)
}

/// Ctrl-S on the terminal of a daemon, or a container's log driver that hangs.
#[test]
fn a_reader_of_errors_that_stands_still_holds_up_nothing() {
    let factory = Factory::bare(Sqlite);
    let (reader, writer) = stuck();
    let mut command = factory.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("CALLBOARD_LOG", "trace").stdout(Stdio::piped());
    let mut server = command.stderr(writer).spawn().expect("it starts");
    let stdout = server.stdout.take().expect("it was asked for");
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("site "));
    let line = line.expect("it says where it listens");
    let (_, address) = line.split_once("http://").expect("an address");
    let address = address.split('/').next().unwrap_or_default().parse();
    let address = address.expect("an address");
    // The daemon carries it out, and the command that asks is not stuck either.
    let (_kept, writer) = stuck();
    let repository = board();
    let line = diary(repository.path(), DAY);
    let line: Vec<_> = line.iter().map(String::as_str).collect();
    let mut command = factory.command(&line);
    let follower = command.stdout(Stdio::null()).stderr(writer).spawn();
    let mut follower = follower.expect("it starts");
    let ended = eventually("it ends", || follower.try_wait().expect("it is a child"));
    assert_eq!(ended.code(), Some(4));
    assert_eq!(get(address, "/health").status, 200);
    let term = Command::new("kill")
        .args(["-s", "TERM", &server.id().to_string()])
        .status();
    assert!(term.expect("`kill` is there").success());
    let ended = eventually("it ends", || server.try_wait().expect("it is a child"));
    assert_eq!(ended.code(), Some(0));
    drop(reader);
}

#[test]
fn whoever_follows_ends_with_its_reader() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let ran = ran(factory.command(&["runs", "tail", "latest"]), closed());
    assert_eq!((ran.code, ran.stderr.as_str()), (141, ""), "{ran}");
}
