//! `serve` and `work` as child processes: their address, what they print, and how they end.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::database::{nobody_writes, runtime};
use super::host::{Host, Ran};
use crate::site::client::{Answer, Client};

/// How long anything may take before a test gives up on it.
pub(crate) const BOUND: Duration = Duration::from_secs(90);

/// A running program, killed when its test ends.
pub(crate) struct Daemon {
    child: Child,
    lines: Receiver<String>,
    stdout: Receiver<String>,
}

impl Daemon {
    /// Start the program; both of its outputs are read from then on.
    pub(crate) fn start(host: &Host, arguments: &[&str]) -> Self {
        Self::of(host.command(arguments))
    }

    /// Start the program as it was made ready.
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let lines = read(child.stderr.take().expect("it was asked for"));
        let stdout = read(child.stdout.take().expect("it was asked for"));
        Self {
            child,
            lines,
            stdout,
        }
    }

    /// Wait for a line on standard error that contains `text`.
    #[track_caller]
    pub(crate) fn until(&self, text: &str) -> String {
        wait_for(&self.lines, text)
    }

    /// Wait for a line on standard output that contains `text`.
    #[track_caller]
    pub(crate) fn printed(&self, text: &str) -> String {
        wait_for(&self.stdout, text)
    }

    /// Wait until `serve` says where it listens for readers.
    #[track_caller]
    pub(crate) fn address(&self) -> SocketAddr {
        self.listens("site ")
    }

    /// Wait until `serve` says where it listens for the console, after [`Daemon::address`].
    #[track_caller]
    pub(crate) fn console(&self) -> SocketAddr {
        self.listens("console ")
    }

    #[track_caller]
    fn listens(&self, what: &str) -> SocketAddr {
        let line = wait_for(&self.stdout, what);
        let (_, rest) = line.split_once("http://").expect("an address");
        let address = rest.split('/').next().unwrap_or_default().parse();
        address.unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Send a signal, e.g. `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.expect("`kill` is there").success());
    }

    /// Freeze it while it holds no lock of the database at `url`, as most that freeze do.
    #[track_caller]
    pub(crate) fn freeze(&self, url: &str) {
        eventually("it rests from writing", || {
            self.signal("STOP");
            until_frozen(self.id());
            if nobody_writes(url) {
                return Some(());
            }
            self.signal("CONT");
            None
        });
    }

    /// Wait for the end.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ran {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                break status;
            }
            assert!(start.elapsed() < BOUND, "the program does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let all = |lines: &Receiver<String>| lines.iter().collect::<Vec<_>>().join("\n");
        Ran {
            code: status.code().unwrap_or(-1),
            stdout: all(&self.stdout),
            stderr: all(&self.lines),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The lines of an output as they come; the end of the channel is the end of the output.
fn read(output: impl Read + Send + 'static) -> Receiver<String> {
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

#[track_caller]
fn wait_for(lines: &Receiver<String>, text: &str) -> String {
    let start = Instant::now();
    let mut seen = Vec::new();
    while let Ok(line) = lines.recv_timeout(BOUND.saturating_sub(start.elapsed())) {
        if line.contains(text) {
            return line;
        }
        seen.push(line);
    }
    panic!("`{text}` was never printed; what was:\n{}", seen.join("\n"));
}

/// Wait until every thread of a process is frozen.
#[track_caller]
pub(crate) fn until_frozen(process: u32) {
    let frozen = |thread: std::io::Result<std::fs::DirEntry>| {
        let state = thread.ok()?.path().join("stat");
        // One that has ended meanwhile does nothing either.
        let text = std::fs::read_to_string(state).unwrap_or_else(|_| ") T".to_owned());
        let (_, rest) = text.rsplit_once(')')?;
        rest.trim_start().starts_with('T').then_some(())
    };
    eventually("it is frozen", || {
        let threads = std::fs::read_dir(format!("/proc/{process}/task"));
        threads
            .expect("it is a child")
            .try_for_each(|thread| frozen(thread).ok_or(()))
            .ok()
    });
}

/// One request, on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    runtime().block_on(Client { address }.get(path))
}

/// One request with lines of its head.
pub(crate) fn get_with(address: SocketAddr, path: &str, headers: &str) -> Answer {
    runtime().block_on(Client { address }.send("GET", path, headers))
}

/// Look again and again until there is something, at most for [`BOUND`].
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            start.elapsed() < BOUND,
            "{what}: not in {} s",
            BOUND.as_secs()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
