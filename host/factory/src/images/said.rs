//! What a status and the text beside it mean.

use callboard_core::exchange::Response;
use callboard_core::shown::cut;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::cause::{Cause, Trouble};

/// Characters of an answer that are told.
const TOLD: usize = 300;
/// How servers say that they have no memory for it.
const MEMORY: [&str; 3] = ["out of memory", "out-of-memory", "outofmemory"];

/// What a response is that is no success.
pub(super) fn trouble(response: &Response) -> Trouble {
    let text = text(&response.body);
    let after = response.retry_after(Timestamp::now());
    let detail = if text.is_empty() {
        format!("status {}", response.status)
    } else {
        format!("status {}: {text}", response.status)
    };
    Trouble {
        cause: cause(response.status, &text, after.is_some()),
        detail,
        after,
    }
}

fn cause(status: u16, text: &str, asks_for_time: bool) -> Cause {
    let text = text.to_lowercase();
    let mut words = text.split(|mark: char| !mark.is_alphanumeric());
    let no_memory =
        MEMORY.iter().any(|told| text.contains(told)) || words.any(|word| word == "oom");
    match status {
        507 => Cause::OutOfMemory,
        500..=599 if no_memory => Cause::OutOfMemory,
        429 => Cause::Busy,
        503 if asks_for_time || text.contains("busy") => Cause::Busy,
        503 => Cause::Degraded,
        408 | 504 => Cause::Timeout,
        401 | 403 => Cause::Denied,
        413 => Cause::TooLarge,
        400..=499 => Cause::BadRequest,
        500..=599 => Cause::ServerError,
        _ => Cause::WrongAnswer,
    }
}

/// What a body says, as one line: the message of a JSON document, where there is one.
pub(super) fn text(body: &[u8]) -> String {
    let json = serde_json::from_slice::<Json>(body).unwrap_or_default();
    let places = ["/detail", "/error/message", "/error", "/message", "/reason"];
    let said = places
        .iter()
        .find_map(|place| json.pointer(place)?.as_str());
    let said = said.map_or_else(|| String::from_utf8_lossy(body), Into::into);
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(line.escape_debug(), TOLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_a_name_of_its_own() {
        for (status, text, waits, wanted) in [
            (503, "model not loaded", false, Cause::Degraded),
            (503, "CUDA out of memory", false, Cause::OutOfMemory),
            (500, "GPU OOM", false, Cause::OutOfMemory),
            (500, "no room in the room", false, Cause::ServerError),
            (503, "", true, Cause::Busy),
            (429, "slow down", false, Cause::Busy),
            (400, "bad size", false, Cause::BadRequest),
            (422, "bad size", false, Cause::BadRequest),
            (404, "no model", false, Cause::BadRequest),
            (401, "who", false, Cause::Denied),
            (413, "prompt", false, Cause::TooLarge),
            (504, "", false, Cause::Timeout),
            (302, "", false, Cause::WrongAnswer),
        ] {
            assert_eq!(cause(status, text, waits), wanted, "{status} {text}");
        }
        assert_eq!(text(br#"{"error":{"message":"no\nroom"}}"#), "no room");
    }
}
