//! A web server of the test's own that answers by a script: pages, feeds, searches and a model, well or
//! badly.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::daemon::BOUND;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// With its query.
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A status with a type and a text.
    Page(u16, &'static str, String),
    /// A redirect to a place.
    To(String),
    /// The connection is closed without an answer.
    Close,
    /// Half of an answer, then the connection is closed.
    Half,
    /// Nothing, and the connection stays open.
    Hang,
}

impl Reply {
    pub(crate) fn html(text: impl Into<String>) -> Self {
        Reply::Page(200, "text/html; charset=utf-8", text.into())
    }

    pub(crate) fn missing() -> Self {
        Reply::Page(404, "text/plain", "no such page".to_owned())
    }

    /// What a model answers, complete or cut at the limit of tokens.
    pub(crate) fn model(text: &str, complete: bool) -> Self {
        let reason = if complete { "stop" } else { "length" };
        let message = json!({ "role": "assistant", "content": text });
        let choice = json!({ "message": message, "finish_reason": reason });
        let answer = json!({ "model": "quill-1", "choices": [choice] });
        Reply::Page(200, "application/json", answer.to_string())
    }
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

struct Shared {
    script: Mutex<Arc<Script>>,
    asked: Mutex<Vec<Asked>>,
    ended: AtomicBool,
    /// Connections that get no answer.
    hanging: Mutex<Vec<TcpStream>>,
}

/// Listens on a port of its own until it is dropped.
pub(crate) struct Scripted {
    shared: Arc<Shared>,
    address: String,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let shared = Arc::new(Shared {
            script: Mutex::new(Arc::new(script)),
            asked: Mutex::default(),
            ended: AtomicBool::new(false),
            hanging: Mutex::default(),
        });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if server.ended.load(Ordering::SeqCst) {
                    break;
                }
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.answer(stream));
            }
        });
        Self { shared, address }
    }

    /// An address on it: `url("/a")`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answer by another script from now on.
    pub(crate) fn script(&self, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
        *self.shared.script.lock().expect("no panic") = Arc::new(script);
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("no panic").clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // The listener wakes up and sees it.
        TcpStream::connect(&self.address).ok();
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(BOUND)).ok()?;
        let asked = read_request(&stream)?;
        self.asked.lock().expect("no panic").push(asked.clone());
        let script = Arc::clone(&self.script.lock().expect("no panic"));
        let (status, head, body) = match script(&asked) {
            Reply::Page(status, media, body) => {
                (status, format!("content-type: {media}\r\n"), body)
            }
            Reply::To(place) => (302, format!("location: {place}\r\n"), String::new()),
            Reply::Close => return None,
            Reply::Half => {
                let half = b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n{\"choi";
                return stream.write_all(half).ok();
            }
            Reply::Hang => {
                self.hanging.lock().expect("no panic").push(stream);
                return None;
            }
        };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(format!("{head}{body}").as_bytes()).ok()
    }
}

fn read_request(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        path,
        body: String::from_utf8(body).ok()?,
        at: Instant::now(),
    })
}

/// What a request to a model asks for: the keys of the schema that its answer has to fit.
pub(crate) fn wanted(asked: &Asked) -> Vec<String> {
    let body: Json = serde_json::from_str(&asked.body).unwrap_or_default();
    let schema = &body["response_format"]["json_schema"]["schema"]["properties"];
    let keys = schema.as_object().into_iter().flat_map(|it| it.keys());
    keys.cloned().collect()
}
