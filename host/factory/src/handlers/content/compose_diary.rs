//! `content.compose_diary`: from the material of a day to a text that cites it.
//!
//! The built-in composer always writes. If the role `writer` resolves, the model writes too,
//! and its text is taken if what it says holds. The role is optional: without
//! one the pipeline works the same.

use std::time::Duration;

use callboard_core::blocking;
use callboard_core::handler::{Call, Handled, Handler, ModelRequest, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::asking::or_later;
use crate::diary::answer::{self, PromptText};
use crate::diary::bundle::Bundle;
use crate::diary::composer::{BUILT_IN, compile, draft};
use crate::diary::material::material;
use crate::diary::page::{PageWriter, TEMPLATE, Unrendered};
use crate::draft::Draft;

struct ComposeDiary;

callboard_core::register!(ComposeDiary);

/// The prompt of the workspace that the model gets.
const PROMPT: &str = "dev_diary";
const SYSTEM: &str = "You write a developers' diary. You say only what the material says, you name the changes that each sentence tells, and you answer with one JSON object.";

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
            .by_schema()
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let bundle = &reads.bundle;
        if bundle.changes.is_empty() {
            return Err(Stop::nothing_to_do(format!(
                "nothing landed that can be told: {}",
                reads.subject
            )));
        }
        let template = call.resources.text(TEMPLATE)?;
        match ask(call, &config, bundle, &template).await {
            Ok(Some(draft)) => Ok(Done::new(Writes { draft })),
            Ok(None) => {
                let draft = built_in(bundle, &template, None)?;
                Ok(Done::new(Writes { draft }))
            }
            Err(Unwritten::Stopped(stop)) => Err(stop),
            Err(Unwritten::Unusable(reason)) => {
                let note = format!("the role `{}` did not write it: {reason}", config.role);
                let draft = built_in(bundle, &template, Some(note))?;
                let role = format!("role {}", config.role);
                Ok(Done::new(Writes { draft }).fallback(role, reason))
            }
        }
    }
}

/// The built-in text, with a note of why no model wrote it if one was to. The post itself names no
/// cause: it may hold addresses of this installation.
fn built_in(bundle: &Bundle, template: &str, note: Option<String>) -> Result<Draft, Stop> {
    let mut composed = compile(bundle);
    composed.page.writer = PageWriter {
        model: None,
        instead: note.is_some(),
    };
    let failed = |error: Unrendered| Stop::failed(FailureKind::Config, error);
    let mut draft = draft(bundle, composed, template, BUILT_IN).map_err(failed)?;
    draft.notes.extend(note);
    Ok(draft)
}

/// Why there is no text of the model.
enum Unwritten {
    /// It may write later: the day waits for it.
    Stopped(Stop),
    /// It does not answer, or what it answers cannot be used.
    Unusable(String),
}

/// The model's draft; `None` if no role is set.
async fn ask(
    call: &Call,
    config: &Config,
    bundle: &Bundle,
    template: &str,
) -> Result<Option<Draft>, Unwritten> {
    if config.role.is_empty() {
        return Ok(None);
    }
    let material = material(bundle);
    let variables = json!({ "day": bundle.day, "bundle": material });
    let prompt = call.resources.prompt(PROMPT, &variables);
    let prompt = prompt.map_err(Unwritten::Stopped)?;
    let request = ModelRequest {
        system: SYSTEM.to_owned(),
        prompt: prompt.clone(),
        max_tokens: config.max_tokens,
        schema: Some(answer::schema()),
        timeout: Duration::from_secs(config.wait_seconds).min(call.remaining() * 3 / 4),
        ..ModelRequest::default()
    };
    let answer = call.complete(&config.role, request).await;
    let answer = answer.map_err(|stop| match or_later(&config.role, stop) {
        Ok(why) => Unwritten::Unusable(why),
        Err(stop) => Unwritten::Stopped(stop),
    })?;
    let Some(completion) = answer else {
        return Ok(None);
    };
    let (text, model) = (completion.text, completion.model.clone());
    let (bundle, template) = (bundle.clone(), template.to_owned());
    let draft = blocking::compute(call.deadline, move |clock| {
        let asked = PromptText {
            prompt: &prompt,
            material: &material,
        };
        let answer = (text.as_str(), model.as_str());
        Ok(answer::read(answer, (&bundle, &template), &asked, clock))
    });
    let draft = draft.await.unwrap_or_else(|lost| Err(lost.to_string()));
    draft.map(Some).map_err(|reason| {
        let model = &completion.model;
        Unwritten::Unusable(format!("the answer of {model} was refused: {reason}"))
    })
}
