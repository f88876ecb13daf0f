//! What a role is asked, and what is done with its answer: JSON by a schema, or a truthful reason why
//! there is none. Nothing is invented in its place.

use std::fmt;
use std::time::Duration;

use callboard_core::handler::{Call, ModelRequest};
use callboard_core::outcome::Stop;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::diary::answer::{Asked, leaks, parse, schema_of};

/// Which role is asked, and how much.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Asking {
    /// The role that is asked.
    #[schemars(length(min = 1))]
    pub role: String,
    /// The longest answer, in tokens.
    #[schemars(range(min = 64))]
    pub max_tokens: u32,
    /// How long to wait for the answer at most, in seconds; never more than three quarters of what
    /// the stage has left.
    #[schemars(range(min = 1))]
    pub wait_seconds: u64,
    /// Characters of sources that are shown to the model, shared among them.
    #[schemars(range(min = 200))]
    pub material: usize,
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            role: "writer".to_owned(),
            max_tokens: 4000,
            wait_seconds: 240,
            material: 24_000,
        }
    }
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The prompt of the workspace.
    pub prompt: &'a str,
    pub variables: &'a Json,
    /// What of the prompt the answer may repeat.
    pub material: &'a str,
    /// Who is asked, in a sentence.
    pub system: &'a str,
}

/// An answer that fits its schema.
#[derive(Debug)]
pub struct Answered<T> {
    pub value: T,
    /// The model that gave it.
    pub model: String,
}

/// Ask a role for a `T`. A role that does not resolve, does not answer in time, is cut off or says
/// something else is unavailable.
pub async fn ask<T: DeserializeOwned + JsonSchema>(
    call: &Call,
    asking: &Asking,
    question: &Question<'_>,
) -> Result<Answered<T>, Stop> {
    let role = &asking.role;
    let unavailable = |cause: &dyn fmt::Display| Stop::unavailable(format!("role {role}"), cause);
    let prompt = call.resources.prompt(question.prompt, question.variables)?;
    let timeout = Duration::from_secs(asking.wait_seconds).min(call.remaining() * 3 / 4);
    let request = ModelRequest {
        system: question.system.to_owned(),
        prompt: prompt.clone(),
        max_tokens: asking.max_tokens,
        schema: Some(schema_of::<T>()),
        timeout,
        ..ModelRequest::default()
    };
    let answer = tokio::time::timeout(timeout, call.complete(role, request)).await;
    let answer = answer
        .map_err(|_| unavailable(&format!("it did not answer in {} s", timeout.as_secs())))??;
    let completion = answer.ok_or_else(|| {
        let mend = format!("callboard settings set roles.{role}.url and roles.{role}.model");
        unavailable(&format!("it does not resolve; {mend}"))
    })?;
    let model = completion.model;
    let asked = Asked {
        prompt: &prompt,
        material: question.material,
    };
    let read = leaks(&completion.text, &asked).and_then(|()| parse(&completion.text));
    match read {
        Ok(value) => Ok(Answered { value, model }),
        Err(reason) => Err(unavailable(&format!(
            "the answer of {model} was refused: {reason}"
        ))),
    }
}

/// Why a stage that can do without an answer goes on without it; what is only later stays so.
pub fn or_later(stop: Stop) -> Result<String, Stop> {
    match stop {
        Stop::Unavailable { cause, .. } => Ok(cause),
        Stop::Failed(failure) if failure.kind != callboard_core::outcome::FailureKind::Config => {
            Ok(failure.to_string())
        }
        other => Err(other),
    }
}
