//! Why there is no picture. A cause keeps its name from the server to the command line.

use std::fmt;
use std::time::Duration;

use callboard_core::exchange::{ClientError, ClientErrorKind};
use callboard_core::outcome::{FailureKind, Stop};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long to wait for a server that is busy and does not say how long.
const BUSY: Duration = Duration::from_secs(30);
/// The longest that a server may ask for.
const LONGEST: Duration = Duration::from_secs(3600);

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PictureCause {
    /// The connection was refused.
    Unreachable,
    /// The server's name has no address.
    Dns,
    /// No secure connection came about.
    Tls,
    /// The server closed the connection before its answer was complete.
    Reset,
    /// The answer was not complete in time.
    Timeout,
    /// The server does not take the key, or the request may not go there.
    Denied,
    /// The server is up and its model is not.
    Degraded,
    /// The server is busy with another request.
    Busy,
    /// The server has not the memory for it.
    OutOfMemory,
    /// Another failure of the server.
    ServerError,
    /// The server refuses what it was asked.
    BadRequest,
    /// The answer is not what the protocol says.
    WrongAnswer,
    /// More bytes or pixels than are taken.
    TooLarge,
    /// What came is no PNG, JPEG or WebP, or not a whole one.
    NotAnImage,
    /// The picture was made and could not be kept.
    UploadFailed,
}

impl PictureCause {
    /// Whether the same may be asked for again in a moment.
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            PictureCause::Unreachable
                | PictureCause::Dns
                | PictureCause::Reset
                | PictureCause::Degraded
                | PictureCause::OutOfMemory
                | PictureCause::ServerError
                | PictureCause::UploadFailed
        )
    }

    /// Its name, everywhere.
    pub fn name(self) -> &'static str {
        match self {
            PictureCause::Unreachable => "unreachable",
            PictureCause::Dns => "dns",
            PictureCause::Tls => "tls",
            PictureCause::Reset => "reset",
            PictureCause::Timeout => "timeout",
            PictureCause::Denied => "denied",
            PictureCause::Degraded => "degraded",
            PictureCause::Busy => "busy",
            PictureCause::OutOfMemory => "out-of-memory",
            PictureCause::ServerError => "server-error",
            PictureCause::BadRequest => "bad-request",
            PictureCause::WrongAnswer => "wrong-answer",
            PictureCause::TooLarge => "too-large",
            PictureCause::NotAnImage => "not-an-image",
            PictureCause::UploadFailed => "upload-failed",
        }
    }
}

impl fmt::Display for PictureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A cause, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}: {detail}")]
pub struct PictureTrouble {
    pub cause: PictureCause,
    pub detail: String,
    /// How long the server asks to be left alone.
    pub after: Option<Duration>,
}

impl PictureTrouble {
    pub fn new(cause: PictureCause, detail: impl fmt::Display) -> Self {
        Self {
            cause,
            detail: detail.to_string(),
            after: None,
        }
    }

    /// How a stage ends on it. `what` is the picture.
    pub fn stop(&self, what: impl fmt::Display, now: Timestamp) -> Stop {
        let told = format!("{self} ({what})");
        match self.cause {
            PictureCause::Busy => Stop::Deferred {
                until: now + self.after.unwrap_or(BUSY).min(LONGEST),
                reason: format!("image server: {told}"),
            },
            PictureCause::UploadFailed => Stop::unavailable("media store", told),
            PictureCause::BadRequest => {
                Stop::failed(FailureKind::Input, format!("image server: {told}"))
            }
            PictureCause::Denied => {
                Stop::failed(FailureKind::Denied, format!("image server: {told}"))
            }
            _ => Stop::unavailable("image server", told),
        }
    }
}

impl From<ClientError> for PictureTrouble {
    fn from(error: ClientError) -> Self {
        let cause = match error.kind {
            ClientErrorKind::Denied => PictureCause::Denied,
            ClientErrorKind::BadRequest => PictureCause::BadRequest,
            ClientErrorKind::Dns => PictureCause::Dns,
            // A cassette without the answer: no server was asked, as its message says.
            ClientErrorKind::Unreachable | ClientErrorKind::NotRecorded => {
                PictureCause::Unreachable
            }
            ClientErrorKind::Tls => PictureCause::Tls,
            ClientErrorKind::Reset => PictureCause::Reset,
            ClientErrorKind::Timeout => PictureCause::Timeout,
            ClientErrorKind::TooLarge => PictureCause::TooLarge,
            ClientErrorKind::Status(_) => PictureCause::ServerError,
            ClientErrorKind::Protocol | ClientErrorKind::Unknown => PictureCause::WrongAnswer,
        };
        Self::new(cause, error.message)
    }
}
