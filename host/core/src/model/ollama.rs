//! Ollama's own protocol.

use serde_json::{Value as Json, json};

use super::answer::{AnswerEnd, ServerAnswer};
use super::cause::ModelCause;
use super::counted::Counted;
use super::role::Provider;
use super::stream::{Framing, Gathered, Spoken, add};
use super::wire::{Ask, Wire, ask};
use crate::handler::{ModelRequest, Tokens, Vectors};
use crate::handler::{PICTURE, tokens_of};

const CHAT: &str = "/api/chat";
const VECTORS: &str = "/api/embed";

pub(super) async fn complete(
    provider: &Provider,
    request: &ModelRequest,
    wire: &Wire,
) -> Result<ServerAnswer, ModelCause> {
    let asked = Ask::in_words(CHAT, body(provider, request), request);
    let streamed = json!({ "stream": true });
    ask(provider, asked.streamed(streamed, spoken()), wire, read).await
}

/// How it is streamed.
pub(super) fn spoken() -> Spoken {
    Spoken {
        framing: Framing::Lines,
        hear,
        document,
    }
}

/// A line: what is added to the message. The last one says `done`, and what it took.
fn hear(said: &mut Gathered, line: &Json) {
    let message = &line["message"];
    add(&mut said.text, &message["content"]);
    said.reasoning
        .push_str(message["thinking"].as_str().unwrap_or_default());
    if line["done"] == true {
        said.closed = true;
        said.usage = line.clone();
    }
}

/// The last line, with all that was said in the place of its message.
fn document(said: Gathered) -> Json {
    let mut document = said.usage;
    document["message"] =
        json!({ "role": "assistant", "content": said.text, "thinking": said.reasoning });
    document
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
        "options": {
            "num_predict": request.max_tokens,
            "num_ctx": context(request),
            "temperature": request.temperature,
        },
    });
    if let Some(schema) = &request.schema {
        body["format"] = schema.clone();
    }
    body
}

/// The tokens that question and answer need: what is more than the server's own number is cut from the
/// beginning of the question, without a word. In powers of two, since a server loads the model anew for each other number.
fn context(request: &ModelRequest) -> u64 {
    const LEAST: u64 = 4096;
    let asked = tokens_of(request.system.len() + request.prompt.len());
    let seen = request.images.len() as u64 * PICTURE;
    let whole = asked + seen + u64::from(request.max_tokens) + 256;
    whole.next_power_of_two().max(LEAST)
}

fn read(provider: &Provider, answer: &Json) -> Result<ServerAnswer, ModelCause> {
    let message = &answer["message"];
    let Some(text) = message["content"].as_str() else {
        let problem = "the answer has no `message.content`";
        return Err(ModelCause::Protocol(problem.to_owned()));
    };
    let end = match answer["done_reason"].as_str() {
        Some("length") => AnswerEnd::Limit,
        _ => AnswerEnd::Itself,
    };
    Ok(ServerAnswer {
        text: text.to_owned(),
        reasoning: message["thinking"].as_str().unwrap_or_default().to_owned(),
        model: provider.named(answer),
        end,
        tokens: tokens(answer),
    })
}

fn tokens(answer: &Json) -> Counted {
    Counted::said(&answer["prompt_eval_count"], &answer["eval_count"])
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
    let all = answer["embeddings"].as_array().map(Vec::as_slice);
    let vectors = all.unwrap_or_default().iter().map(super::vector_of);
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
    fn a_server_is_told_how_much_a_question_needs() {
        let of = |bytes: usize, max_tokens: u32| {
            context(&ModelRequest {
                prompt: "x".repeat(bytes),
                max_tokens,
                ..ModelRequest::default()
            })
        };
        assert_eq!(of(10, 100), 4096);
        assert_eq!(of(24_000, 4_000), 16_384);
    }
}
