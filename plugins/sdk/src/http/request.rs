//! A request and its sending.

use std::time::Duration;

use super::{Error, Response};
use crate::bindings::callboard::plugin::http as host;

/// A request, built step by step.
#[derive(Debug, Clone)]
pub struct Request(host::Request);

impl Request {
    /// A request without headers or body, which follows no redirect.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self(host::Request {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: None,
            deadline: None,
            max_body: None,
            redirects: 0,
            fresh_connection: false,
        })
    }

    /// Add a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// Set the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Let the host put a named credential on the wire.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.0.credential = Some(name.into());
        self
    }

    /// Wait at most this long.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.0.deadline = Some(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Take at most this many bytes of body.
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.0.max_body = Some(bytes);
        self
    }

    /// Follow at most this many redirects.
    #[must_use]
    pub fn redirects(mut self, count: u8) -> Self {
        self.0.redirects = count;
        self
    }

    /// Do not reuse a pooled connection.
    #[must_use]
    pub fn fresh_connection(mut self) -> Self {
        self.0.fresh_connection = true;
        self
    }

    /// Send it and wait for the answer.
    pub fn send(self) -> Result<Response, Error> {
        match host::send(&self.0) {
            Ok(host::Response {
                status,
                headers,
                body,
                url,
            }) => Ok(Response {
                status,
                headers,
                body,
                url,
            }),
            Err(host::HttpError {
                kind,
                message,
                retryable,
            }) => Err(Error {
                kind,
                message,
                retryable,
                url: self.0.url,
            }),
        }
    }
}
