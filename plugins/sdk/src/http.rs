//! One call to an allowed address.
//!
//! ```ignore
//! let page = http::get("https://api.example.com/posts").deadline(Duration::from_secs(5)).send()?;
//! ```

mod request;
mod response;

use std::fmt;

use crate::bindings::callboard::plugin::http as host;

/// What kept an answer from coming.
pub use host::HttpErrorKind as ErrorKind;
pub use request::Request;
pub use response::Response;

impl ErrorKind {
    /// As the WIT writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Denied => "denied",
            ErrorKind::BadRequest => "bad-request",
            ErrorKind::Dns => "dns",
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Tls => "tls",
            ErrorKind::Reset => "reset",
            ErrorKind::Timeout => "timeout",
            ErrorKind::TooLarge => "too-large",
            ErrorKind::Unknown => "unknown",
        }
    }
}

/// Why there is no answer. A status of 400 or above is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kept it.
    pub kind: ErrorKind,
    /// The host's words.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The address that was called.
    pub url: String,
}

impl Error {
    /// The host part of the address: the dependency that did not answer.
    pub fn host(&self) -> &str {
        let rest = self
            .url
            .split_once("://")
            .map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        authority.rsplit('@').next().unwrap_or(authority)
    }
}

/// A GET.
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// A POST.
pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", url).body(body)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_host_and_no_credentials() {
        let error = |url: &str| Error {
            kind: ErrorKind::Dns,
            message: String::new(),
            retryable: true,
            url: url.to_owned(),
        };
        assert_eq!(
            error("https://user:pass@api.example.com:8443/a?b").host(),
            "api.example.com:8443"
        );
        assert_eq!(error("nonsense").host(), "nonsense");
    }
}
