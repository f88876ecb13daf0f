//! Pipelines: the definitions of the active revision.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::runs::millis;
use super::{OperationError, named};
use crate::app::{App, LoadedRevision};
use crate::pipeline::{InputKey, Pipeline, Stage};

/// A definition of stages and what follows from their outcomes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Pipeline")]
pub struct PipelineView {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What a run may take in all, waiting at gates not counted.
    pub budget_ms: u64,
    /// Runs of a greater priority go first.
    pub priority: i64,
    /// The keys that a run is started with.
    pub input: Vec<InputView>,
    /// In the order in which they are written.
    pub stages: Vec<StageView>,
}

/// A key that a run is started with.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Input")]
pub struct InputView {
    /// Its name.
    pub key: String,
    /// What it means.
    pub description: String,
    /// Whether a run needs it.
    pub required: bool,
    /// Its value where none is given.
    pub default: Option<Json>,
}

/// One handler, or one gate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Stage")]
pub struct StageView {
    /// Its name within the pipeline.
    pub id: String,
    /// The handler that it runs; a stage has this or `gate`.
    pub handler: Option<String>,
    /// What a person is asked.
    pub gate: Option<String>,
    /// The stages before it.
    pub needs: Vec<String>,
    /// What it says to its handler.
    pub config: Json,
    /// The longest time of one call, if it has a limit of its own.
    pub timeout_ms: Option<u64>,
    /// How often a `goto` may come back to it.
    pub max_visits: u32,
    /// Whether the run cannot do without its verdict.
    pub required: bool,
}

/// Every pipeline, by name.
pub async fn list(app: &App) -> Result<Vec<PipelineView>, OperationError> {
    Ok(all(&*app.active().await?))
}

/// One pipeline.
pub async fn show(app: &App, name: &str) -> Result<PipelineView, OperationError> {
    let loaded = app.active().await?;
    let pipelines = &loaded.definitions.pipelines;
    let defined = pipelines.get(name).ok_or_else(|| {
        let known = pipelines.keys().map(String::as_str);
        named::unknown("pipeline", name, known, "callboard pipelines list")
    })?;
    Ok((&defined.value).into())
}

pub(super) fn all(loaded: &LoadedRevision) -> Vec<PipelineView> {
    let pipelines = loaded.definitions.pipelines.values();
    pipelines.map(|defined| (&defined.value).into()).collect()
}

impl PipelineView {
    pub fn budget(&self) -> Duration {
        Duration::from_millis(self.budget_ms)
    }
}

impl StageView {
    /// The handler it runs, or the question of its gate, for a person.
    pub fn what(&self) -> String {
        match (&self.handler, &self.gate) {
            (Some(handler), _) => handler.clone(),
            (None, Some(gate)) => format!("gate: {gate}"),
            (None, None) => "-".to_owned(),
        }
    }
}

impl From<&Pipeline> for PipelineView {
    fn from(pipeline: &Pipeline) -> Self {
        Self {
            name: pipeline.name().to_owned(),
            description: pipeline.description.clone(),
            budget_ms: millis(pipeline.budget.0),
            priority: pipeline.priority,
            input: pipeline.input.iter().map(InputView::of).collect(),
            stages: pipeline.stages.iter().map(StageView::of).collect(),
        }
    }
}

impl InputView {
    fn of((key, input): (&String, &InputKey)) -> Self {
        Self {
            key: key.clone(),
            description: input.description.clone(),
            required: input.required,
            default: input.default.clone(),
        }
    }
}

impl StageView {
    fn of(stage: &Stage) -> Self {
        let written =
            |text: &Option<toml::Spanned<String>>| text.as_ref().map(|text| text.get_ref().clone());
        let timeout = stage.timeout.as_ref();
        Self {
            id: stage.id().to_owned(),
            handler: written(&stage.handler),
            gate: written(&stage.gate),
            needs: stage.needed().map(str::to_owned).collect(),
            config: stage.config.get_ref().clone(),
            timeout_ms: timeout.map(|span| millis(span.get_ref().0)),
            max_visits: stage.max_visits,
            required: stage.required,
        }
    }
}
