//! A model server of the test's own: it says what it is told to, well or badly.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::daemon::{BOUND, eventually};

/// How a request is answered.
#[derive(Clone)]
pub(crate) enum Say {
    /// The text, complete.
    Text(&'static str),
    /// The text, once as many have asked.
    Together(usize, &'static str),
    /// The text, cut off at the limit of tokens.
    Cut(&'static str),
    /// A status without a text.
    Status(u16),
    /// A status, with the seconds after which to ask again.
    Busy(u16, u32),
    /// A success with this document, as a whole.
    Document(Json),
    /// A success that is streamed: these bytes, one after the other, and what happens then.
    Pieces(Vec<String>, Then),
    /// The connection is closed without an answer.
    Close,
    /// Half of an answer, then the connection is closed.
    Half,
    /// Nothing, and the connection stays open.
    Hang,
}

/// What happens after the pieces of an answer.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// It ends.
    End,
    /// The connection breaks amid it.
    Break,
    /// Nothing more comes, and the connection stays open.
    Silence,
    /// The last piece comes again, for ever.
    Again,
}

/// Listens on a port of its own until it is dropped.
pub(crate) struct ModelServer {
    shared: Arc<Shared>,
    address: String,
}

struct Shared {
    asked: AtomicUsize,
    /// What each request had as `authorization`; empty without one.
    credentials: Mutex<Vec<String>>,
    requests: Mutex<Vec<ModelAsked>>,
    ended: AtomicBool,
    say: Mutex<Say>,
    gathering: Mutex<usize>,
    gathered: Condvar,
    /// Connections that get no answer.
    hanging: Mutex<Vec<TcpStream>>,
}

impl ModelServer {
    pub(crate) fn new(say: Say) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let shared = Arc::new(Shared {
            asked: AtomicUsize::new(0),
            credentials: Mutex::default(),
            requests: Mutex::default(),
            ended: AtomicBool::new(false),
            say: Mutex::new(say),
            gathering: Mutex::new(0),
            gathered: Condvar::new(),
            hanging: Mutex::new(Vec::new()),
        });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || server.listen(&listener));
        Self { shared, address }
    }

    /// The address, as `roles.writer.url` takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Say something else from now on.
    pub(crate) fn say(&self, say: Say) {
        *self.shared.say.lock().expect("no panic") = say;
    }

    /// Wait until a client has asked.
    #[track_caller]
    pub(crate) fn until_asked(&self) {
        eventually("the model is asked", || (self.asked() > 0).then_some(()));
    }

    /// What each request had as `authorization`; empty without one.
    pub(crate) fn credentials(&self) -> Vec<String> {
        self.shared.credentials.lock().expect("no panic").clone()
    }

    /// What each request was.
    pub(crate) fn requests(&self) -> Vec<ModelAsked> {
        self.shared.requests.lock().expect("no panic").clone()
    }

    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // The listener wakes up and sees it.
        TcpStream::connect(&self.address).ok();
    }
}

impl Shared {
    fn listen(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming().map_while(Result::ok) {
            if self.ended.load(Ordering::SeqCst) {
                break;
            }
            let shared = Arc::clone(&self);
            std::thread::spawn(move || shared.answer(stream));
        }
    }

    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(BOUND)).ok()?;
        let request = read_request(&stream)?;
        let credential = request.header("authorization").to_owned();
        self.credentials.lock().expect("no panic").push(credential);
        let streams = request.body["stream"] == true && request.path.ends_with("/completions");
        self.requests.lock().expect("no panic").push(request);
        let say = self.say.lock().expect("no panic").clone();
        self.asked.fetch_add(1, Ordering::SeqCst);
        match say {
            Say::Text(text) if streams => self.pieces(stream, &pieces(text, "stop"), Then::End),
            Say::Cut(text) if streams => self.pieces(stream, &pieces(text, "length"), Then::End),
            Say::Pieces(pieces, then) => self.pieces(stream, &pieces, then),
            Say::Text(text) => respond(&mut stream, 200, &completion(text, "stop")),
            Say::Cut(text) => respond(&mut stream, 200, &completion(text, "length")),
            Say::Together(number, text) => {
                self.gather(number);
                respond(&mut stream, 200, &completion(text, "stop"))
            }
            Say::Document(document) => respond(&mut stream, 200, &document.to_string()),
            Say::Busy(status, seconds) => {
                let body = "{\"error\":\"busy\"}";
                respond_with(
                    &mut stream,
                    status,
                    &format!("retry-after: {seconds}\r\n"),
                    body,
                )
            }
            Say::Status(status) => respond(&mut stream, status, "{\"error\":\"no memory\"}"),
            Say::Half => stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n{\"choi")
                .ok(),
            Say::Close => None,
            Say::Hang => {
                self.hanging.lock().expect("no panic").push(stream);
                None
            }
        }
    }

    /// Answer piece by piece, each in a chunk of its own.
    fn pieces(&self, mut stream: TcpStream, pieces: &[String], then: Then) -> Option<()> {
        let media = if pieces.first()?.starts_with('{') {
            "application/x-ndjson"
        } else {
            "text/event-stream; charset=utf-8"
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        stream.set_nodelay(true).ok()?;
        stream.write_all(head.as_bytes()).ok()?;
        let mut say = |piece: &str| {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            stream.write_all(chunk.as_bytes())
        };
        for piece in pieces {
            say(piece).ok()?;
        }
        match then {
            Then::End => stream.write_all(b"0\r\n\r\n").ok(),
            Then::Break => None,
            Then::Silence => {
                self.hanging.lock().expect("no panic").push(stream);
                None
            }
            Then::Again => {
                while !self.ended.load(Ordering::SeqCst) && say(pieces.last()?).is_ok() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                None
            }
        }
    }

    /// Come back when `number` are here.
    fn gather(&self, number: usize) {
        let mut here = self.gathering.lock().expect("no panic");
        *here += 1;
        self.gathered.notify_all();
        let missing = |here: &mut usize| *here < number;
        let waited =
            self.gathered
                .wait_timeout_while(here, BOUND.min(Duration::from_secs(60)), missing);
        drop(waited);
    }
}

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelAsked {
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Json,
}

impl ModelAsked {
    /// A header by its name in lower case; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

/// Read a request to its end.
fn read_request(stream: &TcpStream) -> Option<ModelAsked> {
    let mut reader = BufReader::new(stream);
    let mut asked = ModelAsked::default();
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    first.split(' ').nth(1)?.clone_into(&mut asked.path);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().ok()?;
        }
        asked.headers.push((name, value));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = serde_json::from_slice(&body).unwrap_or_default();
    Some(asked)
}

/// The text as events, a few characters each, with how it ended, what it took and the last word.
pub(crate) fn pieces(text: &str, reason: &str) -> Vec<String> {
    let event = |choices: Json, usage: Json| {
        let piece = json!({ "model": "quill-1", "choices": choices, "usage": usage });
        format!("data: {piece}\n\n")
    };
    let letters: Vec<char> = text.chars().collect();
    // A long text is one of an attack, and comes in large pieces.
    let parts = letters.chunks((letters.len() / 100).max(20));
    let said = parts.map(|part| {
        let delta = json!({ "content": part.iter().collect::<String>() });
        event(json!([{ "index": 0, "delta": delta }]), Json::Null)
    });
    let ended = event(
        json!([{ "index": 0, "delta": {}, "finish_reason": reason }]),
        Json::Null,
    );
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 200 });
    let last = [
        ended,
        event(json!([]), usage),
        "data: [DONE]\n\n".to_owned(),
    ];
    said.chain(last).collect()
}

fn completion(text: &str, reason: &str) -> String {
    let choice =
        json!({ "message": { "role": "assistant", "content": text }, "finish_reason": reason });
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 200 });
    json!({ "model": "quill-1", "choices": [choice], "usage": usage }).to_string()
}

fn respond(stream: &mut TcpStream, status: u16, body: &str) -> Option<()> {
    respond_with(stream, status, "", body)
}

fn respond_with(stream: &mut TcpStream, status: u16, headers: &str, body: &str) -> Option<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).ok()
}
