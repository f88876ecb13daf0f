//! What a role is asked, and what is done with its answer: JSON by a schema, or a truthful reason why
//! there is none. Nothing is invented in its place.

use std::fmt;
use std::time::Duration;

use callboard_core::blocking;
use callboard_core::handler::{Call, ModelRequest};
use callboard_core::outcome::{FailureKind, Stop};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::diary::answer::{PromptText, leaks, parse, schema_of};

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
pub struct RoleQuestion<'a> {
    /// The prompt of the workspace.
    pub prompt: &'a str,
    pub variables: &'a Json,
    /// Who is asked, in a sentence.
    pub system: &'a str,
}

/// An answer that fits its schema.
#[derive(Debug)]
pub struct RoleAnswer<T> {
    pub value: T,
    /// The model that gave it.
    pub model: String,
}

/// Ask a role for a `T`. A role that does not resolve, does not answer in time, is cut off or says
/// something else is unavailable.
pub async fn ask<T: DeserializeOwned + JsonSchema + Send + 'static>(
    call: &Call,
    asking: &Asking,
    question: &RoleQuestion<'_>,
) -> Result<RoleAnswer<T>, Stop> {
    let role = &asking.role;
    let unavailable = |cause: &dyn fmt::Display| Stop::unavailable(format!("role {role}"), cause);
    let prompt = call.resources.prompt(question.prompt, question.variables)?;
    let own = call
        .resources
        .prompt(question.prompt, &blank(question.variables))?;
    let timeout = Duration::from_secs(asking.wait_seconds).min(call.remaining() * 3 / 4);
    let request = ModelRequest {
        system: question.system.to_owned(),
        prompt,
        max_tokens: asking.max_tokens,
        schema: Some(schema_of::<T>()),
        timeout,
        ..ModelRequest::default()
    };
    // The chain keeps to this time by itself, and keeps what each of its calls took.
    let answer = call.complete(role, request).await?;
    let completion = answer.ok_or_else(|| {
        let mend = format!("callboard settings set roles.{role}.url and roles.{role}.model");
        unavailable(&format!("it does not resolve; {mend}"))
    })?;
    let model = completion.model;
    let text = completion.text;
    let read = blocking::compute(call.deadline, move |clock| {
        let asked = PromptText {
            prompt: &own,
            material: "",
        };
        Ok(leaks(&text, &asked, clock).and_then(|()| parse(&text)))
    });
    match read.await.unwrap_or_else(|lost| Err(lost.to_string())) {
        Ok(value) => Ok(RoleAnswer { value, model }),
        Err(reason) => Err(unavailable(&format!(
            "the answer of {model} was refused: {reason}"
        ))),
    }
}

/// Variables of which only the instructions of a prompt are left: what an answer repeats of those is a
/// leak, and what it repeats of its material is not.
fn blank(variables: &Json) -> Json {
    match variables {
        Json::Object(variables) => {
            let blank = variables.iter().map(|(name, it)| (name.clone(), blank(it)));
            Json::Object(blank.collect())
        }
        Json::String(_) => "".into(),
        other => other.clone(),
    }
}

/// Why a stage that can do without the answer of a role goes on without it. Only that the role gave none
/// is a reason: what is only later stays so, and a broken configuration or database is not hidden.
pub fn or_later(role: &str, stop: Stop) -> Result<String, Stop> {
    match stop {
        Stop::Unavailable { dependency, cause } if dependency == format!("role {role}") => {
            Ok(cause)
        }
        Stop::Failed(failure) if failure.kind == FailureKind::Timeout => Ok(failure.to_string()),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_that_the_role_gave_no_answer_is_a_reason_to_go_on_without_it() {
        let ok = |stop| or_later("writer", stop).ok();
        assert_eq!(
            ok(Stop::unavailable("role writer", "refused")).as_deref(),
            Some("refused")
        );
        assert!(ok(Stop::failed(FailureKind::Timeout, "late")).is_some());
        for stop in [
            Stop::unavailable("database", "pool timed out"),
            Stop::failed(FailureKind::Config, "a circle in roles.writer.fallback"),
            Stop::failed(FailureKind::Internal, "a schema"),
            Stop::failed(FailureKind::Denied, "a grant"),
            Stop::nothing_to_do("x"),
        ] {
            assert_eq!(or_later("writer", stop.clone()), Err(stop));
        }
    }

    #[test]
    fn the_material_of_a_prompt_is_none_of_its_instructions() {
        let variables = json!({ "text": "long", "more": { "published": "titles" }, "count": 3 });
        let wanted = json!({ "text": "", "more": { "published": "" }, "count": 3 });
        assert_eq!(blank(&variables), wanted);
    }
}
