//! `model`: complete and embed by role.

use std::time::Duration;

use serde_json::Value as Json;
use wasmtime::component::HasData;

use crate::capability::{Capability, InstanceState, Opens, denied, heard};
use crate::handler::{
    Call, Completion, ModelImage, ModelRequest, NoAnswer, Tokens as Counted, Vectors, estimate_of,
};
use crate::lines::{LineLevel, LineSource};
use crate::outcome::Stop;
use crate::value::{depth, json_in};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1",
        inline: "package callboard:model-host; world imports { import callboard:plugin/model@0.1.0; }",
        imports: { default: async | trappable },
    });
}
use bindings::callboard::plugin::model::{self, Answer, ModelError, Pause, Question, Tokens};

inventory::submit! {
    Capability {
        interface: "model",
        link: |linker| model::add_to_linker::<_, Model>(linker, |state| Model(state)),
        granted: |grants| !grants.model.roles.is_empty(),
        mend: Opens::Role,
    }
}

/// What a schema may take in memory.
const TREE: u64 = 16 << 20;
/// The most texts and the most pictures of one question.
const TEXTS: usize = 1_000;
const PICTURES: usize = 16;

struct Model<'a>(&'a mut InstanceState);

impl HasData for Model<'static> {
    type Data<'a> = Model<'a>;
}

impl model::Host for Model<'_> {
    async fn complete(
        &mut self,
        question: Question,
    ) -> wasmtime::Result<Result<Answer, ModelError>> {
        let left = self.0.host_call()?;
        let role = heard::name(question.role.clone());
        Ok(match self.request(&role, question, left) {
            Ok((call, request)) => {
                let came = call.resources.complete(&call, &role, request).await;
                self.answered(&role, came).map(Into::into)
            }
            Err(error) => Err(error),
        })
    }

    async fn embed(
        &mut self,
        role: String,
        texts: Vec<String>,
    ) -> wasmtime::Result<Result<model::Vectors, ModelError>> {
        self.0.host_call()?;
        let role = heard::name(role);
        let bytes = texts.iter().map(String::len).sum();
        let counted = few("texts", texts.len(), TEXTS);
        Ok(
            match counted.and_then(|()| self.admitted(&role, bytes, estimate_of(&texts))) {
                Ok(call) => {
                    let came = call.resources.embed(&call, &role, &texts).await;
                    self.answered(&role, came).map(Into::into)
                }
                Err(error) => Err(error),
            },
        )
    }
}

impl Model<'_> {
    /// The call that asks, if the role is granted and what is asked fits what the call may still take:
    /// what its questions took counts, whatever came of them.
    fn admitted(&self, role: &str, bytes: usize, estimate: Counted) -> Result<Call, ModelError> {
        let (access, caller) = (&self.0.access, &self.0.caller);
        if !access.grants.model.roles.contains(role) {
            return Err(ModelError::Denied(denied::role(&access.plugin, role)));
        }
        let Some(call) = caller.call.clone() else {
            return Err(ModelError::Denied("`describe` asks no model".to_owned()));
        };
        let (most, tokens) = (access.limits.body_bytes, access.limits.model_tokens);
        if bytes as u64 > u64::from(most) {
            let text = format!("the question has {bytes} bytes; `body_bytes` allows {most}");
            return Err(ModelError::TooLarge(text));
        }
        let (taken, asked) = (call.tally.total(), estimate.prompt + estimate.completion);
        if taken.saturating_add(asked) > u64::from(tokens) {
            let text = format!(
                "the question would take some {asked} tokens, and {taken} are taken; `model_tokens` allows one call {tokens}"
            );
            return Err(ModelError::TooLarge(text));
        }
        Ok(call)
    }

    fn request(
        &self,
        role: &str,
        question: Question,
        left: Duration,
    ) -> Result<(Call, ModelRequest), ModelError> {
        let schema = question.schema.as_deref();
        let schema = schema.map(|text| self.schema(text)).transpose()?;
        if !(0.0..=2.0).contains(&question.temperature) {
            let text = format!("{} is no temperature; write 0 to 2", question.temperature);
            return Err(ModelError::Question(text));
        }
        if question.deadline == Some(0) {
            let text = "a deadline of 0 ms leaves no time to ask".to_owned();
            return Err(ModelError::Question(text));
        }
        few("pictures", question.images.len(), PICTURES)?;
        let images = question.images.into_iter().map(|image| ModelImage {
            media_type: heard::name(image.media_type),
            bytes: image.bytes,
        });
        let request = ModelRequest {
            system: question.system,
            prompt: question.prompt,
            images: images.collect(),
            max_tokens: question.max_tokens,
            temperature: question.temperature,
            schema,
            timeout: question
                .deadline
                .map_or(left, Duration::from_millis)
                .min(left),
        };
        let pictures = request.images.iter().map(|image| image.bytes.len());
        let bytes = request.system.len() + request.prompt.len() + pictures.sum::<usize>();
        let call = self.admitted(role, bytes, request.estimate())?;
        Ok((call, request))
    }

    /// What came. Why nothing did is kept with the run; the guest is told no more than the causes.
    fn answered<T>(&self, role: &str, came: Result<Option<T>, NoAnswer>) -> Result<T, ModelError> {
        let NoAnswer { stop, causes } = match came {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {
                return Err(ModelError::Unset(format!(
                    "role `{role}` has no provider; `callboard models list` says what to set"
                )));
            }
            Err(unanswered) => unanswered,
        };
        let log = &self.0.log;
        log.say(LineLevel::Warn, LineSource::Log, format!("model: {stop}"));
        let text = format!("role {role}: {causes}");
        Err(match stop {
            Stop::Deferred { until, .. } => ModelError::Busy(Pause {
                until: until.as_microsecond(),
                reason: text,
            }),
            Stop::Failed(_) => ModelError::Question(text),
            _ => ModelError::Unavailable(text),
        })
    }

    /// The schema that the answer has to fit, within the bounds of those of `describe`.
    fn schema(&self, text: &str) -> Result<Json, ModelError> {
        let bounds = &self.0.access.limits.describe;
        let most = bounds.schema_bytes as usize;
        if text.len() > most {
            let text = format!(
                "the schema has {} bytes; `schema_bytes` allows {most}",
                text.len()
            );
            return Err(ModelError::TooLarge(text));
        }
        let schema: Json = json_in(text, TREE)
            .map_err(|problem| ModelError::Question(format!("the schema {problem}")))?;
        if depth(&schema) > bounds.schema_depth as usize {
            let most = bounds.schema_depth;
            let text = format!("the schema is deeper than {most} levels, as `schema_depth` allows");
            return Err(ModelError::TooLarge(text));
        }
        Ok(schema)
    }
}

/// Whether there are no more of something than one question may have.
fn few(what: &str, count: usize, most: usize) -> Result<(), ModelError> {
    if count <= most {
        return Ok(());
    }
    let text = format!("the question has {count} {what}, and one may have {most}");
    Err(ModelError::TooLarge(text))
}

impl From<Counted> for Tokens {
    fn from(tokens: Counted) -> Self {
        let Counted {
            prompt, completion, ..
        } = tokens;
        Self { prompt, completion }
    }
}

impl From<Completion> for Answer {
    fn from(completion: Completion) -> Self {
        Self {
            text: completion.text,
            model: completion.model,
            tokens: completion.tokens.into(),
        }
    }
}

impl From<Vectors> for model::Vectors {
    fn from(made: Vectors) -> Self {
        Self {
            vectors: made.vectors,
            model: made.model,
            tokens: made.tokens.into(),
        }
    }
}
