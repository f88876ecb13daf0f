//! The client against servers that misbehave: raw listeners, nothing mocked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What a server does with one connection.
#[derive(Clone)]
enum Does {
    Answer(String),
    /// Nothing for a minute.
    Wait,
    /// Close without a byte the first time, then answer.
    CloseFirst(&'static str),
    /// Say the request back.
    Echo,
    /// Bytes without end.
    Flood,
    /// A byte at a time, without end.
    Trickle,
}

struct Server {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
}

async fn server(does: Does) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = listener.local_addr().expect("address");
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let turn = count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, does.clone(), turn));
        }
    });
    Server { address, seen }
}

async fn serve(mut stream: TcpStream, does: Does, turn: usize) {
    let mut buffer = vec![0; 65536];
    let read = stream.read(&mut buffer).await.unwrap_or_default();
    let answer = match does {
        Does::Answer(text) => text,
        Does::CloseFirst(_) if turn == 0 => return,
        Does::CloseFirst(text) => text.to_owned(),
        Does::Wait => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            return;
        }
        Does::Echo => {
            let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            )
        }
        Does::Trickle => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            return;
        }
        Does::Flood => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
            while stream.write_all(&buffer).await.is_ok() {}
            return;
        }
    };
    stream.write_all(answer.as_bytes()).await.ok();
    stream.shutdown().await.ok();
}

fn client(ports: &[u16]) -> Client {
    let grants: Vec<_> = ports
        .iter()
        .map(|port| format!("[[http]]\nhost = \"127.0.0.1\"\nscheme = \"http\"\nport = {port}\nmethods = [\"GET\", \"POST\"]\nprivate = true\n"))
        .collect();
    let grants: crate::grants::Grants = toml::from_str(&grants.concat()).expect("grants");
    Client::new(Egress::new("p", &grants))
}

fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        credential: None,
        deadline: Duration::from_secs(5),
        max_body: 1 << 20,
        cut: false,
        redirects: 0,
        fresh_connection: false,
    }
}

async fn kind(client: &Client, request: Request) -> ClientErrorKind {
    client.send(request).await.expect_err("an error").kind
}

#[tokio::test]
async fn an_answer_by_the_byte_has_the_time_of_its_request_and_says_how_far_it_came() {
    let server = server(Does::Trickle).await;
    let client = client(&[server.address.port()]);
    let request = Request {
        deadline: Duration::from_millis(300),
        ..request("GET", &format!("http://{}/", server.address))
    };
    let error = client.send(request).await.expect_err("it never ends");
    assert_eq!(error.kind, ClientErrorKind::Timeout, "{error}");
    assert!(error.message.contains("bytes of it had come"), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_as_often_as_asked_and_checked_each_time() {
    let inner = server(Does::Echo).await;
    let to = |port: u16| {
        format!(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/secret\r\ncontent-length: 0\r\n\r\n"
        )
    };
    let outer = server(Does::Answer(to(inner.address.port()))).await;
    let url = format!("http://{}/", outer.address);
    let narrow = client(&[outer.address.port()]);
    assert_eq!(
        narrow
            .send(request("GET", &url))
            .await
            .expect("as it is")
            .status,
        302
    );
    let follow = Request {
        redirects: 3,
        ..request("GET", &url)
    };
    assert_eq!(kind(&narrow, follow.clone()).await, ClientErrorKind::Denied);
    assert_eq!(
        inner.seen.load(Ordering::SeqCst),
        0,
        "the private address was not dialled"
    );
    let wide = client(&[outer.address.port(), inner.address.port()]);
    let credential = Some(hush(&outer));
    let response = wide
        .send(Request {
            credential,
            ..follow
        })
        .await
        .expect("followed");
    let text = String::from_utf8(response.body)
        .expect("text")
        .to_lowercase();
    assert!(text.starts_with("get /secret"), "{text}");
    assert!(
        !text.contains("hush"),
        "no credentials for another origin: {text}"
    );
    assert!(response.url.ends_with("/secret"));
}

#[tokio::test]
async fn a_credential_goes_out_as_a_bearer() {
    let echo = server(Does::Echo).await;
    let sent = Request {
        credential: Some(hush(&echo)),
        ..request("GET", &format!("http://{}/", echo.address))
    };
    let response = client(&[echo.address.port()])
        .send(sent)
        .await
        .expect("answer");
    let said = String::from_utf8_lossy(&response.body).into_owned();
    assert!(said.contains("authorization: Bearer [hidden]"), "{said}");
}

/// In a header, over the ends of parts of a body, in an address that is sent on to, in the name of
/// a host, and in words about a failure.
#[tokio::test]
async fn a_credential_that_the_peer_repeats_is_not_told() {
    let answer = "HTTP/1.1 401 No\r\nx-echo: Bearer hush\r\ntransfer-encoding: chunked\r\n\r\n\
        6\r\n<hush>\r\n3\r\n<hu\r\n3\r\nsh>\r\n0\r\n\r\n";
    let echo = server(Does::Answer(answer.to_owned())).await;
    let sent = |server: &Server, redirects| Request {
        credential: Some(hush(server)),
        redirects,
        ..request("GET", &format!("http://{}/", server.address))
    };
    let response = client(&[echo.address.port()]).send(sent(&echo, 0)).await;
    let response = response.expect("an answer");
    assert_eq!(response.body, b"<[hidden]><[hidden]>");
    let header = |(name, value): &(String, String)| name == "x-echo" && value == "Bearer [hidden]";
    assert!(
        response.headers.iter().any(header),
        "{:?}",
        response.headers
    );
    let other = server(Does::Echo).await;
    for place in [
        format!("http://{}/?key=hush", other.address),
        "http://hush.localhost/".to_owned(),
    ] {
        let on = format!("HTTP/1.1 307 On\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
        let on = server(Does::Answer(on)).await;
        let both = client(&[on.address.port(), other.address.port()]);
        let error = both.send(sent(&on, 3)).await.expect_err("not followed");
        assert_eq!(error.kind, ClientErrorKind::Denied, "{error}");
        assert!(!error.message.contains("hush"), "{error}");
        let unfollowed = both.send(sent(&on, 0)).await.expect("as it is");
        assert!(
            !format!("{unfollowed:?}").contains("hush"),
            "{unfollowed:?}"
        );
    }
    assert_eq!(other.seen.load(Ordering::SeqCst), 0, "nothing was sent");
    for name in ["accept-encoding", "range"] {
        let mut part = sent(&echo, 0);
        part.headers.push((name.to_owned(), "x".to_owned()));
        let refused = kind(&client(&[echo.address.port()]), part).await;
        assert_eq!(refused, ClientErrorKind::BadRequest, "{name}");
    }
}

/// A secret for one server.
fn hush(server: &Server) -> Credential {
    let to = format!("http://{}", server.address);
    Credential {
        secret: Secret::new("hush".to_owned()),
        to: to.parse().expect("an origin"),
        header: None,
    }
}

#[tokio::test]
async fn a_credential_is_not_sent_where_it_is_not_for() {
    let (meant, other) = (server(Does::Echo).await, server(Does::Echo).await);
    let both = client(&[meant.address.port(), other.address.port()]);
    let sent = Request {
        credential: Some(hush(&meant)),
        ..request("GET", &format!("http://{}/", other.address))
    };
    assert_eq!(kind(&both, sent).await, ClientErrorKind::Denied);
    assert_eq!(other.seen.load(Ordering::SeqCst), 0, "nothing was sent");
    // There and back again: who sends it back would choose what is asked.
    let back = format!("http://{}/", meant.address);
    let redirect =
        |to: &str| format!("HTTP/1.1 307 On\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let through = server(Does::Answer(redirect(&back))).await;
    let first = server(Does::Answer(redirect(&format!(
        "http://{}/",
        through.address
    ))))
    .await;
    let ports = [&first, &through, &meant].map(|server| server.address.port());
    let sent = Request {
        credential: Some(hush(&first)),
        redirects: 3,
        ..request("GET", &format!("http://{}/", first.address))
    };
    let response = client(&ports).send(sent).await.expect("followed");
    let text = String::from_utf8_lossy(&response.body).to_lowercase();
    assert!(
        text.starts_with("get /") && !text.contains("bearer"),
        "{text}"
    );
}

#[tokio::test]
async fn bodies_and_deadlines_have_an_end() {
    let flood = server(Does::Flood).await;
    let client_of = |server: &Server| client(&[server.address.port()]);
    let url = |server: &Server| format!("http://{}/", server.address);
    let error = client_of(&flood)
        .send(request("GET", &url(&flood)))
        .await
        .expect_err("too large");
    assert_eq!(error.kind, ClientErrorKind::TooLarge);
    assert!(error.message.contains("1048576"), "{error}");
    let slow = server(Does::Wait).await;
    let short = Request {
        deadline: Duration::from_millis(200),
        ..request("GET", &url(&slow))
    };
    assert_eq!(
        kind(&client_of(&slow), short).await,
        ClientErrorKind::Timeout
    );
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("listen")
        .local_addr()
        .expect("address");
    let refused = kind(
        &client(&[nobody.port()]),
        request("GET", &format!("http://{nobody}/")),
    )
    .await;
    assert_eq!(refused, ClientErrorKind::Unreachable);
}

#[tokio::test]
async fn what_the_peer_closed_is_tried_once_more_if_that_is_harmless() {
    for (method, expected) in [("GET", Ok(200)), ("POST", Err(ClientErrorKind::Reset))] {
        let closing = server(Does::CloseFirst(OK)).await;
        let url = format!("http://{}/", closing.address);
        let sent = client(&[closing.address.port()])
            .send(request(method, &url))
            .await;
        let got = sent
            .map(|response| response.status)
            .map_err(|error| error.kind);
        assert_eq!(got, expected, "{method}");
        let seen = closing.seen.load(Ordering::SeqCst);
        assert_eq!(seen, if method == "GET" { 2 } else { 1 }, "{method}");
    }
}

#[tokio::test]
async fn headers_that_smuggle_are_refused() {
    let echo = server(Does::Echo).await;
    let client = client(&[echo.address.port()]);
    let url = format!("http://{}/", echo.address);
    for (name, value) in [
        ("Host", "x"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "3"),
        ("Proxy-Authorization", "x"),
        ("Connection", "close"),
        ("x", "a\r\nb: c"),
        ("x\r\ny", "z"),
        ("", "z"),
        (":authority", "z"),
    ] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let refused = kind(
            &client,
            Request {
                headers,
                ..request("GET", &url)
            },
        )
        .await;
        assert_eq!(refused, ClientErrorKind::BadRequest, "{name}");
    }
    for method in ["", "get", "CONNECT", "GET /x", "G\r\n"] {
        assert_eq!(
            kind(&client, request(method, &url)).await,
            ClientErrorKind::BadRequest,
            "{method}"
        );
    }
    assert_eq!(echo.seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_of_a_private_address_is_denied_when_it_is_resolved() {
    let echo = server(Does::Echo).await;
    let port = echo.address.port();
    let text = format!("[[http]]\nhost = \"localhost\"\nscheme = \"http\"\nport = {port}\n");
    let grants = |text: &str| toml::from_str::<crate::grants::Grants>(text).expect("grants");
    let url = format!("http://localhost:{port}/");
    let public = Client::new(Egress::new("p", &grants(&text)));
    let error = public
        .send(request("GET", &url))
        .await
        .expect_err("private");
    assert_eq!(error.kind, ClientErrorKind::Denied, "{error}");
    assert!(error.message.contains("private = true"), "{error}");
    let private = Client::new(Egress::new("p", &grants(&format!("{text}private = true"))));
    assert_eq!(
        private
            .send(request("GET", &url))
            .await
            .expect("answer")
            .status,
        200
    );
}

#[tokio::test]
async fn json_comes_back_or_says_why_not() {
    let answer = |status: &str, body: &str| {
        Does::Answer(format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))
    };
    for (does, expected) in [
        (answer("200 OK", "{\"a\": 1}"), Ok(())),
        (
            answer("503 Busy", "later"),
            Err(ClientErrorKind::Status(503)),
        ),
        (answer("200 OK", "<html>"), Err(ClientErrorKind::Protocol)),
    ] {
        let server = server(does).await;
        let url = Url::parse(&format!("http://{}/v1", server.address)).expect("url");
        let client = Client::for_operator(&url);
        let got = client
            .post_json(&url, None, &serde_json::json!({}), Duration::from_secs(5))
            .await;
        assert_eq!(got.map(drop).map_err(|error| error.kind), expected);
    }
}
