//! Gives handlers their cues, and keeps who asked. Each request is one call of a handler.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use crate::support::daemon::{BOUND, eventually};

/// What a call is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    /// One word for the handler.
    Say(&'static str),
    /// `done`, once so many calls have been made in all.
    Once(usize),
    /// Nothing, and the connection stays open.
    Hang,
}

pub(super) const DONE: Cue = Cue::Say("done");

/// Listens on a port of its own until the test's process ends.
pub(super) struct Prompter {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    asked: Condvar,
}

#[derive(Default)]
struct Book {
    /// The cues of each stage, in the order of its calls; then `done`.
    cues: BTreeMap<String, VecDeque<Cue>>,
    calls: Vec<String>,
    /// Connections that get no answer.
    hanging: Vec<TcpStream>,
}

impl Prompter {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared::default());
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.answer(stream));
            }
        });
        Self { shared, address }
    }

    /// What a handler's configuration takes.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The cues of a stage's next calls.
    pub(super) fn cue(&self, stage: &str, cues: &[Cue]) {
        let mut book = self.shared.book.lock().expect("no panic");
        let known = book.cues.entry(stage.to_owned()).or_default();
        known.extend(cues);
    }

    /// The calls so far, as `stage/visit/attempt`.
    pub(super) fn calls(&self) -> Vec<String> {
        self.shared.book.lock().expect("no panic").calls.clone()
    }

    /// The stages that were called so far.
    pub(super) fn stages(&self) -> String {
        let calls = self.calls();
        let stages = calls.iter().filter_map(|call| call.split('/').next());
        stages.collect::<Vec<_>>().join(" ")
    }

    /// Wait for a call.
    #[track_caller]
    pub(super) fn until_called(&self, call: &str) {
        eventually(call, || {
            self.calls().iter().any(|it| it == call).then_some(())
        });
    }

    /// The calls of a play that begins anew are counted from none.
    pub(super) fn forget(&self) {
        self.shared.book.lock().expect("no panic").calls.clear();
    }

    /// Tell everybody who waits for a cue that it is done.
    pub(super) fn release(&self) {
        let mut book = self.shared.book.lock().expect("no panic");
        for mut stream in book.hanging.drain(..) {
            respond(&mut stream, "done");
        }
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(BOUND)).ok()?;
        let call = read(&stream)?;
        let stage = call.split('/').next()?.to_owned();
        let mut book = self.book.lock().expect("no panic");
        book.calls.push(call);
        self.asked.notify_all();
        let cues = book.cues.entry(stage).or_default();
        match cues.pop_front().unwrap_or(DONE) {
            Cue::Say(word) => respond(&mut stream, word),
            Cue::Hang => book.hanging.push(stream),
            Cue::Once(calls) => {
                let few = |book: &mut Book| book.calls.len() < calls;
                drop(self.asked.wait_timeout_while(book, BOUND, few));
                respond(&mut stream, "done");
            }
        }
        Some(())
    }
}

/// Read a request without a body; gives its path.
fn read(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let path = first.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    lines.find(String::is_empty)?;
    Some(path)
}

fn respond(stream: &mut TcpStream, word: &str) {
    let length = word.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // The process that asked may have been killed.
    stream.write_all(format!("{head}{word}").as_bytes()).ok();
}
