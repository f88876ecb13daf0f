//! Headers and methods of a request: what a caller may set, and what only the client sets.

use reqwest::Method;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, RANGE,
};

use super::{ClientError, Credential};
use crate::shown::cut;

/// The most bytes of all headers together.
const LONGEST: usize = 64 * 1024;
/// Characters of a name that a refusal quotes.
const NAMED: usize = 200;
/// Set by the client, or meant for one hop only.
const REFUSED: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// The headers of a request as they go out, but for the credential.
pub(super) fn checked(
    headers: &[(String, String)],
    beside_a_credential: bool,
) -> Result<HeaderMap, ClientError> {
    if headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>()
        > LONGEST
    {
        return Err(ClientError::bad_request("more than 64 KiB of headers"));
    }
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let (name, value) = pair(name, value)?;
        if beside_a_credential && name == AUTHORIZATION {
            return Err(ClientError::bad_request(
                "an `authorization` header beside a credential; leave one out",
            ));
        }
        // The credential is taken out of what comes back, which has to be there to be read.
        if beside_a_credential && (name == ACCEPT_ENCODING || name == RANGE) {
            return Err(ClientError::bad_request(format!(
                "a `{name}` header beside a credential; leave one out"
            )));
        }
        map.append(name, value);
    }
    Ok(map)
}

/// The header that carries a credential.
pub(super) fn carrying(credential: &Credential) -> Result<(HeaderName, HeaderValue), ClientError> {
    let secret = credential.secret.expose();
    let (name, value) = match credential.header {
        None => (AUTHORIZATION, format!("Bearer {secret}")),
        Some(name) => (HeaderName::from_static(name), secret.to_owned()),
    };
    let value = HeaderValue::from_str(&value);
    let mut value = value.map_err(|_| {
        ClientError::bad_request("the credential has characters that no header can carry")
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn pair(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), ClientError> {
    let refuse = |what: &str| {
        Err(ClientError::bad_request(format!(
            "header `{}` {what}",
            cut(name.escape_debug(), NAMED)
        )))
    };
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        return refuse("is no name of a header");
    };
    if REFUSED.contains(&parsed.as_str()) || parsed.as_str().starts_with("proxy-") {
        return refuse("is set by the host alone; leave it out");
    }
    match HeaderValue::from_bytes(value.as_bytes()) {
        Ok(value) => Ok((parsed, value)),
        Err(_) => refuse("has a value with control characters"),
    }
}

/// The method of a request, in upper case as grants write it.
pub(super) fn method(text: &str) -> Result<Method, ClientError> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if plain && !matches!(text, "CONNECT" | "TRACE") => Ok(method),
        _ => Err(ClientError::bad_request(format!(
            "`{}` is no method that can be sent",
            cut(text.escape_debug(), NAMED)
        ))),
    }
}

/// Headers whose values are credentials.
const SECRET: [&str; 6] = [
    "authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-csrf-token",
];

/// Whether the value of a header is a credential.
pub(super) fn is_secret(name: &str) -> bool {
    SECRET
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

pub(super) fn strip_credentials(headers: &mut HeaderMap) {
    for name in SECRET {
        headers.remove(name);
    }
}

pub(super) fn strip_content(headers: &mut HeaderMap) {
    headers.remove(CONTENT_TYPE);
    headers.remove(CONTENT_ENCODING);
}

/// The headers of a response as texts.
pub(super) fn given(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}
