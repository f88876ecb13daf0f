//! Workers: `work` processes that a test kills, freezes and wakes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callboard_core::fault;

use super::chance::tell;
use crate::support::daemon::{BOUND, eventually, until_frozen};
use crate::support::host::Host;

/// A worker; killed when it is dropped.
pub(super) struct Worker {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Worker {
    pub(super) fn start(host: &Host) -> Self {
        Self::spawn(host.command(&["work"]))
    }

    /// One that meets with a fault, such as `before-commit@2=kill`.
    pub(super) fn with_fault(host: &Host, fault: &str) -> Self {
        let mut command = host.command(&["work"]);
        command.env(fault::VARIABLE, fault);
        Self::spawn(command)
    }

    pub(super) fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let (lines, errors) = (Arc::clone(&said), child.stderr.take());
        std::thread::spawn(move || {
            let errors = BufReader::new(errors.expect("it was asked for"));
            for line in errors.lines().map_while(Result::ok) {
                lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        Self { child, said }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(super) fn said(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.join("\n")
    }

    /// Send a signal, e.g. `TERM`.
    pub(super) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(
            status.expect("`kill` is there").success(),
            "{}",
            self.said()
        );
    }

    pub(super) fn is_dead(&mut self) -> bool {
        let ended = self.child.try_wait().expect("it is a child");
        if let Some(status) = ended {
            assert!(status.code().is_none(), "{status}: {}", self.said());
        }
        ended.is_some()
    }

    /// Wait until it is frozen.
    #[track_caller]
    pub(super) fn until_frozen(&self) {
        until_frozen(self.id());
    }

    pub(super) fn kill(mut self) {
        self.child.kill().expect("it is a child");
        self.child.wait().expect("it is a child");
        self.sound();
    }

    /// Tell it to stop; it has to end well, and soon.
    #[track_caller]
    pub(super) fn drain(mut self) {
        eventually("it has begun", || {
            self.said().contains("working on").then_some(())
        });
        self.signal("TERM");
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                break status;
            }
            assert!(start.elapsed() < BOUND, "it does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(0), "{}", self.said());
        self.sound();
    }

    /// Whatever happened to it, it did not break.
    #[track_caller]
    fn sound(&self) {
        let said = self.said();
        // Guests panic on purpose, in their own file; the log tells of it in more than one line.
        let broken = |line: &str| {
            line.contains("panicked at") && !line.contains("panicked at torture/src/lib.rs")
        };
        assert!(!said.lines().any(broken), "{said}");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell(&format!("worker {} said:\n{}", self.id(), self.said()));
        }
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
