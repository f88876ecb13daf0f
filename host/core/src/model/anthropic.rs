//! Anthropic's messages. An answer by a schema is asked for as the input of the one tool there is.

use serde_json::{Value as Json, json};

use super::answer::{AnswerEnd, ServerAnswer};
use super::cause::ModelCause;
use super::counted::Counted;
use super::reasoning::Parted;
use super::role::Provider;
use super::stream::{Framing, Gathered, Spoken, TREE, add, of_parts};
use super::wire::{Ask, Wire, ask};
use crate::handler::ModelRequest;
use crate::value::json_in;

const MESSAGES: &str = "/v1/messages";
/// The version of the protocol.
const VERSION: &str = "2023-06-01";
/// The tool whose input is the answer.
const ANSWER: &str = "answer";

pub(super) async fn complete(
    provider: &Provider,
    request: &ModelRequest,
    wire: &Wire,
) -> Result<ServerAnswer, ModelCause> {
    let asked = Ask {
        key_header: Some("x-api-key"),
        headers: &[("anthropic-version", VERSION)],
        ..Ask::in_words(MESSAGES, body(provider, request), request)
    };
    let streamed = json!({ "stream": true });
    ask(provider, asked.streamed(streamed, spoken()), wire, read).await
}

/// How it is streamed.
pub(super) fn spoken() -> Spoken {
    Spoken {
        framing: Framing::Events,
        hear,
        document,
    }
}

/// An event, which says its type in its data, too.
fn hear(said: &mut Gathered, event: &Json) {
    match event["type"].as_str() {
        Some("message_start") => {
            said.model = event["message"]["model"].clone();
            let counted = event["message"]["usage"].as_object();
            said.usage = counted.cloned().unwrap_or_default().into();
        }
        Some("content_block_start") if event["content_block"]["type"] == "tool_use" => {
            said.input.get_or_insert_default();
        }
        Some("content_block_delta") => {
            let delta = &event["delta"];
            add(&mut said.text, &delta["text"]);
            add(&mut said.input, &delta["partial_json"]);
            said.reasoning
                .push_str(delta["thinking"].as_str().unwrap_or_default());
        }
        Some("message_delta") => {
            said.end = event["delta"]["stop_reason"].clone();
            let counted = event["usage"].as_object();
            for (key, count) in counted.into_iter().flatten() {
                said.usage[key] = count.clone();
            }
        }
        Some("message_stop") => said.closed = true,
        _ => {}
    }
}

fn document(said: Gathered) -> Json {
    let reasoning = Some(said.reasoning).filter(|text| !text.is_empty());
    let thinking = reasoning.map(|text| json!({ "type": "thinking", "thinking": text }));
    let text = said
        .text
        .map(|text| json!({ "type": "text", "text": text }));
    let input = said.input.map(|input| {
        // What is cut off is no JSON, and is read for no answer either.
        let input = json_in(&input, TREE).unwrap_or(Json::String(input));
        json!({ "type": "tool_use", "name": ANSWER, "input": input })
    });
    let blocks = [thinking, text, input];
    of_parts(&[
        ("model", said.model),
        ("content", blocks.into_iter().flatten().collect()),
        ("stop_reason", said.end),
        ("usage", said.usage),
    ])
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

fn read(provider: &Provider, answer: &Json) -> Result<ServerAnswer, ModelCause> {
    let Some(blocks) = answer["content"].as_array() else {
        let problem = "the answer has no `content`";
        return Err(ModelCause::Protocol(problem.to_owned()));
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
        Some("max_tokens" | "model_context_window_exceeded") => AnswerEnd::Limit,
        Some("refusal") => AnswerEnd::Refusal,
        _ => AnswerEnd::Itself,
    };
    let used = &answer["usage"];
    Ok(ServerAnswer {
        text: input.unwrap_or(text),
        reasoning: parted.reasoning,
        model: provider.named(answer),
        end,
        tokens: Counted::said(&used["input_tokens"], &used["output_tokens"]),
    })
}
