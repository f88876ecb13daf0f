//! What a status and the text beside it mean.

use callboard_core::exchange::Response;
use callboard_core::shown::cut;
use callboard_core::value::{JsonProblem, json_in};
use jiff::Timestamp;
use serde_json::Value as Json;

use super::cause::{PictureCause, PictureTrouble};

/// Characters of an answer that are told.
const TOLD: usize = 300;
/// Bytes of memory that a document of a server may take.
const TREE: u64 = 48 << 20;
/// Bytes of an answer that is no document which are looked at.
const BEGINNING: usize = 64 << 10;
/// How servers say that they have no memory for it.
const MEMORY: [&str; 3] = ["out of memory", "out-of-memory", "outofmemory"];

/// What a response is that is no success.
pub(super) fn trouble(response: &Response) -> PictureTrouble {
    let text = text(&response.body);
    let after = response.retry_after(Timestamp::now());
    let detail = if text.is_empty() {
        format!("status {}", response.status)
    } else {
        format!("status {}: {text}", response.status)
    };
    PictureTrouble {
        cause: cause(response.status, &text, after.is_some()),
        detail,
        after,
    }
}

fn cause(status: u16, text: &str, asks_for_time: bool) -> PictureCause {
    let text = text.to_lowercase();
    let mut words = text.split(|mark: char| !mark.is_alphanumeric());
    let no_memory =
        MEMORY.iter().any(|told| text.contains(told)) || words.any(|word| word == "oom");
    match status {
        507 => PictureCause::OutOfMemory,
        500..=599 if no_memory => PictureCause::OutOfMemory,
        429 => PictureCause::Busy,
        503 if asks_for_time || text.contains("busy") => PictureCause::Busy,
        503 => PictureCause::Degraded,
        408 | 504 => PictureCause::Timeout,
        401 | 403 => PictureCause::Denied,
        413 => PictureCause::TooLarge,
        400..=499 => PictureCause::BadRequest,
        500..=599 => PictureCause::ServerError,
        _ => PictureCause::WrongAnswer,
    }
}

/// The JSON document that a server answers with. A picture in it is one text, so that it has few parts.
pub(super) fn json(body: &[u8]) -> Result<Json, JsonProblem> {
    json_in(body, TREE)
}

fn beginning(body: &[u8]) -> &[u8] {
    &body[..body.len().min(BEGINNING)]
}

/// What a body says, as one line: the message of a JSON document, where there is one.
pub(super) fn text(body: &[u8]) -> String {
    let json = json(body).unwrap_or_default();
    let places = ["/detail", "/error/message", "/error", "/message", "/reason"];
    let said = places
        .iter()
        .find_map(|place| json.pointer(place)?.as_str());
    let said = said.map_or_else(|| String::from_utf8_lossy(beginning(body)), Into::into);
    let words = said.split_whitespace().take(TOLD);
    let line = words.collect::<Vec<_>>().join(" ");
    cut(line.escape_debug(), TOLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_a_name_of_its_own() {
        for (status, text, waits, wanted) in [
            (503, "model not loaded", false, PictureCause::Degraded),
            (503, "CUDA out of memory", false, PictureCause::OutOfMemory),
            (500, "GPU OOM", false, PictureCause::OutOfMemory),
            (500, "no room in the room", false, PictureCause::ServerError),
            (503, "", true, PictureCause::Busy),
            (429, "slow down", false, PictureCause::Busy),
            (400, "bad size", false, PictureCause::BadRequest),
            (422, "bad size", false, PictureCause::BadRequest),
            (404, "no model", false, PictureCause::BadRequest),
            (401, "who", false, PictureCause::Denied),
            (413, "prompt", false, PictureCause::TooLarge),
            (504, "", false, PictureCause::Timeout),
            (302, "", false, PictureCause::WrongAnswer),
        ] {
            assert_eq!(cause(status, text, waits), wanted, "{status} {text}");
        }
        assert_eq!(text(br#"{"error":{"message":"no\nroom"}}"#), "no room");
    }

    #[test]
    fn a_document_of_many_parts_is_not_read() {
        let many = format!("{{\"data\":[{}0]}}", "{\"\":0},".repeat(100_000));
        let refused = json(many.as_bytes()).expect_err("it is too large");
        assert!(
            refused.to_string().contains("more than 48 MiB"),
            "{refused}"
        );
        assert!(text(many.as_bytes()).starts_with("{\\\"data"));
    }
}
