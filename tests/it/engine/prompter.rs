//! Holds a stage under way for as long as a test wants: the stage asks an address, and ends when
//! it is answered.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::support::daemon::BOUND;

pub(super) struct Prompter {
    listener: TcpListener,
}

/// A stage that waits for its cue.
pub(super) struct Waiting {
    stream: TcpStream,
}

impl Prompter {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("it can be asked");
        Self { listener }
    }

    /// The lines of a grant that make it reachable.
    pub(super) fn grant(&self) -> String {
        let address = self.listener.local_addr().expect("it is bound");
        format!("port = {}\n", address.port())
    }

    /// The line of a stage's `config` that makes it wait.
    pub(super) fn config(&self) -> String {
        let address = self.listener.local_addr().expect("it is bound");
        format!("config = {{ prompter = \"http://{address}/\" }}")
    }

    /// Wait until a stage is under way.
    #[track_caller]
    pub(super) fn until_asked(&self) -> Waiting {
        let start = Instant::now();
        loop {
            if let Ok((stream, _)) = self.listener.accept() {
                stream.set_nonblocking(false).expect("it can wait");
                return Waiting { stream };
            }
            assert!(start.elapsed() < BOUND, "no stage asks");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Waiting {
    /// Let the stage end.
    pub(super) fn answer(mut self) {
        // With a part of the request unread, closing would cut the answer off.
        let mut request = [0; 4096];
        let asked = self.stream.read(&mut request).expect("it asks");
        assert!(request[..asked].ends_with(b"\r\n\r\n"), "a whole request");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        self.stream.write_all(answer).expect("it listens");
    }

    /// Wait until the stage was stopped: it hangs up without an answer.
    pub(super) fn until_stopped(mut self) {
        let bound = self.stream.set_read_timeout(Some(BOUND));
        bound.expect("a socket takes a bound");
        let mut request = Vec::new();
        let read = self.stream.read_to_end(&mut request);
        let hung_up = read.map_err(|error| error.kind());
        assert!(
            matches!(hung_up, Ok(_) | Err(std::io::ErrorKind::ConnectionReset)),
            "{hung_up:?}"
        );
    }
}
