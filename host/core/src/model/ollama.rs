//! Ollama's own protocol.

use serde_json::{Value as Json, json};

use super::answer::{End, Said};
use super::cause::Cause;
use super::role::Provider;
use super::wire::{Ask, Wire, ask};
use crate::handler::{ModelRequest, Tokens, Vectors};

const CHAT: &str = "/api/chat";
const VECTORS: &str = "/api/embed";

pub(super) async fn complete(
    provider: &Provider,
    request: &ModelRequest,
    wire: &Wire,
) -> Result<Said, Cause> {
    let asked = Ask::in_words(CHAT, body(provider, request), request);
    ask(provider, asked, wire, read).await
}

fn body(provider: &Provider, request: &ModelRequest) -> Json {
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({ "role": "system", "content": request.system }));
    }
    let mut prompt = json!({ "role": "user", "content": request.prompt });
    if !request.images.is_empty() {
        let seen = request.images.iter();
        prompt["images"] = seen
            .map(|it| Json::from(super::encoded(&it.bytes)))
            .collect();
    }
    messages.push(prompt);
    let mut body = json!({
        "model": provider.model,
        "messages": messages,
        "stream": false,
        "options": { "num_predict": request.max_tokens, "temperature": request.temperature },
    });
    if let Some(schema) = &request.schema {
        body["format"] = schema.clone();
    }
    body
}

fn read(provider: &Provider, answer: &Json) -> Result<Said, Cause> {
    let message = &answer["message"];
    let Some(text) = message["content"].as_str() else {
        let problem = "the answer has no `message.content`";
        return Err(Cause::Protocol(problem.to_owned()));
    };
    let end = match answer["done_reason"].as_str() {
        Some("length") => End::Limit,
        _ => End::Itself,
    };
    Ok(Said {
        text: text.to_owned(),
        reasoning: message["thinking"].as_str().unwrap_or_default().to_owned(),
        model: provider.named(answer),
        end,
        tokens: tokens(answer),
    })
}

fn tokens(answer: &Json) -> Tokens {
    let count = |key: &str| answer[key].as_u64().unwrap_or_default();
    Tokens {
        prompt: count("prompt_eval_count"),
        completion: count("eval_count"),
    }
}

pub(super) async fn embed(
    provider: &Provider,
    texts: &[String],
    wire: &Wire,
) -> Result<Vectors, Cause> {
    let body = json!({ "model": provider.model, "input": texts });
    ask(provider, Ask::plain(VECTORS, body), wire, vectors).await
}

fn vectors(provider: &Provider, answer: &Json) -> Result<Vectors, Cause> {
    let all = answer["embeddings"].as_array().map(Vec::as_slice);
    let vectors = all.unwrap_or_default().iter().map(super::vector_of);
    Ok(Vectors {
        vectors: vectors.collect::<Result<_, _>>()?,
        model: provider.named(answer),
        tokens: tokens(answer),
    })
}
