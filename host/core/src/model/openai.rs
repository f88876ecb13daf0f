//! The protocol of chat completions, which llama.cpp, vLLM, Ollama and hosted services share.

use serde_json::{Value as Json, json};

use super::answer::{AnswerEnd, ServerAnswer};
use super::cause::ModelCause;
use super::counted::Counted;
use super::role::Provider;
use super::stream::{Framing, Gathered, Spoken, add, of_parts};
use super::wire::{Ask, Wire, ask};
use crate::handler::{ModelRequest, Tokens, Vectors};

const CHAT: &str = "/v1/chat/completions";
const VECTORS: &str = "/v1/embeddings";

pub(super) async fn complete(
    provider: &Provider,
    request: &ModelRequest,
    wire: &Wire,
) -> Result<ServerAnswer, ModelCause> {
    let asked = Ask::in_words(CHAT, body(provider, request), request);
    let streamed = json!({ "stream": true, "stream_options": { "include_usage": true } });
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

/// A piece: what is added to the message, and how that ended. The last one counts, and has no choice.
fn hear(said: &mut Gathered, piece: &Json) {
    let choices = piece["choices"].as_array().map(Vec::as_slice);
    let mut choices = choices.unwrap_or_default().iter();
    if let Some(choice) = choices.find(|it| it["index"].as_u64().unwrap_or_default() == 0) {
        let delta = &choice["delta"];
        add(&mut said.text, &delta["content"]);
        add(&mut said.refusal, &delta["refusal"]);
        let reasoning = [&delta["reasoning_content"], &delta["reasoning"]];
        let reasoning = reasoning.into_iter().find_map(Json::as_str);
        said.reasoning.push_str(reasoning.unwrap_or_default());
        keep(&mut said.end, &choice["finish_reason"]);
    }
    keep(&mut said.usage, &piece["usage"]);
    keep(&mut said.model, &piece["model"]);
}

fn keep(known: &mut Json, said: &Json) {
    if !said.is_null() {
        *known = said.clone();
    }
}

fn document(said: Gathered) -> Json {
    let reasoning = Some(said.reasoning).filter(|text| !text.is_empty());
    let message = of_parts(&[
        ("role", "assistant".into()),
        ("content", said.text.into()),
        ("refusal", said.refusal.into()),
        ("reasoning_content", reasoning.into()),
    ]);
    let choice = of_parts(&[("message", message), ("finish_reason", said.end)]);
    of_parts(&[
        ("model", said.model),
        ("choices", json!([choice])),
        ("usage", said.usage),
    ])
}

fn body(provider: &Provider, request: &ModelRequest) -> Json {
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({ "role": "system", "content": request.system }));
    }
    messages.push(json!({ "role": "user", "content": content(request) }));
    let mut body = json!({
        "model": provider.model,
        "messages": messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    });
    if let Some(schema) = &request.schema {
        let mut schema = schema.clone();
        let strict = close(&mut schema);
        let format = json!({ "name": "answer", "schema": schema, "strict": strict });
        body["response_format"] = json!({ "type": "json_schema", "json_schema": format });
    }
    body
}

/// Close each object, which `strict` wants. Whether all properties are required, which it wants as well: otherwise the
/// schema is no more than told.
fn close(schema: &mut Json) -> bool {
    let mut strict = true;
    match schema {
        Json::Object(object) => {
            if let Some(Json::Object(properties)) = object.get("properties") {
                let required = object.get("required").and_then(Json::as_array);
                strict = required.map_or(0, Vec::len) == properties.len();
                object
                    .entry("additionalProperties")
                    .or_insert(Json::Bool(false));
            }
            for value in object.values_mut() {
                strict &= close(value);
            }
        }
        Json::Array(values) => {
            for value in values {
                strict &= close(value);
            }
        }
        _ => {}
    }
    strict
}

/// The prompt; behind what there is to look at, if there is something.
fn content(request: &ModelRequest) -> Json {
    if request.images.is_empty() {
        return Json::from(request.prompt.as_str());
    }
    let seen = request.images.iter().map(|it| {
        let url = format!(
            "data:{};base64,{}",
            it.media_type,
            super::encoded(&it.bytes)
        );
        json!({ "type": "image_url", "image_url": { "url": url } })
    });
    let prompt = json!({ "type": "text", "text": request.prompt });
    seen.chain([prompt]).collect()
}

fn read(provider: &Provider, answer: &Json) -> Result<ServerAnswer, ModelCause> {
    let choice = &answer["choices"][0];
    let message = &choice["message"];
    let text = |key: &str| message[key].as_str().unwrap_or_default();
    let reasoning = [text("reasoning_content"), text("reasoning")];
    let reasoning = reasoning.into_iter().find(|text| !text.is_empty());
    let content = message["content"].as_str();
    let (content, refused) = match (content, message["refusal"].as_str()) {
        (_, Some(refusal)) => (refusal, true),
        (Some(content), None) => (content, false),
        // What reasons may have nothing else to say, or not yet.
        (None, None) if reasoning.is_some() => ("", false),
        (None, None) => {
            let problem = "the answer has no `choices[0].message.content`";
            return Err(ModelCause::Protocol(problem.to_owned()));
        }
    };
    let end = match choice["finish_reason"].as_str() {
        Some("length") => AnswerEnd::Limit,
        Some("content_filter") => AnswerEnd::Refusal,
        _ if refused => AnswerEnd::Refusal,
        _ => AnswerEnd::Itself,
    };
    Ok(ServerAnswer {
        text: content.to_owned(),
        reasoning: reasoning.unwrap_or_default().to_owned(),
        model: provider.named(answer),
        end,
        tokens: tokens(answer),
    })
}

fn tokens(answer: &Json) -> Counted {
    let used = &answer["usage"];
    Counted::said(&used["prompt_tokens"], &used["completion_tokens"])
}

pub(super) async fn embed(
    provider: &Provider,
    texts: &[String],
    wire: &Wire,
) -> Result<(Vectors, Counted), ModelCause> {
    let body = json!({ "model": provider.model, "input": texts });
    ask(provider, Ask::plain(VECTORS, body), wire, vectors).await
}

fn vectors(provider: &Provider, answer: &Json) -> Result<(Vectors, Counted), ModelCause> {
    let data = answer["data"].as_array().map(Vec::as_slice);
    let mut data: Vec<&Json> = data.unwrap_or_default().iter().collect();
    data.sort_by_key(|entry| entry["index"].as_u64());
    let vectors = data
        .iter()
        .map(|entry| super::vector_of(&entry["embedding"]));
    let vectors = Vectors {
        vectors: vectors.collect::<Result<_, _>>()?,
        model: provider.named(answer),
        tokens: Tokens::default(),
    };
    Ok((vectors, tokens(answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_strict_is_closed_and_requires_all() {
        let open = json!({ "type": "object", "properties": { "a": {} }, "required": ["a"] });
        let mut schema = json!({ "type": "array", "items": open });
        assert!(close(&mut schema));
        assert_eq!(schema["items"]["additionalProperties"], false);
        let mut optional =
            json!({ "properties": { "a": { "properties": { "b": {} } } }, "required": ["a"] });
        assert!(!close(&mut optional));
        assert_eq!(optional["properties"]["a"]["additionalProperties"], false);
    }
}
