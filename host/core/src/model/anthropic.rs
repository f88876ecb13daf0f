//! Anthropic's messages. An answer by a schema is asked for as the input of the one tool there is.

use serde_json::{Value as Json, json};

use super::answer::{End, Said};
use super::cause::Cause;
use super::counted::Counted;
use super::reasoning::Parted;
use super::role::Provider;
use super::wire::{Ask, Wire, ask};
use crate::handler::ModelRequest;

const MESSAGES: &str = "/v1/messages";
/// The version of the protocol.
const VERSION: &str = "2023-06-01";
/// The tool whose input is the answer.
const ANSWER: &str = "answer";

pub(super) async fn complete(
    provider: &Provider,
    request: &ModelRequest,
    wire: &Wire,
) -> Result<Said, Cause> {
    let asked = Ask {
        key_header: Some("x-api-key"),
        headers: &[("anthropic-version", VERSION)],
        ..Ask::in_words(MESSAGES, body(provider, request), request)
    };
    ask(provider, asked, wire, read).await
}

fn body(provider: &Provider, request: &ModelRequest) -> Json {
    let seen = request.images.iter().map(|it| {
        let data = super::encoded(&it.bytes);
        let source = json!({ "type": "base64", "media_type": it.media_type, "data": data });
        json!({ "type": "image", "source": source })
    });
    let prompt = json!({ "type": "text", "text": request.prompt });
    let content: Json = seen.chain([prompt]).collect();
    let mut body = json!({
        "model": provider.model,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "messages": [{ "role": "user", "content": content }],
    });
    if !request.system.is_empty() {
        body["system"] = Json::from(request.system.as_str());
    }
    if let Some(schema) = &request.schema {
        let description = "Takes the answer.";
        body["tools"] =
            json!([{ "name": ANSWER, "description": description, "input_schema": schema }]);
        body["tool_choice"] = json!({ "type": "tool", "name": ANSWER });
    }
    body
}

fn read(provider: &Provider, answer: &Json) -> Result<Said, Cause> {
    let Some(blocks) = answer["content"].as_array() else {
        let problem = "the answer has no `content`";
        return Err(Cause::Protocol(problem.to_owned()));
    };
    let (mut text, mut input, mut parted) = (String::new(), None, Parted::default());
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => text.push_str(block["text"].as_str().unwrap_or_default()),
            Some("thinking") => parted.think(block["thinking"].as_str().unwrap_or_default()),
            Some("tool_use") => input = Some(block["input"].to_string()),
            _ => {}
        }
    }
    let end = match answer["stop_reason"].as_str() {
        Some("max_tokens" | "model_context_window_exceeded") => End::Limit,
        Some("refusal") => End::Refusal,
        _ => End::Itself,
    };
    let used = &answer["usage"];
    Ok(Said {
        text: input.unwrap_or(text),
        reasoning: parted.reasoning,
        model: provider.named(answer),
        end,
        tokens: Counted::said(&used["input_tokens"], &used["output_tokens"]),
    })
}
