//! `content.compose_diary`: from the material of a day to a text that cites it.
//!
//! The built-in composer always writes. If the role `writer` resolves, the model writes too,
//! and its text is taken if it is whole and every citation holds. The role is optional: without
//! one the pipeline works the same.

use std::time::Duration;

use callboard_core::handler::{Call, Handled, Handler, ModelRequest, Needs};
use callboard_core::outcome::{Done, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::diary::answer::{self, Asked};
use crate::diary::bundle::Bundle;
use crate::diary::composer::{Draft, compose};
use crate::diary::material::material;

struct ComposeDiary;

callboard_core::register!(ComposeDiary);

/// The prompt of the workspace that the model gets.
const PROMPT: &str = "dev_diary";
const SYSTEM: &str = "You write a developers' diary. You say only what the material says, you cite it, and you answer in the form you are asked for.";

/// Whether and how a model is asked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// The role that writes; the built-in composer alone if it is empty.
    role: String,
    /// The longest answer.
    #[schemars(range(min = 256))]
    max_tokens: u32,
    /// How long to wait for the answer at most, in seconds; never more than three quarters of
    /// what the stage has left.
    #[schemars(range(min = 1))]
    wait_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            role: "writer".to_owned(),
            max_tokens: 3000,
            wait_seconds: 240,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    bundle: Bundle,
    subject: String,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The text, its writer, and notes for the person who approves it.
    draft: Draft,
}

impl Handler for ComposeDiary {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Writes a post about a day's work, citing each change";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(PROMPT, &["bundle"], &["day"])
            .role_key("role")
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let bundle = &reads.bundle;
        if bundle.commits.is_empty() {
            return Err(Stop::nothing_to_do(format!(
                "no commit to tell of: {}",
                reads.subject
            )));
        }
        let built_in = compose(bundle);
        let draft = match ask(call, &config, bundle).await {
            Ok(None) => built_in,
            Ok(Some(draft)) => draft,
            Err(reason) => {
                let draft = fallback(built_in, &config.role, &reason);
                let role = format!("role {}", config.role);
                return Ok(Done::new(Writes { draft }).fallback(role, reason));
            }
        };
        Ok(Done::new(Writes { draft }))
    }
}

/// The built-in text, saying why no model wrote it. The post itself names no cause: it may
/// hold addresses of this installation.
fn fallback(mut draft: Draft, role: &str, reason: &str) -> Draft {
    draft
        .notes
        .push(format!("the role `{role}` did not write it: {reason}"));
    let signed = "*Written by the built-in composer";
    let saying = format!("{signed}, because the model's text could not be used,");
    draft.markdown = draft.markdown.replace(signed, &saying);
    draft
}

/// The model's draft; `None` if no role is set; or why its answer cannot be used.
async fn ask(call: &Call, config: &Config, bundle: &Bundle) -> Result<Option<Draft>, String> {
    if config.role.is_empty() {
        return Ok(None);
    }
    let material = material(bundle);
    let variables = json!({ "day": bundle.day, "bundle": material });
    let prompt = call
        .resources
        .prompt(PROMPT, &variables)
        .map_err(|stop| stop.to_string())?;
    let timeout = Duration::from_secs(config.wait_seconds).min(call.remaining() * 3 / 4);
    let request = ModelRequest {
        system: SYSTEM.to_owned(),
        prompt: prompt.clone(),
        max_tokens: config.max_tokens,
        timeout,
    };
    let answer = tokio::time::timeout(timeout, call.complete(&config.role, request)).await;
    let answer = answer.map_err(|_| format!("it did not answer in {} s", timeout.as_secs()))?;
    let Some(completion) = answer.map_err(|stop| stop.to_string())? else {
        return Ok(None);
    };
    if !completion.complete {
        return Err(format!(
            "the answer of {} was cut at {} tokens",
            completion.model, config.max_tokens
        ));
    }
    let asked = Asked {
        prompt: &prompt,
        material: &material,
    };
    let draft = answer::read(&completion.text, &completion.model, bundle, &asked);
    draft
        .map(Some)
        .map_err(|reason| format!("the answer of {} was refused: {reason}", completion.model))
}
