//! Models by role: a role resolves to a chain of providers, the first that answers is taken, and what
//! the others said instead is kept.
//!
//! `role` reads the settings; `openai`, `ollama` and `anthropic` speak the protocols, through the one
//! client (`wire`), in the words that `ordered` makes of a question; `answer` and `reasoning` read what was said, `cause` says why it is no answer, `counted`
//! what it took.
//! `stream` gathers what comes piece by piece.
//! `summary` and `vector` do without any server.

mod answer;
mod anthropic;
pub mod cause;
mod counted;
mod ollama;
mod openai;
mod ordered;
mod plain;
mod reasoning;
pub mod role;
pub mod spending;
mod stream;
mod summary;
pub mod vector;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use self::answer::{AnswerEnd, ServerAnswer};
use self::cause::ModelCause;
use self::counted::{Counted, ExpectedTokens};
use self::role::{Provider, ProviderKind, Unresolved};
use self::spending::{ProviderRequest, Spending};
use self::wire::Wire;
use crate::client::Network;
use crate::handler::schema::{self, Schema};
use crate::handler::{Call, Completion, ModelRequest, NoAnswer, Tokens, Vectors};
use crate::outcome::{FailureKind, Stop};
use crate::settings::Snapshot;
use crate::store::model_calls;

/// The shortest time after which a server that is busy is asked again.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// The models of one state of the settings.
pub struct Models {
    pub settings: Arc<Snapshot>,
    pub spending: Spending,
    pub network: Network,
}

/// What came of a provider's call, and what it took in any case.
struct ProviderCall<T> {
    tokens: Tokens,
    answer: Result<T, ModelCause>,
}

/// A provider that did not answer, and why.
struct FailedProvider<'a> {
    provider: &'a Provider,
    cause: ModelCause,
}

impl Models {
    /// Ask the model of a role. `None` if no provider is set.
    pub async fn complete(
        &self,
        call: &Call,
        role: &str,
        request: ModelRequest,
    ) -> Result<Option<Completion>, NoAnswer> {
        let chain = role::chain(&self.settings, role).map_err(|error| unresolved(&error))?;
        let schema = request.schema.as_ref().map(schema::compiled).transpose();
        let schema = schema.map(|schema| schema.map(Arc::new));
        let schema = schema.map_err(|problem| {
            let message = format!("the schema that role `{role}` is to answer by: {problem}");
            NoAnswer::plain(Stop::failed(FailureKind::Internal, message))
        })?;
        let left = TimeLeft::until(call, request.timeout);
        let mut missed: Vec<FailedProvider<'_>> = Vec::new();
        for (place, provider) in chain.iter().enumerate() {
            let wire = self.wire(left.share(chain.len() - place - 1));
            let expected = ExpectedTokens::of_words(&request);
            let asked = answered(provider, &request, schema.as_ref(), (&wire, &expected));
            let question = ProviderRequest::new(call, role, provider, expected.estimate);
            match self.kept(question, asked).await? {
                Ok(completion) => {
                    fell_back(call, role, &missed, provider);
                    return Ok(Some(completion));
                }
                Err(cause) => missed.push(FailedProvider { provider, cause }),
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
    ) -> Result<Option<Vectors>, NoAnswer> {
        let own = role::own(&self.settings, role).map_err(|error| unresolved(&error))?;
        let Some(provider) = own else {
            return Ok(None);
        };
        let left = TimeLeft::until(call, Duration::MAX);
        let wire = self.wire(left.share(0));
        let expected = ExpectedTokens::of_vectors(texts);
        let asked = embedded(&provider, texts, (&wire, &expected));
        let question = ProviderRequest::new(call, role, &provider, expected.estimate);
        match self.kept(question, asked).await? {
            Ok(vectors) => Ok(Some(vectors)),
            Err(cause) => {
                let provider = &provider;
                Err(unanswered(
                    call,
                    role,
                    &[FailedProvider { provider, cause }],
                    &left,
                ))
            }
        }
    }
}

impl Models {
    fn wire(&self, timeout: Duration) -> Wire {
        Wire {
            network: self.network.clone(),
            until: Instant::now() + timeout,
            silence: self.spending.rules.silence.0,
        }
    }

    /// Make a call of a provider, if the day has something left for it, and keep what it took: an estimate
    /// before it is asked, since whoever waits may not be there for the answer. What is built in, or
    /// played from a cassette, takes nothing.
    async fn kept<T>(
        &self,
        question: ProviderRequest<'_>,
        asked: impl Future<Output = ProviderCall<T>>,
    ) -> Result<Result<T, ModelCause>, Stop> {
        let (tally, estimate) = (&question.call.tally, question.estimate);
        tally.begin(estimate);
        let plays = self.network.tape.as_ref().is_some_and(|tape| tape.plays());
        if plays || question.provider.kind == ProviderKind::BuiltIn {
            let came = asked.await;
            tally.end(estimate, came.tokens);
            return Ok(came.answer);
        }
        if let Some(ceiling) = self.spending.ceiling(question.call).await? {
            tally.end(estimate, Tokens::default());
            return Ok(Err(ceiling));
        }
        let open = self.spending.begin(&question).await?;
        let ProviderCall { tokens, answer } = asked.await;
        tally.end(estimate, tokens);
        let outcome = answer.as_ref().err().map(ModelCause::name);
        let outcome = outcome.unwrap_or_else(|| model_calls::DONE.to_owned());
        self.spending.end(open, tokens, outcome).await?;
        Ok(answer)
    }
}

/// The time that a question has.
struct TimeLeft {
    began: Instant,
    whole: Duration,
}

impl TimeLeft {
    fn until(call: &Call, timeout: Duration) -> Self {
        Self {
            began: Instant::now(),
            whole: timeout.min(before_the_end(call.remaining())),
        }
    }

    /// What a provider may take, so that those after it have a chance.
    fn share(&self, after: usize) -> Duration {
        let left = self.whole.saturating_sub(self.began.elapsed());
        if after == 0 { left } else { left * 2 / 3 }
    }
}

/// What of a stage's time a call may take, so that what it took is kept before the stage is cut off.
fn before_the_end(left: Duration) -> Duration {
    let margin = (left / 20).max(Duration::from_millis(500)).min(left / 2);
    left.saturating_sub(margin)
}

async fn answered(
    provider: &Provider,
    request: &ModelRequest,
    schema: Option<&Arc<Schema>>,
    (wire, expected): (&Wire, &ExpectedTokens),
) -> ProviderCall<Completion> {
    let said = match provider.kind {
        ProviderKind::OpenAi => openai::complete(provider, request, wire).await,
        ProviderKind::Ollama => ollama::complete(provider, request, wire).await,
        ProviderKind::Anthropic => anthropic::complete(provider, request, wire).await,
        ProviderKind::BuiltIn => extracted(request),
    };
    let tokens = match &said {
        Ok(said) => expected.taken(said.tokens, said.text.len() + said.reasoning.len()),
        Err(cause) => unheard(cause, expected),
    };
    let (limit, schema) = (request.max_tokens, schema.cloned());
    let answer = match said {
        Ok(said) => {
            let read = move || answer::read(said, limit, schema.as_deref());
            wire::beside(wire.until, read).await
        }
        Err(cause) => Err(cause),
    };
    let answer = answer.map(|completion| Completion {
        tokens,
        ..completion
    });
    ProviderCall { tokens, answer }
}

/// What a question took whose answer nobody has read.
fn unheard(cause: &ModelCause, expected: &ExpectedTokens) -> Tokens {
    if cause.leaves_open_what_it_took() {
        expected.estimate
    } else {
        Tokens::default()
    }
}

/// What this program can say of a text by itself.
fn extracted(request: &ModelRequest) -> Result<ServerAnswer, ModelCause> {
    if request.schema.is_some() || !request.images.is_empty() {
        let problem = "the built-in model makes extracts of texts, and can do nothing else";
        return Err(ModelCause::Unable(problem.to_owned()));
    }
    Ok(ServerAnswer {
        text: summary::extract(&request.prompt, request.max_tokens),
        reasoning: String::new(),
        model: summary::MODEL.to_owned(),
        end: AnswerEnd::Itself,
        tokens: Counted::said(&0.into(), &0.into()),
    })
}

async fn embedded(
    provider: &Provider,
    texts: &[String],
    (wire, expected): (&Wire, &ExpectedTokens),
) -> ProviderCall<Vectors> {
    let vectors = match provider.kind {
        ProviderKind::OpenAi => openai::embed(provider, texts, wire).await,
        ProviderKind::Ollama => ollama::embed(provider, texts, wire).await,
        ProviderKind::Anthropic => {
            let problem = "anthropic makes no vectors; give the role another provider";
            Err(ModelCause::Unable(problem.to_owned()))
        }
        ProviderKind::BuiltIn => {
            let texts = texts.to_vec();
            let made = wire::beside(wire.until, move || Ok(built_in(&texts))).await;
            made.map(|made| (made, Counted::said(&0.into(), &0.into())))
        }
    };
    let tokens = match &vectors {
        Ok((_, counted)) => expected.taken(*counted, 0),
        Err(cause) => unheard(cause, expected),
    };
    let vectors = vectors.map(|(vectors, _)| Vectors { tokens, ..vectors });
    ProviderCall {
        tokens,
        answer: vectors.and_then(|vectors| whole(vectors, texts.len())),
    }
}

/// Vectors of this program's own, which take nothing.
fn built_in(texts: &[String]) -> Vectors {
    Vectors {
        vectors: texts.iter().map(|text| vector::embed(text)).collect(),
        model: vector::MODEL.to_owned(),
        tokens: Tokens::default(),
    }
}

/// One vector a text, all of one length.
fn whole(vectors: Vectors, texts: usize) -> Result<Vectors, ModelCause> {
    let given = &vectors.vectors;
    let alike = given.windows(2).all(|two| two[0].len() == two[1].len());
    if given.len() != texts || !alike {
        let given = given.len();
        let problem = format!("{given} vectors for {texts} texts, or of several lengths");
        return Err(ModelCause::Protocol(problem));
    }
    Ok(vectors)
}

/// A vector as protocols write it.
fn vector_of(array: &Json) -> Result<Vec<f32>, ModelCause> {
    let read: Result<Vec<f32>, _> = serde_json::from_value(array.clone());
    match read {
        Ok(vector) if !vector.is_empty() && vector.iter().all(|it| it.is_finite()) => Ok(vector),
        _ => {
            let problem = "the answer has something that is no vector of numbers";
            Err(ModelCause::Protocol(problem.to_owned()))
        }
    }
}

/// Bytes as protocols take them.
fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Keep that others did not answer.
fn fell_back(call: &Call, role: &str, missed: &[FailedProvider<'_>], instead: &Provider) {
    for FailedProvider { provider, cause } in missed {
        let why = format!("{provider}: {cause}; {instead} answered");
        call.fallbacks.push(format!("role {role}"), why);
    }
}

fn unresolved(error: &Unresolved) -> Stop {
    Stop::failed(FailureKind::Config, error)
}

/// What it means that nobody answered; `None` if nobody was asked.
fn stop(
    call: &Call,
    role: &str,
    missed: &[FailedProvider<'_>],
    left: &TimeLeft,
) -> Option<NoAnswer> {
    (!missed.is_empty()).then(|| unanswered(call, role, missed, left))
}

fn unanswered(call: &Call, role: &str, missed: &[FailedProvider<'_>], left: &TimeLeft) -> NoAnswer {
    let causes = missed.iter().map(|missed| missed.cause.without_places());
    NoAnswer {
        stop: stop_of(call, role, missed, left),
        causes: causes.collect::<Vec<_>>().join("; "),
    }
}

/// Somebody who is busy is asked again; else the role is unavailable.
fn stop_of(call: &Call, role: &str, missed: &[FailedProvider<'_>], left: &TimeLeft) -> Stop {
    let told = missed.iter();
    let told = told.map(|FailedProvider { provider, cause }| format!("{provider}: {cause}"));
    let told = told.collect::<Vec<_>>().join("; ");
    let later = missed.iter().filter_map(|missed| match &missed.cause {
        ModelCause::Busy { after, .. } => {
            let pause = (*after).max(SHORTEST_PAUSE) + left.began.elapsed();
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            Some(call.now.checked_add(pause).unwrap_or(Timestamp::MAX))
        }
        ModelCause::Ceiling { until, .. } => Some(*until),
        _ => None,
    });
    let Some(until) = later.min() else {
        return Stop::unavailable(format!("role {role}"), told);
    };
    Stop::Deferred {
        until,
        reason: format!("role {role}: {told}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_took_is_kept_before_its_stage_ends() {
        for (left, wanted) in [(0, 0), (600, 300), (4_000, 3_500), (100_000, 95_000)] {
            let left = Duration::from_millis(left);
            assert_eq!(before_the_end(left), Duration::from_millis(wanted));
        }
    }
}
