//! The accept loop. `axum::serve` sets no timer, so a client that sends half a header would
//! hold its connection for ever; here headers, connections and the shutdown all have an end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Longest time for the header of a request, and between two requests.
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// Connections at a time; further ones wait until one ends.
const CONNECTIONS: usize = 1024;
/// Longest life of a connection, so that a client that reads slowly gives its place back.
const LIFE: Duration = Duration::from_mins(10);
/// How long answers that are under way may take once a connection has to end.
const GRACE: Duration = Duration::from_secs(3);
/// Pause after an accept failed, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(200);

/// Serve until `shutdown` completes; then finish the answers under way, within seconds.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let stop = CancellationToken::new();
    let connections = TaskTracker::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let place = tokio::select! {
            () = &mut shutdown => break,
            Ok(place) = Arc::clone(&places).acquire_owned() => place,
        };
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match stream {
            Ok((stream, _)) => {
                let talk = converse(stream, router.clone(), stop.clone());
                connections.spawn(async move {
                    talk.await;
                    drop(place);
                });
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
async fn converse(stream: TcpStream, router: Router, stop: CancellationToken) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request: Request<Incoming>| answer(router.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return note(ended),
        () = stop.cancelled() => {}
        () = tokio::time::sleep(LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = tokio::time::timeout(GRACE, connection).await {
        note(ended);
    }
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
) -> Result<axum::response::Response, Infallible> {
    router.oneshot(request.map(Body::new)).await
}

fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
