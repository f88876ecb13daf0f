//! A cassette: what was asked over HTTP and what was answered, one file a question. A tape records
//! one, or plays one in place of the network.
//!
//! A question is known by a digest of its method, address, headers and body, without any credential and
//! without when it is asked.
//! Of an origin that the operator configured only the path counts: the server may be another one
//! where the cassette is played.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::headers;
use crate::bounded;
use crate::exchange::{ClientError, ClientErrorKind, Request, Response};
use crate::settings::hex;
use crate::value::json_in;

/// The most bytes of a file of a cassette, and what it may take in memory.
const LARGEST: u64 = 256 << 20;
const TREE: u64 = 512 << 20;
/// Questions without an answer that are told.
const MOST_LACKING: usize = 20;

/// Records what is asked and answered, or answers from what was.
#[derive(Debug)]
pub struct Tape {
    folder: PathBuf,
    plays: bool,
    /// How often each question was asked of this tape.
    asked: Mutex<BTreeMap<String, usize>>,
    /// What was asked of it and is not there.
    lacking: Mutex<Vec<String>>,
}

/// A question, as it is known.
#[derive(Debug, Clone)]
pub(super) struct TapeQuestion {
    digest: String,
    method: String,
    url: String,
    body: Body,
}

/// A file of a cassette.
#[derive(Debug, Serialize, Deserialize)]
struct Cassette {
    method: String,
    url: String,
    body: Body,
    /// In their order; the last one is the answer to each time that the question is asked after it.
    answers: Vec<TapeAnswer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Body {
    Text(String),
    Bytes { base64: String },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum TapeAnswer {
    Came {
        status: u16,
        url: String,
        headers: Vec<(String, String)>,
        body: Body,
    },
    /// There was none, and why.
    Not { error: String, message: String },
}

impl Tape {
    /// A tape that keeps what it hears in a folder, which is made.
    pub fn record(folder: &Path) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self::of(folder, false))
    }

    /// A tape that answers from a folder.
    pub fn replay(folder: &Path) -> std::io::Result<Self> {
        fs::read_dir(folder)?;
        Ok(Self::of(folder, true))
    }

    fn of(folder: &Path, plays: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            plays,
            asked: Mutex::default(),
            lacking: Mutex::default(),
        }
    }

    /// Whether it answers in place of the network.
    pub fn plays(&self) -> bool {
        self.plays
    }

    /// Questions that were asked of it and that it has no answer to, the first of them.
    pub fn lacking(&self) -> Vec<String> {
        let lacking = self.lacking.lock();
        lacking.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lacks(&self, question: String) {
        let lacking = self.lacking.lock();
        let mut lacking = lacking.unwrap_or_else(PoisonError::into_inner);
        if lacking.len() < MOST_LACKING {
            lacking.push(question);
        }
    }

    /// How often a question was asked before.
    fn turn(&self, asked: &TapeQuestion) -> usize {
        let mut counts = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(asked.digest.clone()).or_default();
        *count += 1;
        *count - 1
    }

    fn file(&self, asked: &TapeQuestion) -> PathBuf {
        self.folder.join(format!("{}.json", &asked.digest[..32]))
    }

    /// The answer that was recorded.
    pub(super) fn answer(&self, asked: &TapeQuestion) -> Result<Response, ClientError> {
        let (file, turn) = (self.file(asked), self.turn(asked));
        let name = file.file_name().unwrap_or_default().display();
        let unread = |problem: &dyn std::fmt::Display| {
            self.lacks(format!(
                "{} {} ({name}: {problem})",
                asked.method, asked.url
            ));
            let text = format!("{}: {problem}", file.display());
            ClientError::new(ClientErrorKind::NotRecorded, text)
        };
        let Ok(found) = fs::symlink_metadata(&file) else {
            let TapeQuestion { method, url, .. } = asked;
            let folder = self.folder.display();
            let text =
                format!("{method} {url}: the cassette {folder} has no answer to it ({name})");
            self.lacks(format!("{method} {url} ({name})"));
            return Err(ClientError::new(ClientErrorKind::NotRecorded, text));
        };
        // What is no file might never end, and a link leads out of the cassette.
        if !found.is_file() || found.len() > LARGEST {
            let most = LARGEST >> 20;
            return Err(unread(&format!("it is no file of at most {most} MiB")));
        }
        let text = read(&file).map_err(|error| unread(&error))?;
        let cassette: Cassette =
            json_in(text, TREE).map_err(|problem| unread(&format!("it {problem}")))?;
        let last = cassette.answers.len().saturating_sub(1);
        let answer = cassette.answers.into_iter().nth(turn.min(last));
        let answer = answer.ok_or_else(|| unread(&"it has no answer"))?;
        match answer {
            TapeAnswer::Came {
                status,
                url,
                headers,
                body,
            } => Ok(Response {
                status,
                headers,
                body: body.bytes().map_err(|problem| unread(&problem))?,
                url,
            }),
            TapeAnswer::Not { error, message } => Err(ClientError::new(kind(&error), message)),
        }
    }

    /// Keep what was answered. The first time that a question is asked takes the place of what was
    /// recorded before.
    pub(super) fn keep(
        &self,
        asked: &TapeQuestion,
        answered: &Result<Response, ClientError>,
    ) -> std::io::Result<()> {
        let file = self.file(asked);
        let turn = self.turn(asked);
        let before = (turn > 0).then(|| read(&file)).transpose()?;
        let before = before.and_then(|text| json_in::<Cassette>(text, TREE).ok());
        let mut cassette = before.unwrap_or_else(|| Cassette {
            method: asked.method.clone(),
            url: asked.url.clone(),
            body: asked.body.clone(),
            answers: Vec::new(),
        });
        cassette.answers.push(TapeAnswer::of(answered));
        let mut text = serde_json::to_vec_pretty(&cassette)?;
        text.push(b'\n');
        // In the place of what is there: a link would have another file written.
        let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
        new.write_all(&text)?;
        new.persist(file)?;
        Ok(())
    }
}

/// A file of a cassette itself, which is opened through no link and waits for nobody.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = fs::File::from(rustix::fs::open(file, flags, Mode::empty())?);
    bounded::beginning(opened, LARGEST)
}

impl TapeQuestion {
    /// What a request asks; `anywhere` if the origin does not count.
    pub(super) fn of(request: &Request, anywhere: bool) -> Self {
        let mut url = request.url.clone();
        if anywhere && let Ok(whole) = Url::parse(&url) {
            whole.path().clone_into(&mut url);
            url.extend(whole.query().map(|query| format!("?{query}")));
        }
        let mut digest = Sha256::new();
        digest.update(format!("{} {url}\n", request.method));
        let mut headers: Vec<_> = request.headers.iter().collect();
        headers.retain(|(name, _)| !headers::is_secret(name) && !tells_when(name));
        headers.sort();
        for (name, value) in headers {
            digest.update(format!("{}: {value}\n", name.to_ascii_lowercase()));
        }
        digest.update("\n");
        digest.update(&request.body);
        Self {
            digest: hex(&digest.finalize()),
            method: request.method.clone(),
            url,
            body: Body::of(&request.body),
        }
    }
}

/// Whether a header says when a question is asked, or by which run: a signed request has that in it, and is
/// the same question tomorrow.
fn tells_when(name: &str) -> bool {
    let names = ["date", "x-amz-date", "idempotency-key"];
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

impl TapeAnswer {
    fn of(answered: &Result<Response, ClientError>) -> Self {
        match answered {
            Ok(response) => {
                let mut headers = response.headers.clone();
                headers.retain(|(name, _)| !name.eq_ignore_ascii_case("set-cookie"));
                TapeAnswer::Came {
                    status: response.status,
                    url: response.url.clone(),
                    headers,
                    body: Body::of(&response.body),
                }
            }
            Err(error) => TapeAnswer::Not {
                error: error.kind.to_string(),
                message: error.message.clone(),
            },
        }
    }
}

impl Body {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Body::Text(text.to_owned()),
            Err(_) => Body::Bytes {
                base64: STANDARD.encode(bytes),
            },
        }
    }

    fn bytes(self) -> Result<Vec<u8>, base64::DecodeError> {
        match self {
            Body::Text(text) => Ok(text.into_bytes()),
            Body::Bytes { base64 } => STANDARD.decode(base64),
        }
    }
}

/// The kind of an error by its name.
fn kind(name: &str) -> ClientErrorKind {
    let known = [
        ClientErrorKind::Denied,
        ClientErrorKind::BadRequest,
        ClientErrorKind::Dns,
        ClientErrorKind::Unreachable,
        ClientErrorKind::Tls,
        ClientErrorKind::Reset,
        ClientErrorKind::Timeout,
        ClientErrorKind::TooLarge,
        ClientErrorKind::Protocol,
    ];
    let found = known.into_iter().find(|kind| kind.to_string() == name);
    found.unwrap_or(ClientErrorKind::Unknown)
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "what a test reads is what it made"
)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    fn request(url: &str, body: &str) -> Request {
        Request {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: vec![
                ("accept".to_owned(), "x".to_owned()),
                ("x-api-key".to_owned(), body.len().to_string()),
            ],
            body: body.as_bytes().to_vec(),
            credential: None,
            deadline: Duration::from_secs(1),
            max_body: 1,
            cut: false,
            redirects: 0,
            fresh_connection: false,
        }
    }

    fn response(body: &[u8]) -> Response {
        Response {
            status: 200,
            headers: vec![("Set-Cookie".to_owned(), "hush".to_owned())],
            body: body.to_vec(),
            url: "http://m/".to_owned(),
        }
    }

    #[test]
    fn what_was_recorded_is_played_in_its_order_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let asked = TapeQuestion::of(&request("http://m:1/v1/x", "q"), true);
        let tape = Tape::record(folder.path()).expect("a tape");
        let reset = ClientError::new(ClientErrorKind::Reset, "it closed");
        for answered in [
            Err(reset.clone()),
            Ok(response(b"\xff\x00")),
            Ok(response(b"text")),
        ] {
            tape.keep(&asked, &answered).expect("kept");
        }
        // Another server at another port, and another day, but the same question.
        let mut later = request("http://n:2/v1/x", "q");
        let date = ("x-amz-date".to_owned(), "20261128T120000Z".to_owned());
        later.headers.push(date);
        let asked = TapeQuestion::of(&later, true);
        let tape = Tape::replay(folder.path()).expect("a tape");
        assert_eq!(tape.answer(&asked), Err(reset));
        for body in [&b"\xff\x00"[..], b"text", b"text"] {
            let answer = tape.answer(&asked).expect("an answer");
            assert_eq!(answer.body, body);
            assert!(answer.headers.is_empty(), "{answer:?}");
        }
        for other in [
            TapeQuestion::of(&request("http://m:1/v1/x", "r"), true),
            TapeQuestion::of(&request("http://m:1/v1/y", "q"), true),
            TapeQuestion::of(&request("http://m:1/v1/x", "q"), false),
        ] {
            let error = tape.answer(&other).expect_err("it was never asked");
            assert_eq!(error.kind, ClientErrorKind::NotRecorded);
        }
        assert!(Tape::replay(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_new_recording_takes_the_place_of_an_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let asked = TapeQuestion::of(&request("http://m/", "q"), true);
        for body in [&b"old"[..], b"new"] {
            let tape = Tape::record(folder.path()).expect("a tape");
            tape.keep(&asked, &Ok(response(body))).expect("kept");
        }
        let tape = Tape::replay(folder.path()).expect("a tape");
        assert_eq!(tape.answer(&asked).expect("an answer").body, b"new");
    }

    /// A folder of somebody else: a link that leads out of it, and what is no file of a cassette.
    #[test]
    fn a_link_in_a_cassette_is_neither_played_nor_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let asked = TapeQuestion::of(&request("http://m/", "q"), true);
        let elsewhere = tempfile::tempdir().expect("a folder");
        let tape = Tape::record(elsewhere.path()).expect("a tape");
        tape.keep(&asked, &Ok(response(b"told elsewhere")))
            .expect("kept");
        let (outside, inside) = (
            tape.file(&asked),
            Tape::of(folder.path(), true).file(&asked),
        );
        std::os::unix::fs::symlink(&outside, &inside).expect("a link");
        let tape = Tape::replay(folder.path()).expect("a tape");
        let error = tape.answer(&asked).expect_err("a link");
        assert_eq!(error.kind, ClientErrorKind::NotRecorded, "{error}");
        let before = fs::read(&outside).expect("a file");
        let tape = Tape::record(folder.path()).expect("a tape");
        tape.keep(&asked, &Ok(response(b"told here")))
            .expect("kept");
        assert_eq!(fs::read(&outside).expect("a file"), before);
        let tape = Tape::replay(folder.path()).expect("a tape");
        assert_eq!(tape.answer(&asked).expect("it").body, b"told here");
        for text in ["", "[]", "{\"answers\":[]}", "{\"method\":1}"] {
            fs::write(&inside, text).expect("written");
            let error = tape.answer(&asked).expect_err(text);
            assert_eq!(error.kind, ClientErrorKind::NotRecorded, "{error}");
        }
    }

    /// What a cassette answers is held to what its question lets.
    #[tokio::test]
    async fn an_answer_of_a_cassette_has_the_bounds_of_its_question() {
        let folder = tempfile::tempdir().expect("a folder");
        let question = Request {
            max_body: 10,
            ..request("http://m/", "q")
        };
        let asked = TapeQuestion::of(&question, true);
        let tape = Tape::record(folder.path()).expect("a tape");
        let elsewhere = |body: &[u8]| Response {
            url: "javascript:alert(1)".to_owned(),
            ..response(body)
        };
        tape.keep(&asked, &Ok(elsewhere(&[b'x'; 11])))
            .expect("kept");
        tape.keep(&asked, &Ok(elsewhere(b"short"))).expect("kept");
        let tape = Arc::new(Tape::replay(folder.path()).expect("a tape"));
        let url = Url::parse("http://m/").expect("an address");
        let client = crate::client::Client::for_operator(&url).taped(Some(tape));
        let error = client.send(question.clone()).await.expect_err("too large");
        assert_eq!(error.kind, ClientErrorKind::TooLarge, "{error}");
        let answer = client.send(question).await.expect("an answer");
        assert_eq!(
            (answer.url.as_str(), &answer.body[..]),
            ("http://m/", &b"short"[..])
        );
    }
}
