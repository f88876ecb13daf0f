//! A server of the test's own that keeps connections alive and answers each request as the test
//! says: with a picture, badly, or not at all.

use std::io::{BufRead as _, BufReader, Cursor, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

use super::daemon::BOUND;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Counted from 1, over all connections.
    pub(crate) number: usize,
    /// Counted from 1, on its connection.
    pub(crate) on_connection: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    /// By their names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// It says that there is more, and closes.
    Half(Vec<u8>),
    /// It closes without an answer, in good order.
    Close,
    /// It closes without an answer, and resets the connection.
    Reset,
    /// Nothing, and the connection stays open.
    Hang,
    /// It begins well, and goes on by a byte at a time, without end.
    Trickle,
}

impl Reply {
    pub(crate) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Reply::Answer {
            status,
            headers: vec![("content-type", kind.to_owned())],
            body: body.into(),
        }
    }

    pub(crate) fn json(status: u16, body: Json) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn png(bytes: Vec<u8>) -> Self {
        Self::new(200, "image/png", bytes)
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Reply::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

type Behaviour = dyn Fn(&Asked) -> Reply + Send + Sync;

/// Listens on a port of its own until it is dropped.
pub(crate) struct PictureServer {
    shared: Arc<Shared>,
    address: SocketAddr,
}

struct Shared {
    ended: AtomicBool,
    asked: Mutex<Vec<Asked>>,
    behaviour: Box<Behaviour>,
    hanging: Mutex<Vec<TcpStream>>,
}

impl PictureServer {
    pub(crate) fn new(behaviour: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            ended: AtomicBool::new(false),
            asked: Mutex::default(),
            behaviour: Box::new(behaviour),
            hanging: Mutex::default(),
        });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if server.ended.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&server);
                std::thread::spawn(move || shared.talk(stream));
            }
        });
        Self { shared, address }
    }

    /// One that speaks the protocol of the SDXL server, and makes a picture of each prompt.
    pub(crate) fn sdxl() -> Self {
        Self::new(sdxl)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("no panic").clone()
    }

    /// The requests for a picture so far.
    pub(crate) fn generations(&self) -> Vec<Asked> {
        let asked = self.asked().into_iter();
        asked.filter(|it| it.method == "POST").collect()
    }
}

impl Drop for PictureServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // The listener wakes up and sees it.
        TcpStream::connect(self.address).ok();
    }
}

/// The answers of the SDXL protocol; the seed says which picture.
pub(crate) fn sdxl(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/health" => Reply::json(200, serde_json::json!({ "status": "ready" })),
        "/generate" => {
            let seed = asked.json()["seed"].as_u64().unwrap_or_default();
            let answer = serde_json::json!({
                "image_path": format!("/tmp/{seed}.png"), "filename": format!("{seed}.png"),
                "width": 64, "height": 32, "model": "stand-in-1", "seed": seed,
            });
            Reply::json(200, answer)
        }
        path => {
            let digits = path.chars().filter(char::is_ascii_digit);
            let seed: u64 = digits.collect::<String>().parse().unwrap_or_default();
            Reply::png(png(64, 32, seed))
        }
    }
}

/// A picture of a colour that follows from a number.
pub(crate) fn png(width: u32, height: u32, number: u64) -> Vec<u8> {
    let [red, green, blue, ..] = number.to_le_bytes();
    let pixel = image::Rgb([red, green, blue]);
    let picture = image::RgbImage::from_pixel(width, height, pixel);
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a picture");
    bytes.into_inner()
}

impl Shared {
    /// One connection, request after request.
    fn talk(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(BOUND)).ok()?;
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        for on_connection in 1.. {
            let mut asked = read(&mut reader)?;
            asked.on_connection = on_connection;
            {
                let mut all = self.asked.lock().expect("no panic");
                asked.number = all.len() + 1;
                all.push(asked.clone());
            }
            match (self.behaviour)(&asked) {
                Reply::Answer {
                    status,
                    headers,
                    body,
                } => answer(&mut stream, status, &headers, &body)?,
                Reply::Half(body) => {
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 100000\r\n\r\n";
                    stream.write_all(head.as_bytes()).ok()?;
                    stream.write_all(&body).ok()?;
                    return None;
                }
                Reply::Close => return None,
                Reply::Reset => {
                    socket2::SockRef::from(&stream)
                        .set_linger(Some(std::time::Duration::ZERO))
                        .ok()?;
                    return None;
                }
                Reply::Trickle => {
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n";
                    stream.write_all(head.as_bytes()).ok()?;
                    while stream.write_all(b" ").is_ok() {
                        std::thread::sleep(std::time::Duration::from_millis(20));
                    }
                    return None;
                }
                Reply::Hang => {
                    self.hanging.lock().expect("no panic").push(stream);
                    return None;
                }
            }
        }
        None
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut asked = Asked {
        method: words.next()?,
        path: words.next()?,
        ..Asked::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let pair = (name.to_ascii_lowercase(), value.trim().to_owned());
        asked.headers.push(pair);
    }
    let length = asked.header("content-length").parse().unwrap_or(0);
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

fn answer(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(&str, String)],
    body: &[u8],
) -> Option<()> {
    let mut head = format!(
        "HTTP/1.1 {status} Told\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}
