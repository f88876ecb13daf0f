//! `model`: complete and embed by role.

use std::time::Duration;

use serde_json::Value as Json;
use wasmtime::component::HasData;

use crate::capability::{Capability, InstanceState, Opens, denied, heard};
use crate::handler::{Call, Completion, ModelImage, ModelRequest, Vectors};
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
/// Bytes of a token, about, where a question is counted before it is asked.
const TOKEN: usize = 3;

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
                let came = call.complete(&role, request).await;
                self.answered(&role, came, |completion| completion.tokens)
                    .map(Into::into)
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
        let bytes = texts.iter().map(String::len).sum::<usize>();
        Ok(match self.admitted(&role, bytes, 0) {
            Ok(call) => {
                let came = call.embed(&role, &texts).await;
                self.answered(&role, came, |vectors| vectors.tokens)
                    .map(Into::into)
            }
            Err(error) => Err(error),
        })
    }
}

impl Model<'_> {
    /// The call that asks, if the role is granted and what is asked fits what the call may still take.
    fn admitted(&self, role: &str, bytes: usize, answer: u32) -> Result<Call, ModelError> {
        let (access, caller) = (&self.0.access, &self.0.caller);
        if !access.grants.model.roles.contains(role) {
            return Err(ModelError::Denied(denied::role(&access.plugin, role)));
        }
        let Some(call) = caller.call.clone() else {
            return Err(ModelError::Denied("`describe` asks no model".to_owned()));
        };
        let (most, asked) = (
            access.limits.body_bytes as usize,
            bytes / TOKEN + answer as usize,
        );
        let (tokens, taken) = (access.limits.model_tokens, self.0.model_tokens);
        if bytes > most {
            let text = format!("the question has {bytes} bytes; `body_bytes` allows {most}");
            return Err(ModelError::TooLarge(text));
        }
        if taken.saturating_add(asked as u64) > u64::from(tokens) {
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
        let images = question
            .images
            .iter()
            .map(|image| image.bytes.len())
            .sum::<usize>();
        let texts = [&question.system, &question.prompt];
        let schema_bytes = question.schema.as_ref().map_or(0, String::len);
        let bytes = texts.iter().map(|text| text.len()).sum::<usize>() + schema_bytes;
        let call = self.admitted(role, bytes.saturating_add(images), question.max_tokens)?;
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
        Ok((call, request))
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

    /// What came, and what it took is counted.
    fn answered<T>(
        &mut self,
        role: &str,
        came: Result<Option<T>, Stop>,
        tokens: impl Fn(&T) -> crate::handler::Tokens,
    ) -> Result<T, ModelError> {
        match came {
            Ok(Some(answer)) => {
                let took = tokens(&answer);
                let took = took.prompt.saturating_add(took.completion);
                self.0.model_tokens = self.0.model_tokens.saturating_add(took);
                Ok(answer)
            }
            Ok(None) => Err(ModelError::Unset(format!(
                "role `{role}` has no provider; `callboard models list` says what to set"
            ))),
            Err(Stop::Deferred { until, reason }) => Err(ModelError::Busy(Pause {
                until: until.as_microsecond(),
                reason,
            })),
            Err(Stop::Unavailable { dependency, cause }) => {
                Err(ModelError::Unavailable(format!("{dependency}: {cause}")))
            }
            Err(Stop::Failed(failure)) => Err(ModelError::Question(failure.message)),
            Err(other) => Err(ModelError::Unavailable(other.to_string())),
        }
    }
}

impl From<crate::handler::Tokens> for Tokens {
    fn from(tokens: crate::handler::Tokens) -> Self {
        let crate::handler::Tokens { prompt, completion, .. } = tokens;
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
