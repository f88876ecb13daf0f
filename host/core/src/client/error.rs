//! What the libraries below say of a request that got no answer, in the kinds of [`exchange`](crate::exchange).

use std::error::Error;
use std::io;

use super::redaction::Redaction;
use crate::exchange::{ClientError, ClientErrorKind};

/// Why a name has no address here.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    #[error("`{name}` has no address: {cause}")]
    Unknown { name: String, cause: String },
    #[error(
        "`{name}` is at {address}, which is not public ({what}); a grant of that very host needs `private = true`"
    )]
    NotPublic {
        name: String,
        address: String,
        what: &'static str,
    },
}

impl ResolveError {
    fn kind(&self) -> ClientErrorKind {
        match self {
            ResolveError::Unknown { .. } => ClientErrorKind::Dns,
            ResolveError::NotPublic { .. } => ClientErrorKind::Denied,
        }
    }
}

/// The same in other words: without a credential that the peer repeated.
pub(super) fn without(error: ClientError, redaction: &Redaction) -> ClientError {
    let message = redaction.text(&error.message);
    ClientError { message, ..error }
}

/// What `reqwest` says, about a request to `target`.
pub(super) fn of(target: &str, error: reqwest::Error) -> ClientError {
    let error = error.without_url();
    ClientError::new(kind_of(&error), format!("{target}: {}", chain(&error)))
}

/// Every cause, outermost first.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error).skip(1) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // `source` of an io error skips the error that it wraps.
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn kind_of(error: &reqwest::Error) -> ClientErrorKind {
    let known = causes(error).find_map(known_kind);
    match known {
        Some(kind) => kind,
        None if error.is_timeout() => ClientErrorKind::Timeout,
        None if error.is_connect() => ClientErrorKind::Unreachable,
        None if error.is_builder() => ClientErrorKind::BadRequest,
        None => ClientErrorKind::Unknown,
    }
}

fn known_kind(cause: &(dyn Error + 'static)) -> Option<ClientErrorKind> {
    if let Some(refused) = cause.downcast_ref::<ResolveError>() {
        return Some(refused.kind());
    }
    if cause.is::<rustls::Error>() {
        return Some(ClientErrorKind::Tls);
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        if error.is_parse() {
            return Some(ClientErrorKind::Protocol);
        }
        return error
            .is_incomplete_message()
            .then_some(ClientErrorKind::Reset);
    }
    let error = cause.downcast_ref::<io::Error>()?;
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(ClientErrorKind::Reset),
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => Some(ClientErrorKind::Unreachable),
        io::ErrorKind::TimedOut => Some(ClientErrorKind::Timeout),
        _ => None,
    }
}
