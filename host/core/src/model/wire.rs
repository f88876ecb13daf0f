//! One request to a model server, through the client of the house, and what its status means.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value as Json;
use url::Url;

use super::answer;
use super::cause::ModelCause;
use super::ordered;
use super::role::Provider;
use super::stream::{Bounds, Heard, Spoken};
use crate::blocking::{self, Unanswered};
use crate::client::{
    Client, ClientError, ClientErrorKind, Credential, Network, Request, Response, Streamed, json_of,
};
use crate::grants::Origin;
use crate::handler::ModelRequest;
use crate::shown::cut;

/// The most bytes of an answer.
const LARGEST: u64 = 32 << 20;
/// What of that may stand around the texts of an answer in words.
const AROUND: u64 = 1 << 20;
/// Bytes of such an answer for each of its text: two texts, and signs that are escaped.
const ESCAPED: u64 = 2 * 6;
/// Bytes of a stream for each token: what stands around the piece that it is in. It may be one of the reasoning, too.
const FRAMED: u64 = 2 * (2 << 10);
/// How long to leave a server alone that is busy and does not say how long.
const PAUSE: Duration = Duration::from_secs(30);
/// The longest that it can say.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);
/// Words by which a server that has no time, for now, tells itself from one that is broken.
const BUSY: [&str; 4] = ["busy", "overloaded", "loading model", "too many requests"];
/// Bytes of a refusal that are read.
const REFUSAL: usize = 64 << 10;
/// Characters of what a server says of a failure.
const SAID: usize = 500;

/// How a provider is reached, and until when.
pub(super) struct Wire {
    pub(super) network: Network,
    /// When the answer has to be there, and read.
    pub(super) until: Instant,
    /// How long a server may say nothing amid its answer.
    pub(super) silence: Duration,
}

/// How a protocol asks.
pub(super) struct Ask<'a> {
    /// Below the address that is set.
    pub(super) path: &'a str,
    /// The header of the key; `Authorization: Bearer` if there is none.
    pub(super) key_header: Option<&'static str>,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: Json,
    /// The most bytes of the answer.
    pub(super) max_body: u64,
    /// The limit of tokens of an answer in words.
    pub(super) tokens: u32,
    /// What is said besides so that it is streamed, and how that is heard.
    pub(super) streamed: Option<(Json, Spoken)>,
}

impl<'a> Ask<'a> {
    /// With the key as a bearer and no header besides.
    pub(super) fn plain(path: &'a str, body: Json) -> Self {
        Self {
            path,
            key_header: None,
            headers: &[],
            body,
            max_body: LARGEST,
            tokens: 0,
            streamed: None,
        }
    }

    /// As `plain`, to be answered in as many words as the request lets.
    pub(super) fn in_words(path: &'a str, body: Json, request: &ModelRequest) -> Self {
        let text = answer::longest(request.max_tokens);
        Self {
            max_body: LARGEST.min(AROUND + ESCAPED * text),
            tokens: request.max_tokens,
            ..Self::plain(path, body)
        }
    }

    /// To be answered piece by piece.
    pub(super) fn streamed(self, besides: Json, spoken: Spoken) -> Self {
        Self {
            streamed: Some((besides, spoken)),
            ..self
        }
    }

    fn heard(&mut self, silence: Duration) -> Option<Streamed> {
        let (besides, spoken) = self.streamed.take()?;
        let mut body = self.body.clone();
        for (key, value) in besides.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let bounds = Bounds {
            tokens: self.tokens,
            text: answer::longest(self.tokens).min(LARGEST),
            piece: usize::try_from(self.max_body).unwrap_or(usize::MAX),
        };
        Some(Streamed {
            body: ordered::text(&body),
            max_body: AROUND + FRAMED * u64::from(self.tokens),
            silence,
            fold: Box::new(Heard::new(spoken, bounds)),
        })
    }
}

/// Ask, and read the document that a success is answered with, beside the threads that serve.
pub(super) async fn ask<T: Send + 'static>(
    provider: &Provider,
    mut question: Ask<'_>,
    wire: &Wire,
    read: fn(&Provider, &Json) -> Result<T, ModelCause>,
) -> Result<T, ModelCause> {
    let Some(base) = &provider.url else {
        return Err(ModelCause::Unable(format!("{provider} has no address")));
    };
    let url = below(base, question.path);
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let more = question.headers.iter();
    headers.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let key = provider.key.as_ref().zip(Origin::of(&url));
    let request = Request {
        method: "POST".to_owned(),
        url: url.to_string(),
        headers,
        body: ordered::text(&question.body),
        credential: key.map(|(secret, to)| Credential {
            secret: secret.clone(),
            to,
            header: question.key_header,
        }),
        deadline: wire.until.saturating_duration_since(Instant::now()),
        max_body: question.max_body,
        cut: false,
        redirects: 0,
        // It is asked once, so that it may not meet a connection that the server is just closing.
        fresh_connection: true,
    };
    let client = Client::for_operator(base).over(&wire.network);
    let streamed = provider.streams.then(|| question.heard(wire.silence));
    let response = match streamed.flatten() {
        Some(streamed) => client.send_streamed(request, streamed).await?,
        None => client.send(request).await?,
    };
    let provider = provider.clone();
    beside(wire.until, move || match response.status {
        200..300 => read(&provider, &json_of(&response)?),
        _ => Err(refused(&response)),
    })
    .await
}

/// What is read of what a server said, which has bounds of its own, and no more time than the answer had to come.
pub(super) async fn beside<T: Send + 'static>(
    until: Instant,
    read: impl FnOnce() -> Result<T, ModelCause> + Send + 'static,
) -> Result<T, ModelCause> {
    blocking::wait_until(until, read).await.map_err(|lost| {
        let told = format!("what reads the answer: {lost}");
        match lost {
            Unanswered::TimeOver(_) => ClientError::new(ClientErrorKind::Timeout, told).into(),
            Unanswered::Lost(_) => ModelCause::Protocol(told),
        }
    })?
}

/// The address of an endpoint. One that is set as a whole, or up to its version, counts as well.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    if url.path().ends_with(path) {
        return url;
    }
    let (version, _) = path
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or_default();
    let given = url.path().trim_end_matches('/');
    // A whole segment, and no end of another word.
    let versioned = given.strip_suffix(version);
    let versioned = versioned.filter(|rest| rest.is_empty() || rest.ends_with('/'));
    let given = versioned.unwrap_or(given);
    let path = format!("{}{path}", given.trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// What a status that is no success means.
fn refused(response: &Response) -> ModelCause {
    let beginning = &response.body[..response.body.len().min(REFUSAL)];
    let body = String::from_utf8_lossy(beginning);
    let said = format!("{}: {}", response.url, cut(body.trim(), SAID));
    let after = response.retry_after(Timestamp::now());
    let lower = body.to_lowercase();
    let busy = match response.status {
        429 | 529 => true,
        503 => after.is_some() || BUSY.iter().any(|word| lower.contains(word)),
        _ => false,
    };
    if busy {
        return ModelCause::Busy {
            after: after.unwrap_or(PAUSE).min(LONGEST_PAUSE),
            said: format!("status {}: {said}", response.status),
        };
    }
    ClientError::new(ClientErrorKind::Status(response.status), said).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, retry: &str, body: &str) -> Response {
        let retry = (!retry.is_empty()).then(|| ("Retry-After".to_owned(), retry.to_owned()));
        Response {
            status,
            headers: retry.into_iter().collect(),
            body: body.as_bytes().to_vec(),
            url: "http://m/".to_owned(),
        }
    }

    #[test]
    fn an_address_may_be_given_by_half() {
        for base in [
            "http://m",
            "http://m/",
            "http://m/v1",
            "http://m/v1/chat/completions",
        ] {
            let url = below(&base.parse().expect("an address"), "/v1/chat/completions");
            assert_eq!(url.path(), "/v1/chat/completions", "{base}");
        }
        let url = below(&"http://m/proxy/v1/".parse().expect("an address"), "/v1/x");
        assert_eq!(url.path(), "/proxy/v1/x");
        let base = "https://llm.lan/ollama-api".parse().expect("an address");
        assert_eq!(below(&base, "/api/chat").path(), "/ollama-api/api/chat");
    }

    #[test]
    fn a_server_that_is_busy_is_told_from_one_that_is_broken() {
        let after = |response| match refused(&response) {
            ModelCause::Busy { after, .. } => Some(after.as_secs()),
            _ => None,
        };
        assert_eq!(after(response(429, "7", "")), Some(7));
        assert_eq!(after(response(429, "", "")), Some(30));
        assert_eq!(after(response(503, "3", "")), Some(3));
        assert_eq!(
            after(response(503, "", "{\"error\":\"Loading model\"}")),
            Some(30)
        );
        assert_eq!(after(response(503, "", "no backend")), None);
        assert_eq!(after(response(500, "3", "")), None);
        assert_eq!(
            after(response(429, "Wed, 21 Oct 2015 07:28:00 GMT", "")),
            Some(0)
        );
        let name = refused(&response(500, "", "no memory")).name();
        assert_eq!(name, "status 500");
    }
}
