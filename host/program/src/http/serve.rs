//! The accept loop. `axum::serve` sets no timer, so a client that sends half a header would
//! hold its connection for ever; here headers, connections and the shutdown all have an end,
//! and no peer that waits keeps another one out (`connection_slots.rs`), nor does one that takes no
//! answer (`socket.rs`).

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::answer::too_large;
use super::connection_slots::{ConnectionSlots, SlotGuard};
use super::rules::ConnectionRules;
use super::socket::Socket;

/// Longest life of a connection, so that a client that reads slowly gives its place back.
const LIFE: Duration = Duration::from_mins(10);
/// How long answers that are under way may take once a connection has to end.
const GRACE: Duration = Duration::from_secs(3);
/// Pause after an accept failed, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(200);
/// Requests that one connection may send: then another peer has its turn.
const REQUESTS: u32 = 100;
/// The most of a header that is held, in bytes.
const HEADER: usize = 32 << 10;

/// Serve until `shutdown` completes; then finish the answers under way, within seconds.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    rules: &ConnectionRules,
    shutdown: impl Future<Output = ()>,
) {
    let slots = ConnectionSlots::new(rules);
    let stop = CancellationToken::new();
    let connections = TaskTracker::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(seat) = slots.take(peer.ip()) else {
                    tracing::debug!(%peer, "sent away: no room, and nobody who only waits");
                    continue;
                };
                let talk = Talk {
                    router: router.clone(),
                    seat: Arc::new(seat),
                    rules: rules.clone(),
                    requests: Arc::default(),
                };
                connections.spawn(talk.converse(stream, stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    stop.cancel();
    connections.close();
    connections.wait().await;
}

/// One connection, from its first request to its end.
#[derive(Clone)]
struct Talk {
    router: Router,
    seat: Arc<SlotGuard>,
    rules: ConnectionRules,
    /// Requests so far.
    requests: Arc<AtomicU32>,
}

impl Talk {
    async fn converse(self, stream: TcpStream, stop: CancellationToken) {
        stream.set_nodelay(true).ok();
        let (stream, peer) = Socket::new(stream);
        let (leave, header) = (self.seat.leave.clone(), self.rules.header.0);
        let service = service_fn(move |request| self.clone().answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header)
            .max_buf_size(HEADER)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return note(ended),
            () = leave.cancelled() => return,
            // Its place is free, whatever it sent before.
            () = peer.has_gone() => return,
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LIFE) => {}
        }
        connection.as_mut().graceful_shutdown();
        if let Ok(ended) = tokio::time::timeout(GRACE, connection).await {
            note(ended);
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response, Infallible> {
        self.seat.is_answered();
        let last = self.requests.fetch_add(1, Ordering::Relaxed) + 1 >= REQUESTS;
        let response = if self.carries_too_much(&request) {
            Ok(too_large(self.rules.body_bytes))
        } else {
            self.router.oneshot(request.map(Body::new)).await
        };
        self.seat.rests();
        response.map(|response| if last { closing(response) } else { response })
    }

    /// Whether a request says that it carries more than it may, or does not say how much.
    fn carries_too_much(&self, request: &Request<Incoming>) -> bool {
        let most = u64::from(self.rules.body_bytes);
        let empty = request.body().is_end_stream();
        let unsaid = !empty && !request.headers().contains_key(CONTENT_LENGTH);
        unsaid || request.body().size_hint().lower() > most
    }
}

fn closing(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "what a test reads is what it made"
)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Instant;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    use super::*;

    async fn ask(address: SocketAddr, requests: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(requests.as_bytes()).await.expect("sent");
        stream
    }

    /// It has sent more than is read while its first request is answered, which never ends.
    #[tokio::test]
    async fn the_place_of_a_peer_that_has_gone_is_free() {
        let asked = Arc::new(Notify::new());
        let told = Arc::clone(&asked);
        let never = move || {
            told.notify_one();
            std::future::pending::<()>()
        };
        let router = Router::new()
            .route("/never", get(never))
            .route("/", get("it is there"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let rules = ConnectionRules {
            total: 1,
            ..ConnectionRules::default()
        };
        let serving = tokio::spawn(async move {
            serve(listener, router, &rules, std::future::pending()).await;
        });
        let request = "GET /never HTTP/1.1\r\nhost: x\r\n\r\n";
        let gone = ask(address, &request.repeat(3)).await;
        asked.notified().await;
        drop(gone);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            let mut answer = String::new();
            let mut stream = ask(address, request).await;
            if stream.read_to_string(&mut answer).await.is_ok() && answer.ends_with("it is there") {
                break;
            }
            assert!(Instant::now() < until, "nobody has room: {answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        serving.abort();
    }
}
