//! A model and a server of pictures that answer at once, on one port, with what is right and always the same.

use std::io::{BufRead as _, BufReader, Cursor, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::{Value as Json, json};

/// What each run is given to stand on.
pub(crate) const NOTES: &str = "Keepers trimmed the wick before dusk and polished the lens by hand each morning, because soot on \
    the glass costs a ship its way. They wrote down the weather every evening. Supplies came by boat, and in winter no boat could land \
    for weeks.";
/// By which the paragraphs of an article differ, since what is said again is left out.
const HOW: [&str; 12] = [
    "calmly", "slowly", "always", "quietly", "gladly", "often", "daily", "early", "well",
    "together", "alone", "at ease",
];

/// It goes on until the process ends.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("its address"));
    let picture = Arc::new(picture());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let picture = Arc::clone(&picture);
            std::thread::spawn(move || answer(stream, &picture));
        }
    });
    url
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let made = image::RgbImage::from_pixel(256, 144, image::Rgb([20, 60, 90]));
    let written = made.write_to(&mut bytes, image::ImageFormat::Png);
    written.expect("a picture");
    bytes.into_inner()
}

/// The requests of a connection, one after another.
fn answer(mut stream: TcpStream, picture: &[u8]) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (path, body) = read(&mut reader)?;
        let (kind, said) = match path.as_str() {
            "/health" => ("application/json", ready()),
            "/generate" => ("application/json", generated()),
            path if path.starts_with("/images/") => ("image/png", picture.to_vec()),
            _ => ("application/json", completion(&body)),
        };
        let length = said.len();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(&[head.into_bytes(), said].concat()).ok()?;
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, Json)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).unwrap_or_default()))
}

fn ready() -> Vec<u8> {
    json!({ "status": "ready" }).to_string().into_bytes()
}

fn generated() -> Vec<u8> {
    json!({ "filename": "one.png", "width": 256, "height": 144 })
        .to_string()
        .into_bytes()
}

/// What a model says, by the keys that its answer is to have.
fn completion(asked: &Json) -> Vec<u8> {
    let keys = &asked["response_format"]["json_schema"]["schema"]["properties"];
    let has = |key: &str| keys.get(key).is_some();
    let paragraph = |how: &str| NOTES.replace("each morning", how);
    let paragraphs = HOW.map(|how| json!({ "text": paragraph(how), "sources": ["notes"] }));
    let section = json!({ "heading": "The glass", "paragraphs": paragraphs });
    let text = if has("score") {
        json!({ "score": 85, "findings": [] })
    } else if has("pictures") {
        json!({ "pictures": [
            { "which": "featured", "prompt": "A lighthouse at dusk" },
            { "which": "inline:1", "prompt": "Hands that polish a lens" },
        ] })
    } else if has("titles") {
        json!({ "titles": [title(asked)] })
    } else if has("sections") {
        json!({ "title": title(asked), "summary": "What keepers did.", "sections": [section] })
    } else {
        json!({ "title": title(asked), "description": "What keepers did each day.", "keywords": ["lighthouse"] })
    };
    let choice = json!({ "message": { "content": text.to_string() }, "finish_reason": "stop" });
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 500 });
    json!({ "model": "at-once", "choices": [choice], "usage": usage })
        .to_string()
        .into_bytes()
}

/// The topic that was asked for.
fn title(asked: &Json) -> String {
    let prompt = asked["messages"][1]["content"].as_str().unwrap_or_default();
    let topic = prompt.lines().find_map(|line| line.strip_prefix("Topic: "));
    topic.unwrap_or("What keepers did").to_owned()
}
