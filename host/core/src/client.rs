//! The one HTTP client, for plugins and for the host's own code.
//!
//! `egress.rs` decides what may be called, `resolver.rs` and `address.rs` where that may be,
//! and this file sends: no proxies from the environment, no redirects unless asked (each hop is
//! checked again), bodies cut at a cap, and one immediate retry on a fresh connection when the
//! peer closed before it answered.

pub mod address;
mod body;
pub mod egress;
mod error;
mod headers;
mod redaction;
mod resolver;
mod tape;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use serde_json::Value as Json;
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::body::{BodyLimit, BodyReading};
pub use self::body::{Fold, Streamed};
use self::egress::Egress;
use self::redaction::Redaction;
use self::resolver::Resolver;
pub use self::tape::Tape;
use self::tape::TapeQuestion;
use crate::blocking;
pub use crate::exchange::{ClientError, ClientErrorKind, Credential, Request, Response};
use crate::grants::Origin;
use crate::settings::Secret;
use crate::shown::cut;
use crate::value::{JsonProblem, json_in};

/// Shorter than common servers keep an idle connection, so that it is us who close it.
const IDLE: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most of an answer that a JSON request reads.
const JSON_BODY: u64 = 32 << 20;
/// Characters of an address that a refusal quotes.
const NAMED: usize = 500;
/// The most memory that a JSON document may take.
const JSON_TREE: u64 = 256 << 20;
/// The response without the credential that the peer repeated.
fn without(response: Response, redaction: &Redaction) -> Response {
    let headers = response.headers.iter();
    let headers = headers.map(|(name, value)| (redaction.text(name), redaction.text(value)));
    Response {
        headers: headers.collect(),
        url: redaction.text(&response.url),
        body: redaction.bytes(response.body),
        ..response
    }
}

/// How requests leave: over connections that are kept for the next one, and past the tape, if there is one.
/// What is cloned shares both.
#[derive(Clone, Default)]
pub struct Network {
    /// Records what is asked, or answers in place of the network.
    pub tape: Option<Arc<Tape>>,
    /// By whether private addresses may be dialled, and whether connections are reused.
    senders: Arc<[OnceLock<reqwest::Client>; 4]>,
}

/// An HTTP client: a policy, and the network that it asks.
pub struct Client {
    policy: Egress,
    network: Network,
}

/// One request on its way.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    /// What carries the credential, while the request is at the origin it is for.
    bearer: Option<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
    fresh: bool,
}

impl Client {
    pub fn new(policy: Egress) -> Self {
        Self {
            policy,
            network: Network::default(),
        }
    }

    /// A client of the host itself for one origin that the operator configured; it may be on
    /// this machine.
    pub fn for_operator(origin: &Url) -> Self {
        Self::new(Egress::operator(origin))
    }

    /// A client of the host itself for addresses that content names: any public host, and the
    /// origins that the operator named besides.
    pub fn for_public(besides: &[Origin]) -> Self {
        Self::new(Egress::public(besides))
    }

    pub fn policy(&self) -> &Egress {
        &self.policy
    }

    /// The same over a network that others ask as well.
    #[must_use]
    pub fn over(self, network: &Network) -> Self {
        Self {
            network: network.clone(),
            ..self
        }
    }

    /// The same with a tape in it.
    #[must_use]
    pub fn taped(mut self, tape: Option<Arc<Tape>>) -> Self {
        self.put(tape);
        self
    }

    /// Put a tape in, or take it out.
    pub fn put(&mut self, tape: Option<Arc<Tape>>) {
        self.network.tape = tape;
    }

    /// Send a request and read the whole answer.
    pub fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, ClientError>> {
        self.sent(request, None)
    }

    /// The same, with an answer that is read while it comes. It is given as a whole.
    pub fn send_streamed(
        &self,
        request: Request,
        streamed: Streamed,
    ) -> BoxFuture<'_, Result<Response, ClientError>> {
        self.sent(request, Some(streamed))
    }

    fn sent(
        &self,
        request: Request,
        streamed: Option<Streamed>,
    ) -> BoxFuture<'_, Result<Response, ClientError>> {
        match &self.network.tape {
            None => Box::pin(self.answered(request, streamed)),
            Some(tape) => Box::pin(self.on_tape(tape, request, streamed)),
        }
    }

    async fn on_tape(
        &self,
        tape: &Arc<Tape>,
        request: Request,
        streamed: Option<Streamed>,
    ) -> Result<Response, ClientError> {
        let asked = TapeQuestion::of(&request, self.policy.is_operators());
        if tape.plays() {
            let url = Url::parse(&request.url)
                .map_err(|error| ClientError::bad_request(format!("`{}`: {error}", request.url)))?;
            self.policy.check(&request.method, &url)?;
            let tape = Arc::clone(tape);
            let until = std::time::Instant::now() + request.deadline;
            let answer = blocking::wait_until(until, move || tape.answer(&asked)).await;
            let answer = answer.unwrap_or_else(|lost| {
                Err(ClientError::new(ClientErrorKind::Unknown, lost.to_string()))
            });
            return played(request, answer?);
        }
        let answered = self.answered(request, streamed).await;
        tape.keep(&asked, &answered).map_err(|error| {
            let text = format!("what was answered cannot be recorded: {error}");
            ClientError::new(ClientErrorKind::NotRecorded, text)
        })?;
        answered
    }

    async fn answered(
        &self,
        request: Request,
        streamed: Option<Streamed>,
    ) -> Result<Response, ClientError> {
        let deadline = Instant::now() + request.deadline;
        let allowed = request.deadline;
        let target = format!("{} {}", request.method, shown(&request.url));
        let came = AtomicU64::new(0);
        let late = || {
            let of_it = match came.load(Ordering::Relaxed) {
                0 => String::new(),
                bytes => format!("; {bytes} bytes of it had come"),
            };
            let text = format!("{target}: no complete answer within {allowed:.1?}{of_it}");
            ClientError::new(ClientErrorKind::Timeout, text)
        };
        let redaction = match &request.credential {
            None => Redaction::default(),
            // The pattern of a long one takes seconds to make.
            Some(Credential { secret, .. }) => {
                let secret = secret.clone();
                let made =
                    blocking::wait_until(deadline.into_std(), move || Redaction::of(&secret));
                made.await.map_err(|lost| {
                    let text = format!("{target}: what hides its credential was not made: {lost}");
                    ClientError::new(ClientErrorKind::Timeout, text)
                })?
            }
        };
        let reading = BodyReading {
            came: &came,
            streamed,
        };
        let answered = timeout_at(deadline, self.follow(request, &redaction, reading)).await;
        match answered.unwrap_or_else(|_| Err(late())) {
            Ok(response) => Ok(without(response, &redaction)),
            Err(error) => Err(error::without(error, &redaction)),
        }
    }

    /// Send a JSON document, and read one from a successful answer. `bearer` goes to the origin
    /// of `url`.
    pub async fn post_json(
        &self,
        url: &Url,
        bearer: Option<&Secret>,
        body: &Json,
        deadline: Duration,
    ) -> Result<Json, ClientError> {
        let request = Request {
            method: "POST".to_owned(),
            url: url.to_string(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
            credential: bearer.zip(Origin::of(url)).map(|(secret, to)| Credential {
                secret: secret.clone(),
                to,
                header: None,
            }),
            deadline,
            max_body: JSON_BODY,
            cut: false,
            redirects: 0,
            fresh_connection: false,
        };
        let response = self.send(request).await?;
        let target = format!("POST {}", shown(url.as_str()));
        if !(200..300).contains(&response.status) {
            let text: String = String::from_utf8_lossy(&response.body)
                .chars()
                .take(500)
                .collect();
            let kind = ClientErrorKind::Status(response.status);
            return Err(ClientError::new(kind, format!("{target}: {text}")));
        }
        let read = blocking::wait(move || json_of(&response)).await;
        read.map_err(|lost| ClientError::new(ClientErrorKind::Unknown, lost.to_string()))?
    }

    async fn follow(
        &self,
        request: Request,
        redaction: &Redaction,
        reading: BodyReading<'_>,
    ) -> Result<Response, ClientError> {
        let url = Url::parse(&request.url)
            .map_err(|error| ClientError::bad_request(format!("`{}`: {error}", request.url)))?;
        let method = headers::method(&request.method)?;
        let headers = headers::checked(&request.headers, request.credential.is_some())?;
        let bearer = request.credential.as_ref();
        let bearer = bearer
            .map(|credential| bearer_to(credential, &url))
            .transpose()?;
        let fresh = request.fresh_connection;
        let mut hop = Hop {
            method,
            url,
            headers,
            bearer,
            body: match &reading.streamed {
                Some(streamed) => streamed.body.clone(),
                None => request.body,
            },
            fresh,
        };
        let most = BodyLimit {
            bytes: request.max_body,
            cut: request.cut,
        };
        let mut left = request.redirects;
        loop {
            let response = self.send_hop(&hop).await?;
            match next(&hop, &response)? {
                Some(url) if left > 0 && redaction.is_in(url.as_str()) => {
                    let text = format!(
                        "{}: redirects to an address with the credential in it, which is not followed",
                        hop.target()
                    );
                    return Err(ClientError::new(ClientErrorKind::Denied, text));
                }
                Some(url) if left > 0 => hop = hop.redirected(response.status(), url),
                _ => return reading.read(&hop, response, most).await,
            }
            left -= 1;
        }
    }

    async fn send_hop(&self, hop: &Hop) -> Result<reqwest::Response, ClientError> {
        let private = self.policy.check(hop.method.as_str(), &hop.url)?.private;
        let sent = self.send_once(hop, private, hop.fresh).await;
        match sent {
            Err(error) if error.kind == ClientErrorKind::Reset && hop.is_idempotent() => {
                tracing::debug!(%error, "once more, on a fresh connection");
                self.send_once(hop, private, true).await
            }
            sent => sent,
        }
    }

    async fn send_once(
        &self,
        hop: &Hop,
        private: bool,
        fresh: bool,
    ) -> Result<reqwest::Response, ClientError> {
        let mut headers = hop.headers.clone();
        headers.extend(hop.bearer.clone());
        let request = self
            .sender(private, fresh)?
            .request(hop.method.clone(), hop.url.clone())
            .headers(headers)
            .body(hop.body.clone());
        request
            .send()
            .await
            .map_err(|error| error::of(&hop.target(), error))
    }

    fn sender(&self, private: bool, fresh: bool) -> Result<&reqwest::Client, ClientError> {
        let cell = &self.network.senders[usize::from(private) * 2 + usize::from(fresh)];
        if let Some(sender) = cell.get() {
            return Ok(sender);
        }
        let built = build(private, fresh).map_err(|error| error::of("the client", error))?;
        Ok(cell.get_or_init(|| built))
    }
}

/// An answer of a cassette, held to what an answer of the network is held to.
fn played(request: Request, mut answer: Response) -> Result<Response, ClientError> {
    let most = request.max_body;
    if request.cut {
        answer
            .body
            .truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    if answer.body.len() as u64 > most {
        let text = format!(
            "{} {}: the body in the cassette is larger than the {most} bytes allowed",
            request.method,
            shown(&request.url)
        );
        return Err(ClientError::new(ClientErrorKind::TooLarge, text));
    }
    // Who follows no redirect is answered by whom he asked, whatever the cassette says.
    let url = if request.redirects == 0 {
        request.url
    } else {
        answer.url.clone()
    };
    Ok(Response { url, ..answer })
}

/// The JSON document that a response is, if it takes no more memory than any may.
pub fn json_of(response: &Response) -> Result<Json, ClientError> {
    json_in(&response.body, JSON_TREE).map_err(|problem| {
        let kind = match problem {
            JsonProblem::TooLarge(_) => ClientErrorKind::TooLarge,
            JsonProblem::Broken(_) => ClientErrorKind::Protocol,
        };
        ClientError::new(
            kind,
            format!("{}: the answer {problem}", shown(&response.url)),
        )
    })
}

/// The header that carries a credential to `url`, which has to be where it goes.
fn bearer_to(credential: &Credential, url: &Url) -> Result<(HeaderName, HeaderValue), ClientError> {
    if Origin::of(url).as_ref() != Some(&credential.to) {
        let text = format!(
            "a credential for {} was not sent to {}",
            credential.to,
            egress::origin(url)
        );
        return Err(ClientError::new(ClientErrorKind::Denied, text));
    }
    headers::carrying(credential)
}

impl Hop {
    fn target(&self) -> String {
        format!("{} {}", self.method, shown(self.url.as_str()))
    }

    fn is_idempotent(&self) -> bool {
        matches!(
            self.method,
            Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS
        ) || self.headers.contains_key("idempotency-key")
    }

    /// The request at the place it was sent on to. Another origin gets no credentials.
    fn redirected(mut self, status: StatusCode, url: Url) -> Self {
        if url.origin() != self.url.origin() {
            // For good: an origin that sends it back would choose what is asked under the
            // credential.
            self.bearer = None;
            headers::strip_credentials(&mut self.headers);
        }
        let to_get = status == StatusCode::SEE_OTHER && self.method != Method::HEAD
            || matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND)
                && self.method == Method::POST;
        if to_get {
            self.method = Method::GET;
            self.body = Vec::new();
            headers::strip_content(&mut self.headers);
        }
        Self { url, ..self }
    }
}

/// Where an answer sends the request on to.
fn next(hop: &Hop, response: &reqwest::Response) -> Result<Option<Url>, ClientError> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| redirects);
    let Some(location) = location else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
    let url = hop.url.join(&location);
    url.map(Some).map_err(|error| {
        let text = format!(
            "{}: redirects to `{}`: {error}",
            hop.target(),
            cut(&location, NAMED)
        );
        ClientError::new(ClientErrorKind::Unknown, text)
    })
}

#[expect(clippy::disallowed_methods, reason = "this is the http client module")]
fn build(private: bool, fresh: bool) -> Result<reqwest::Client, reqwest::Error> {
    // The first call wins; later ones find it installed.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder()
        .user_agent(concat!("callboard/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .referer(false)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .dns_resolver(Resolver { private })
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE);
    if fresh {
        builder.pool_max_idle_per_host(0).build()
    } else {
        builder.build()
    }
}

/// An address for people: without its query, which may hold a secret.
fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
