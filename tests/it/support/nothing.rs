//! What a native handler reaches where none is called: nothing. Benchmarks name this file, too.

use std::path::Path;
use std::time::Instant;

use callboard_core::config::Config;
use callboard_core::exchange::{ClientError, ClientErrorKind, Reach, Request, Response};
use callboard_core::handler::{Call, Completion, ModelRequest, NoAnswer, Resources, Vectors};
use callboard_core::outcome::{FailureKind, Stop};
use callboard_core::value::{Rows, Statement};
use futures_util::future::{BoxFuture, ready};
use serde_json::Value as Json;

pub(crate) struct Nothing;

fn refused() -> Stop {
    Stop::failed(FailureKind::Internal, "nothing is reached from here")
}

impl Resources for Nothing {
    fn query(&self, _: Statement, _: Instant) -> BoxFuture<'_, Result<Rows, Stop>> {
        Box::pin(ready(Err(refused())))
    }

    fn execute(&self, _: Statement, _: Instant) -> BoxFuture<'_, Result<u64, Stop>> {
        Box::pin(ready(Err(refused())))
    }

    fn folder(&self) -> &Path {
        Path::new("")
    }

    fn config(&self) -> &Config {
        panic!("nothing is configured here")
    }

    fn columns<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<String>, Stop>> {
        Box::pin(ready(Err(refused())))
    }

    fn prompt(&self, _: &str, _: &Json) -> Result<String, Stop> {
        Err(refused())
    }

    fn text(&self, _: &str) -> Result<String, Stop> {
        Err(refused())
    }

    fn complete<'a>(
        &'a self,
        _: &'a Call,
        _: &'a str,
        _: ModelRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, NoAnswer>> {
        Box::pin(ready(Err(refused().into())))
    }

    fn embed<'a>(
        &'a self,
        _: &'a Call,
        _: &'a str,
        _: &'a [String],
    ) -> BoxFuture<'a, Result<Option<Vectors>, NoAnswer>> {
        Box::pin(ready(Err(refused().into())))
    }

    fn send<'a>(
        &'a self,
        _: Reach<'a>,
        _: Request,
    ) -> BoxFuture<'a, Result<Response, ClientError>> {
        let kind = ClientErrorKind::Unreachable;
        Box::pin(ready(Err(ClientError::new(
            kind,
            "nothing is reached from here",
        ))))
    }
}
