//! The body of an answer: as a whole, or while it comes. Both within bounds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::{Hop, error, headers};
use crate::blocking;
use crate::exchange::{ClientError, ClientErrorKind, Response};

/// How much of a body is read, and whether the rest is left out or an error.
#[derive(Clone, Copy)]
pub(super) struct BodyLimit {
    pub(super) bytes: u64,
    pub(super) cut: bool,
}

/// An answer that is asked for piece by piece. A server that gives it as a whole all the same is read as any other.
pub struct Streamed {
    /// Sent in place of the request's body, by which a cassette knows the question.
    pub body: Vec<u8>,
    /// The most bytes that come, with what stands around each piece.
    pub max_body: u64,
    /// How long the peer may say nothing once its answer has begun.
    pub silence: Duration,
    pub fold: Box<dyn Fold>,
}

/// What becomes of an answer while it comes, and of its pieces at the end.
pub trait Fold: Send {
    /// The type of the bodies that it reads.
    fn media_type(&self) -> &'static str;

    /// Bytes that came. Whether nothing is waited for after them.
    fn take(&mut self, bytes: &[u8]) -> Result<bool, ClientError>;

    /// Whether the answer is whole, though the peer has not ended it.
    fn is_whole(&self) -> bool;

    /// The status and the document that the pieces are, or why they are none.
    fn end(self: Box<Self>) -> Result<(u16, Vec<u8>), ClientError>;
}

impl Streamed {
    /// Whether the answer comes in pieces.
    pub(super) fn is_one(&self, response: &reqwest::Response) -> bool {
        let media = response.headers().get(reqwest::header::CONTENT_TYPE);
        let media = media.and_then(|it| it.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        response.status().is_success() && media.eq_ignore_ascii_case(self.fold.media_type())
    }
}

/// How an answer is read, and how many bytes of its body are there.
pub(super) struct BodyReading<'a> {
    pub(super) came: &'a AtomicU64,
    pub(super) streamed: Option<Streamed>,
}

impl BodyReading<'_> {
    pub(super) async fn read(
        self,
        hop: &Hop,
        response: reqwest::Response,
        most: BodyLimit,
    ) -> Result<Response, ClientError> {
        match self.streamed {
            Some(streamed) if streamed.is_one(&response) => {
                pieces(hop, response, streamed, self.came).await
            }
            _ => whole(hop, response, most, self.came).await,
        }
    }
}

/// The whole answer; `came` says at any time how many bytes of its body are there.
async fn whole(
    hop: &Hop,
    mut response: reqwest::Response,
    most: BodyLimit,
    came: &AtomicU64,
) -> Result<Response, ClientError> {
    let status = response.status().as_u16();
    let headers = headers::given(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| error::of(&hop.target(), error))?
    {
        let left = most.bytes.saturating_sub(body.len() as u64);
        if chunk.len() as u64 > left {
            if most.cut {
                let left = usize::try_from(left).unwrap_or(usize::MAX);
                body.extend_from_slice(&chunk[..left]);
                break;
            }
            return Err(too_large(hop, most.bytes));
        }
        body.extend_from_slice(&chunk);
        came.store(body.len() as u64, Ordering::Relaxed);
    }
    Ok(Response {
        status,
        headers,
        body,
        url: hop.url.to_string(),
    })
}

fn too_large(hop: &Hop, most: u64) -> ClientError {
    let target = hop.target();
    let text = format!("{target}: the body is larger than the {most} bytes allowed");
    ClientError::new(ClientErrorKind::TooLarge, text)
}

/// The pieces of an answer, folded into one that was given as a whole. What reads them does so beside the threads
/// that serve.
async fn pieces(
    hop: &Hop,
    mut response: reqwest::Response,
    streamed: Streamed,
    came: &AtomicU64,
) -> Result<Response, ClientError> {
    let target = hop.target();
    let mut headers = headers::given(response.headers());
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let Streamed {
        max_body,
        silence,
        mut fold,
        ..
    } = streamed;
    let about = |error: ClientError| ClientError {
        message: format!("{target}: {}", error.message),
        ..error
    };
    loop {
        let chunk = match next(&target, &mut response, silence, came).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(_) if fold.is_whole() => break,
            Err(error) => return Err(error),
        };
        if came.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64 > max_body {
            return Err(too_large(hop, max_body));
        }
        let took = beside(move || {
            let took = fold.take(&chunk);
            (fold, took)
        });
        let (same, took) = took.await.map_err(about)?;
        fold = same;
        if took.map_err(about)? {
            break;
        }
    }
    let (status, body) = beside(|| fold.end()).await.map_err(about)?.map_err(about)?;
    Ok(Response {
        status,
        headers,
        body,
        url: hop.url.to_string(),
    })
}

/// The next bytes, which are waited for as long as the request lasts until there are some, and then no longer than a
/// peer may be silent.
async fn next(
    target: &str,
    response: &mut reqwest::Response,
    silence: Duration,
    came: &AtomicU64,
) -> Result<Option<bytes::Bytes>, ClientError> {
    let bytes = came.load(Ordering::Relaxed);
    let longest = if bytes == 0 { Duration::MAX } else { silence };
    let Ok(next) = timeout(longest, response.chunk()).await else {
        let text = format!(
            "{target}: nothing came for {silence:?} amid the answer; {bytes} bytes of it had come"
        );
        return Err(ClientError::new(ClientErrorKind::Timeout, text));
    };
    next.map_err(|error| {
        let error = error::of(target, error);
        let message = format!("{}; {bytes} bytes of the answer had come", error.message);
        ClientError { message, ..error }
    })
}

/// Nobody waits for it longer than for the request.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ClientError> {
    blocking::wait(work).await.map_err(|lost| {
        let text = format!("what reads the answer: {lost}");
        ClientError::new(ClientErrorKind::Protocol, text)
    })
}
