//! One shell for all commands of a page: folder and variables last from one to the next.

use std::io::{BufRead as _, BufReader, PipeReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use crate::support::daemon::BOUND;
use crate::support::host::Host;

/// What the shell prints behind a command, with its exit code.
const ENDED: &str = "\u{1}ended ";

/// Where a page presses Ctrl-C.
pub(super) const CTRL_C: &str = "^C";

pub(super) struct Shell {
    child: Child,
    lines: Receiver<String>,
}

/// What a command printed, on both outputs, and its exit code.
pub(super) struct Printed {
    pub(super) lines: Vec<String>,
    pub(super) code: i32,
}

impl Shell {
    pub(super) fn new(host: &Host) -> Self {
        let (reads, writes) = std::io::pipe().expect("a pipe");
        let mut shell = host.around("sh", &[]);
        shell
            .stdin(Stdio::piped())
            .stdout(writes.try_clone().expect("a pipe"))
            .stderr(writes);
        // A group of its own, so that Ctrl-C reaches whatever runs in it, and nothing is left.
        let child = shell.process_group(0).spawn().expect("a shell starts");
        let mut shell = Self {
            child,
            lines: read(reads),
        };
        shell.send("trap : INT");
        shell
    }

    /// Run a command to its end.
    #[track_caller]
    pub(super) fn run(&mut self, command: &str) -> Printed {
        self.until(command, |_| false)
    }

    /// Run a command, and press Ctrl-C after a line that `last` is true of.
    #[track_caller]
    pub(super) fn until(&mut self, command: &str, mut last: impl FnMut(&str) -> bool) -> Printed {
        // It reads nothing of what follows, and the next one may ask how it ended.
        self.send(&format!(
            "{{ {command}\n}} </dev/null; code=$?; printf '{ENDED}%s\\n' $code; (exit $code)"
        ));
        let start = Instant::now();
        let mut lines = Vec::new();
        loop {
            let left = BOUND.saturating_sub(start.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("`{command}` does not end; it printed\n{}", lines.join("\n"));
            };
            if let Some((rest, code)) = line.split_once(ENDED) {
                // What was printed last may not have ended its line.
                lines.extend((!rest.is_empty()).then(|| rest.to_owned()));
                let code = code.parse().expect("an exit code");
                return Printed { lines, code };
            }
            let interrupt = last(&line);
            lines.push(line);
            if interrupt {
                self.signal("INT");
                lines.push(CTRL_C.to_owned());
            }
        }
    }

    fn send(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("it was asked for");
        writeln!(input, "{text}").expect("the shell reads");
    }

    fn signal(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        let status = Command::new("kill")
            .args(["-s", name, "--", &group])
            .status();
        assert!(status.expect("`kill` is there").success());
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.signal("KILL");
        self.child.wait().ok();
    }
}

/// The lines of both outputs as they come.
fn read(output: PipeReader) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
