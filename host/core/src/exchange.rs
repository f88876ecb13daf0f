//! A request over HTTP, its response, and why there is none. No IO: `client` sends it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::grants::Origin;
use crate::settings::Secret;

/// Where a request of a native handler may go.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    /// To the one origin of this address, which the operator configured; it may be on this machine.
    Origin(&'a Url),
    /// To any public host, at the ports that http and https have; an address that content names
    /// goes this way. Besides, to the origins that the operator names, wherever they are.
    Public(&'a [Origin]),
}

/// A secret and the only origin that it goes to, redirects or not.
#[derive(Debug, Clone)]
pub struct Credential {
    pub secret: Secret,
    pub to: Origin,
    /// The header that holds it and nothing else; `Authorization: Bearer` if there is none.
    pub header: Option<&'static str>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Goes out in a header of its own.
    pub credential: Option<Credential>,
    /// How long to wait at most, redirects and body included.
    pub deadline: Duration,
    /// The most bytes of body, after decompression.
    pub max_body: u64,
    /// What is more than that is left out; otherwise it makes the answer an error.
    pub cut: bool,
    /// Redirects to follow at most.
    pub redirects: u8,
    /// Do not reuse a pooled connection.
    pub fresh_connection: bool,
}

/// A response, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The address that answered, after redirects.
    pub url: String,
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// When the server wants to be asked again, from `now` on: after so many seconds, or at a date
    /// (RFC 9110, 10.2.3). At once, if the date is past.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        Some(at.duration_since(now).try_into().unwrap_or_default())
    }
}

/// Why a request got no answer. The message keeps the whole chain of causes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct ClientError {
    pub kind: ClientErrorKind,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientErrorKind {
    /// A grant does not allow it.
    Denied,
    /// The request is wrong.
    BadRequest,
    Dns,
    Unreachable,
    Tls,
    /// The peer closed the connection before it answered, or amid its answer.
    Reset,
    Timeout,
    TooLarge,
    /// An answer that is no success, where only a success will do.
    Status(u16),
    /// The cassette that is played has no answer to it.
    NotRecorded,
    /// What came is not in the form that was asked for.
    Protocol,
    Unknown,
}

impl fmt::Display for ClientErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClientErrorKind::Denied => "denied",
            ClientErrorKind::BadRequest => "bad-request",
            ClientErrorKind::Dns => "dns",
            ClientErrorKind::Unreachable => "unreachable",
            ClientErrorKind::Tls => "tls",
            ClientErrorKind::Reset => "reset",
            ClientErrorKind::Timeout => "timeout",
            ClientErrorKind::TooLarge => "too-large",
            ClientErrorKind::Status(status) => return write!(f, "status {status}"),
            ClientErrorKind::NotRecorded => "not-recorded",
            ClientErrorKind::Protocol => "protocol",
            ClientErrorKind::Unknown => "unknown",
        })
    }
}

impl ClientError {
    pub fn new(kind: ClientErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ClientErrorKind::BadRequest, message)
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            ClientErrorKind::Dns
            | ClientErrorKind::Unreachable
            | ClientErrorKind::Reset
            | ClientErrorKind::Timeout => true,
            ClientErrorKind::Status(status) => status == 429 || status >= 500,
            ClientErrorKind::Denied
            | ClientErrorKind::BadRequest
            | ClientErrorKind::Tls
            | ClientErrorKind::TooLarge
            | ClientErrorKind::NotRecorded
            | ClientErrorKind::Protocol
            | ClientErrorKind::Unknown => false,
        }
    }
}
