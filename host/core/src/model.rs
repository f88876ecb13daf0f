//! Models by role: a role resolves to a chain of providers, the first that answers is taken, and what
//! the others said instead is kept.
//!
//! `role` reads the settings; `openai`, `ollama` and `anthropic` speak the protocols, through the one
//! client (`wire`); `answer` and `reasoning` read what was said, `cause` says why it is no answer.
//! `summary` and `vector` do without any server.

mod answer;
mod anthropic;
pub mod cause;
mod ollama;
mod openai;
mod reasoning;
pub mod role;
mod summary;
pub mod vector;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use self::answer::{End, Said};
use self::cause::Cause;
use self::role::{Provider, ProviderKind, Unresolved};
use crate::handler::schema::{self, Schema};
use crate::handler::{Call, Completion, ModelRequest, Tokens, Vectors};
use crate::outcome::{FailureKind, Stop};
use crate::settings::Snapshot;

/// The shortest time after which a server that is busy is asked again.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// The models of one state of the settings.
pub struct Models {
    pub settings: Arc<Snapshot>,
}

/// A provider that did not answer, and why.
struct Missed<'a> {
    provider: &'a Provider,
    cause: Cause,
}

impl Models {
    /// Ask the model of a role. `None` if no provider is set.
    pub async fn complete(
        &self,
        call: &Call,
        role: &str,
        request: ModelRequest,
    ) -> Result<Option<Completion>, Stop> {
        let chain = role::chain(&self.settings, role).map_err(|error| unresolved(&error))?;
        let schema = request.schema.as_ref().map(schema::compiled).transpose();
        let schema = schema.map_err(|problem| {
            let message = format!("the schema that role `{role}` is to answer by: {problem}");
            Stop::failed(FailureKind::Internal, message)
        })?;
        let left = Left::until(call, request.timeout);
        let mut missed: Vec<Missed<'_>> = Vec::new();
        for (place, provider) in chain.iter().enumerate() {
            let timeout = left.share(chain.len() - place - 1);
            match answered(provider, &request, schema.as_ref(), timeout).await {
                Ok(completion) => {
                    fell_back(call, role, &missed, provider);
                    return Ok(Some(completion));
                }
                Err(cause) => missed.push(Missed { provider, cause }),
            }
        }
        match stop(call, role, &missed, &left) {
            Some(stop) => Err(stop),
            None => Ok(None),
        }
    }

    /// Texts as vectors of the model of a role. `None` if no provider is set. No other role stands in
    /// for it: vectors of two models cannot be compared.
    pub async fn embed(
        &self,
        call: &Call,
        role: &str,
        texts: &[String],
    ) -> Result<Option<Vectors>, Stop> {
        let own = role::own(&self.settings, role).map_err(|error| unresolved(&error))?;
        let Some(provider) = own else {
            return Ok(None);
        };
        let left = Left::until(call, Duration::MAX);
        match embedded(&provider, texts, left.share(0)).await {
            Ok((vectors, _)) => Ok(Some(vectors)),
            Err(cause) => {
                let provider = &provider;
                Err(stop_of(call, role, &[Missed { provider, cause }], &left))
            }
        }
    }
}

/// The time that a question has.
struct Left {
    began: Instant,
    whole: Duration,
}

impl Left {
    fn until(call: &Call, timeout: Duration) -> Self {
        Self {
            began: Instant::now(),
            whole: timeout.min(call.remaining()),
        }
    }

    /// What a provider may take, so that those after it have a chance.
    fn share(&self, after: usize) -> Duration {
        let left = self.whole.saturating_sub(self.began.elapsed());
        if after == 0 { left } else { left * 2 / 3 }
    }
}

async fn answered(
    provider: &Provider,
    request: &ModelRequest,
    schema: Option<&Schema>,
    timeout: Duration,
) -> Result<Completion, Cause> {
    let said = match provider.kind {
        ProviderKind::OpenAi => openai::complete(provider, request, timeout).await?,
        ProviderKind::Ollama => ollama::complete(provider, request, timeout).await?,
        ProviderKind::Anthropic => anthropic::complete(provider, request, timeout).await?,
        ProviderKind::BuiltIn => extracted(request)?,
    };
    answer::read(said, request.max_tokens, schema)
}

/// What this program can say of a text by itself.
fn extracted(request: &ModelRequest) -> Result<Said, Cause> {
    if request.schema.is_some() || !request.images.is_empty() {
        let problem = "the built-in model makes extracts of texts, and can do nothing else";
        return Err(Cause::Unable(problem.to_owned()));
    }
    Ok(Said {
        text: summary::extract(&request.prompt, request.max_tokens),
        reasoning: String::new(),
        model: summary::MODEL.to_owned(),
        end: End::Itself,
        tokens: Tokens::default(),
    })
}

async fn embedded(
    provider: &Provider,
    texts: &[String],
    timeout: Duration,
) -> Result<(Vectors, Tokens), Cause> {
    let (vectors, tokens) = match provider.kind {
        ProviderKind::OpenAi => openai::embed(provider, texts, timeout).await?,
        ProviderKind::Ollama => ollama::embed(provider, texts, timeout).await?,
        ProviderKind::Anthropic => {
            let problem = "anthropic makes no vectors; give the role another provider";
            return Err(Cause::Unable(problem.to_owned()));
        }
        ProviderKind::BuiltIn => {
            let vectors = texts.iter().map(|text| vector::embed(text));
            let vectors = Vectors {
                vectors: vectors.collect(),
                model: vector::MODEL.to_owned(),
            };
            (vectors, Tokens::default())
        }
    };
    let alike = vectors
        .vectors
        .windows(2)
        .all(|two| two[0].len() == two[1].len());
    if vectors.vectors.len() != texts.len() || !alike {
        let given = vectors.vectors.len();
        let problem = format!(
            "{given} vectors for {} texts, or of several lengths",
            texts.len()
        );
        return Err(Cause::Protocol(problem));
    }
    Ok((vectors, tokens))
}

/// A vector as protocols write it.
fn vector_of(array: &Json) -> Result<Vec<f32>, Cause> {
    let read: Result<Vec<f32>, _> = serde_json::from_value(array.clone());
    match read {
        Ok(vector) if !vector.is_empty() && vector.iter().all(|it| it.is_finite()) => Ok(vector),
        _ => {
            let problem = "the answer has something that is no vector of numbers";
            Err(Cause::Protocol(problem.to_owned()))
        }
    }
}

/// Bytes as protocols take them.
fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Keep that others did not answer.
fn fell_back(call: &Call, role: &str, missed: &[Missed<'_>], instead: &Provider) {
    for Missed { provider, cause } in missed {
        let why = format!("{provider}: {cause}; {instead} answered");
        call.fallbacks.push(format!("role {role}"), why);
    }
}

fn unresolved(error: &Unresolved) -> Stop {
    Stop::failed(FailureKind::Config, error)
}

/// What it means that nobody answered; `None` if nobody was asked.
fn stop(call: &Call, role: &str, missed: &[Missed<'_>], left: &Left) -> Option<Stop> {
    (!missed.is_empty()).then(|| stop_of(call, role, missed, left))
}

/// Somebody who is busy is asked again; else the role is unavailable.
fn stop_of(call: &Call, role: &str, missed: &[Missed<'_>], left: &Left) -> Stop {
    let told = missed.iter();
    let told = told.map(|Missed { provider, cause }| format!("{provider}: {cause}"));
    let told = told.collect::<Vec<_>>().join("; ");
    let pauses = missed.iter().filter_map(|missed| match &missed.cause {
        Cause::Busy { after, .. } => Some(*after),
        _ => None,
    });
    let Some(pause) = pauses.min() else {
        return Stop::unavailable(format!("role {role}"), told);
    };
    let pause = pause.max(SHORTEST_PAUSE) + left.began.elapsed();
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    Stop::Deferred {
        until: call.now.checked_add(pause).unwrap_or(Timestamp::MAX),
        reason: format!("role {role}: {told}"),
    }
}
