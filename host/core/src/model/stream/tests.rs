//! Streams as bytes: cut anywhere, ended early, and with what does not belong there.

use super::*;
use crate::model::openai;

const BOUNDS: Bounds = Bounds {
    tokens: 9,
    text: 100,
    piece: 2_000,
};

fn heard(framing: Framing) -> Box<Heard> {
    let spoken = match framing {
        Framing::Events => openai::spoken(),
        Framing::Lines => crate::model::ollama::spoken(),
    };
    Box::new(Heard::new(spoken, BOUNDS))
}

/// What comes of bytes that come `by` so many.
fn read(framing: Framing, text: &str, by: usize) -> Result<(u16, Json), ClientError> {
    let mut heard = heard(framing);
    for bytes in text.as_bytes().chunks(by) {
        if heard.take(bytes)? {
            break;
        }
    }
    let (status, document) = heard.end()?;
    Ok((
        status,
        serde_json::from_slice(&document).expect("a document"),
    ))
}

fn piece(delta: &Json, end: &str) -> String {
    let end = Some(end).filter(|end| !end.is_empty());
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": end });
    format!(
        "data: {}\n\n",
        json!({ "model": "m", "choices": [choice], "usage": null })
    )
}

fn said(text: &str) -> String {
    piece(&json!({ "content": text }), "")
}

fn whole() -> String {
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 5, "completion_tokens": 2 } });
    format!(
        "\u{feff}: a comment\r\n\r\n{}event: x\r\ndata:{}\r\n\r\n{}{}data: {usage}\n\ndata: [DONE]\n\n{}",
        piece(&json!({ "role": "assistant", "content": "" }), ""),
        json!({ "choices": [{ "index": 1, "delta": { "content": "another" } }] }),
        said("Größe") + &said(" 😀"),
        piece(&json!({}), "stop"),
        said("after the end"),
    )
}

#[track_caller]
fn broken(text: &str, kind: ClientErrorKind, told: &str) {
    let error = read(Framing::Events, text, usize::MAX).expect_err(told);
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(told), "{error}");
}

#[test]
fn a_stream_is_the_answer_that_it_had_been_as_a_whole_wherever_it_is_cut() {
    let wanted = json!({
        "model": "m",
        "choices": [{
            "message": { "role": "assistant", "content": "Größe 😀" },
            "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 2 },
    });
    for by in [1, 2, 3, 7, 64, 5_000] {
        let read = read(Framing::Events, &whole(), by).expect("it is whole");
        assert_eq!(read, (200, wanted.clone()), "by {by}");
    }
}

#[test]
fn what_ends_before_its_answer_did_is_broken_off_whatever_it_looks_like() {
    let reset = ClientErrorKind::Reset;
    broken(&said("Half a"), reset, "6 bytes of text had come");
    broken("", reset, "0 bytes");
    broken(
        &(said("Half a") + "data: {\"choices\": [{\"del"),
        reset,
        "6 bytes",
    );
    let given_up = said("Half") + "data: {\"error\": {\"message\": \"no memory\"}}\n\n";
    broken(&given_up, reset, "no memory");
    // How it ended is said, and `[DONE]` or a last line is not.
    let ended = said("Whole.") + &piece(&json!({}), "length");
    for text in [ended.clone(), ended.trim_end().to_owned()] {
        let (_, document) = read(Framing::Events, &text, 5).expect("it is whole");
        assert_eq!(document["choices"][0]["finish_reason"], "length");
        assert_eq!(document["choices"][0]["message"]["content"], "Whole.");
    }
}

#[test]
fn what_is_no_piece_or_too_large_is_told_while_it_comes() {
    broken(
        "data: {oops\n\n",
        ClientErrorKind::Protocol,
        "a piece of the answer is no JSON",
    );
    broken(
        "data: 7\n\ndata: [1]\n\n",
        ClientErrorKind::Reset,
        "0 bytes",
    );
    let text = said(&"x".repeat(60)).repeat(2);
    broken(
        &text,
        ClientErrorKind::TooLarge,
        "120 bytes so far, and 9 tokens are 100 at most",
    );
    let endless = format!("data: {}", "x".repeat(3_000));
    broken(&endless, ClientErrorKind::TooLarge, "more than 2000 bytes");
    let lines = "data: x\n".repeat(3_000);
    broken(&lines, ClientErrorKind::TooLarge, "more than 2000 bytes");
}

#[test]
fn a_server_that_gives_up_before_its_answer_is_as_one_with_a_status() {
    for (error, wanted) in [
        (json!({ "code": 503, "message": "Loading model" }), 503),
        (
            json!({ "type": "overloaded_error", "message": "Overloaded" }),
            529,
        ),
        (json!({ "type": "rate_limit_error" }), 429),
        (json!({ "code": "context_length_exceeded" }), 500),
        (json!("no memory"), 500),
        (json!({ "code": 200 }), 500),
    ] {
        let text = format!("data: {}\n\n", json!({ "error": error }));
        let (status, document) = read(Framing::Events, &text, 9).expect("a refusal");
        assert_eq!((status, &document["error"]), (wanted, &error));
    }
}

#[test]
fn lines_end_with_the_one_that_says_so() {
    let line = |text: &str, done: bool| {
        let message = json!({ "role": "assistant", "content": text, "thinking": "h" });
        let line = json!({ "model": "l", "message": message, "done": done, "done_reason": "stop", "eval_count": 7 });
        format!("{line}\n")
    };
    let text = format!(
        "{}\n{}{}",
        line("One, ", false),
        line("two.", true),
        line("no more", false)
    );
    for by in [1, 11, 5_000] {
        let (_, document) = read(Framing::Lines, &text, by).expect("it is whole");
        assert_eq!(document["message"]["content"], "One, two.");
        assert_eq!(document["message"]["thinking"], "hh");
        assert_eq!(
            (&document["eval_count"], &document["done_reason"]),
            (&json!(7), &json!("stop"))
        );
    }
    let error = read(Framing::Lines, &line("One, ", false), 9).expect_err("half");
    assert_eq!(error.kind, ClientErrorKind::Reset, "{error}");
}
