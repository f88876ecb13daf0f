//! Models: the roles that are asked, who answers for them, and what that took today.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorKind, OperationError, named};
use crate::app::{App, LoadedRevision};
use crate::handler::{Call, Completion, Fallbacks, ModelRequest, Tally, Tokens};
use crate::lines::VisitLines;
use crate::model::role::{self, Provider, ProviderKind};
use crate::model::spending;
use crate::outcome::{Fallback, Stop};
use crate::settings::Snapshot;
use crate::store::model_calls;

pub use crate::config::shown_amount;
pub use crate::store::model_calls::{ModelUse, StageUse};

/// How long a role may take to answer a test.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a role is asked.
const QUESTION: &str = "Answer with the one word `callboard`, and nothing else.";
/// The longest answer to it: a model may think before.
const TOKENS: u32 = 512;

/// The roles, and what the day took.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Models")]
pub struct ModelsView {
    /// Every role that is asked or declared, by name.
    pub roles: Vec<RoleView>,
    /// When the day of UTC began.
    pub since: Timestamp,
    /// What all roles took since then.
    pub today: ModelUse,
    /// The most that a day may cost, in millionths of a cent of the money of the prices; any, if absent.
    pub daily_microcents: Option<u64>,
    /// The most tokens of a day; any, if absent.
    pub daily_tokens: Option<u64>,
}

/// A role of a model.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ModelRole")]
pub struct RoleView {
    /// Its name.
    pub role: String,
    /// The handlers of pipelines and policies that ask it.
    pub asked_by: Vec<String>,
    /// Who is asked, in this order, until one answers.
    pub chain: Vec<ProviderView>,
    /// Settings that its own provider lacks.
    pub missing: Vec<String>,
    /// Why it leads to no provider, though something is set.
    pub problem: Option<String>,
    /// What it took today.
    pub today: ModelUse,
}

/// A provider, as it is set.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ModelProvider")]
pub struct ProviderView {
    /// The role whose settings it has.
    pub role: String,
    /// The protocol that it speaks: `openai`, `ollama`, `anthropic`, or `built-in`.
    pub provider: &'static str,
    /// The model, by the server's name for it.
    pub model: String,
    /// Where it is asked; none that is built in.
    pub url: Option<String>,
}

/// What a role answered when it was tried.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ModelTest")]
pub struct TestedRole {
    /// The role that was asked.
    pub role: String,
    /// `done`, or why there is no answer: `unavailable`, `deferred`, `failed`.
    pub outcome: &'static str,
    /// The model that answered.
    pub model: Option<String>,
    /// Its answer; of a test of vectors, how many numbers one has.
    pub answer: String,
    /// How long it took.
    pub took_ms: u64,
    /// Tokens of the question, and of the answer.
    pub tokens: Tokens,
    /// What all that was asked cost, in millionths of a cent of the money of the prices.
    pub microcents: u64,
    /// Providers that did not answer while another one did.
    pub fallbacks: Vec<Fallback>,
}

/// The roles that anything asks, or that are declared.
pub async fn list(app: &App) -> Result<ModelsView, OperationError> {
    let loaded = app.active().await?;
    let settings = app.snapshot(&loaded.definitions).await?;
    let since = spending::today(Timestamp::now());
    let used = model_calls::of_day(app.store(), since).await?;
    let asked = asked(&loaded);
    let declared = settings.declarations().keys();
    let declared = declared.filter_map(|key| Some(role::of_key(key)?.0.to_owned()));
    let roles: BTreeSet<String> = declared.chain(asked.keys().cloned()).collect();
    let rules = &app.config().models;
    let view = |role: String| {
        let today = used.iter().find(|used| used.role == role);
        RoleView {
            asked_by: asked.get(&role).into_iter().flatten().cloned().collect(),
            today: today.cloned().unwrap_or_else(|| ModelUse {
                role: role.clone(),
                ..ModelUse::default()
            }),
            ..RoleView::of(&settings, role)
        }
    };
    Ok(ModelsView {
        roles: roles.into_iter().map(view).collect(),
        since,
        today: ModelUse::total(&used),
        daily_microcents: rules.daily_microcents(),
        daily_tokens: rules.daily_tokens,
    })
}

/// Which handlers ask which role, as they are configured, and which plugins may.
fn asked(loaded: &LoadedRevision) -> BTreeMap<String, BTreeSet<String>> {
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for stage in loaded
        .pipelines()
        .values()
        .flat_map(|pipeline| &pipeline.stages)
    {
        let handler = stage.handler.as_ref().map(toml::Spanned::get_ref);
        let Some(entry) = handler.and_then(|name| loaded.registry.get(name)) else {
            continue;
        };
        for role in entry.contract.roles(stage.config.get_ref()) {
            let by = asked.entry(role).or_default();
            by.insert(entry.contract.name.clone());
        }
    }
    for (name, plugin) in &loaded.definitions.plugins {
        for role in &plugin.manifest.value.ask.model.roles {
            let by = asked.entry(role.clone()).or_default();
            by.insert(format!("plugin {name}"));
        }
    }
    asked
}

impl RoleView {
    /// A role as it is set, whoever asks it.
    fn of(settings: &Snapshot, role: String) -> Self {
        let (chain, problem) = match role::chain(settings, &role) {
            Ok(chain) => (chain, None),
            Err(_) if !role::is_declared(settings, &role) => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let kind = role::kind(settings, &role).unwrap_or(ProviderKind::OpenAi);
        let keys = kind.needs().iter().map(|part| role::key(&role, part));
        Self {
            missing: keys.filter(|key| !settings.is_present(key)).collect(),
            chain: chain.iter().map(ProviderView::of).collect(),
            problem,
            asked_by: Vec::new(),
            today: ModelUse::default(),
            role,
        }
    }
}

impl ProviderView {
    fn of(provider: &Provider) -> Self {
        Self {
            role: provider.role.clone(),
            provider: provider.kind.name(),
            model: provider.model.clone(),
            url: provider.url.as_ref().map(ToString::to_string),
        }
    }
}

/// Ask a role one thing: a word, or the vector of a text.
pub async fn test(app: &App, role: &str, vectors: bool) -> Result<TestedRole, OperationError> {
    let runnable = app.runnable().await?;
    if !role::is_declared(&runnable.settings, role) {
        let keys = runnable.settings.declarations().keys();
        let roles = keys
            .filter_map(|key| role::of_key(key))
            .map(|(role, _)| role);
        return Err(named::unknown("role", role, roles, "callboard models list"));
    }
    let call = Call {
        run: String::new(),
        asked: Arc::default(),
        pipeline: String::new(),
        stage: format!("test of {role}"),
        visit: 1,
        sent_back: false,
        attempt: 1,
        deadline: Instant::now() + PATIENCE,
        now: Timestamp::now(),
        settings: runnable.settings.clone(),
        resources: runnable.resources.clone(),
        lines: VisitLines::default(),
        fallbacks: Fallbacks::default(),
        tally: Tally::default(),
    };
    let before = cost(app, &call, role).await?;
    let began = Instant::now();
    let answer = ask(&call, role, vectors).await;
    let took = began.elapsed();
    let (outcome, completion) = match answer {
        Ok(None) => return Err(unset(&runnable.settings, role)),
        Ok(Some(completion)) => ("done", completion),
        Err(stop) => (stop.name(), Completion::default().saying(&stop)),
    };
    let microcents = cost(app, &call, role).await?.saturating_sub(before);
    Ok(TestedRole {
        role: role.to_owned(),
        outcome,
        model: Some(completion.model).filter(|model| !model.is_empty()),
        answer: completion.text,
        took_ms: super::runs::millis(took),
        tokens: completion.tokens,
        microcents,
        fallbacks: call.fallbacks.take(),
    })
}

async fn ask(call: &Call, role: &str, vectors: bool) -> Result<Option<Completion>, Stop> {
    if !vectors {
        let request = ModelRequest {
            prompt: QUESTION.to_owned(),
            max_tokens: TOKENS,
            temperature: 0.0,
            ..ModelRequest::default()
        };
        return call.complete(role, request).await;
    }
    let embedded = call.embed(role, &[QUESTION.to_owned()]).await?;
    Ok(embedded.map(|embedded| Completion {
        text: format!("{} numbers", embedded.vectors.first().map_or(0, Vec::len)),
        model: embedded.model,
        tokens: embedded.tokens,
        ..Completion::default()
    }))
}

impl Completion {
    /// What is told in the place of an answer.
    fn saying(self, stop: &Stop) -> Self {
        Self {
            text: stop.to_string(),
            ..self
        }
    }
}

/// What a role cost since the day began.
async fn cost(app: &App, call: &Call, role: &str) -> Result<u64, OperationError> {
    let used = model_calls::of_day(app.store(), spending::today(call.now)).await?;
    let mut used = used.into_iter().filter(|used| used.role == role);
    Ok(used.next().map_or(0, |used| used.microcents))
}

/// The error of a role for which nothing is set.
fn unset(settings: &Snapshot, role: &str) -> OperationError {
    let view = RoleView::of(settings, role.to_owned());
    let missing = view.missing.first().cloned();
    let message = format!(
        "role `{role}` does not resolve: {} is not set",
        view.missing.join(", ")
    );
    let mend = missing.map_or_else(
        || "callboard models list".to_owned(),
        |key| format!("callboard settings set {key} VALUE"),
    );
    OperationError::new(ErrorKind::Failed, message).mend(mend)
}
