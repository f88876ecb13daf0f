//! `pipelines`: the definitions of the active revision.

use callboard_core::pipeline::{Pipeline, Stage};
use clap::Subcommand;
use serde_json::json;

use super::output::Answered;
use super::{Context, Failure, find};

#[derive(Debug, Subcommand)]
pub(super) enum Pipelines {
    /// Every pipeline.
    List,
    /// One pipeline with its input and stages.
    Show {
        /// Its name.
        name: String,
    },
}

impl Pipelines {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let company = context.app().await?.active().await?;
        let pipelines = &company.definitions.pipelines;
        match self {
            Pipelines::List => {
                let all = pipelines.values().map(|defined| &defined.value);
                let rows = all.clone().map(|pipeline| {
                    let stages: Vec<_> = pipeline.stages.iter().map(Stage::id).collect();
                    let name = pipeline.name().to_owned();
                    vec![name, stages.join(" → "), pipeline.description.clone()]
                });
                let json: Vec<_> = all.clone().map(to_json).collect();
                let header = ["pipeline", "stages", "description"];
                Ok(context.output.show(&header, rows.collect(), &json))
            }
            Pipelines::Show { name } => {
                let defined = pipelines.get(&name).ok_or_else(|| {
                    let known = pipelines.keys().map(String::as_str);
                    find::unknown("pipeline", &name, known, "callboard pipelines list")
                })?;
                Ok(show(context, &defined.value))
            }
        }
    }
}

fn show(context: &Context, pipeline: &Pipeline) -> Answered {
    let name = format!("{}: ", pipeline.name());
    context.output.labelled(&name, &pipeline.description);
    context
        .output
        .say(format_args!("budget: {}", pipeline.budget));
    context.output.say("");
    let inputs = pipeline.input.iter().map(|(key, input)| {
        let default = input
            .default
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let required = if input.required { "yes" } else { "no" };
        vec![
            key.clone(),
            required.to_owned(),
            default,
            input.description.clone(),
        ]
    });
    context.output.table(
        &["input", "required", "default", "description"],
        inputs.collect(),
    );
    context.output.say("");
    let stages = pipeline.stages.iter().map(|stage| {
        let needs: Vec<_> = stage.needed().collect();
        vec![stage.id().to_owned(), stage.what(), needs.join(", ")]
    });
    context
        .output
        .table(&["stage", "handler or gate", "needs"], stages.collect());
    context.output.json(&to_json(pipeline))
}

fn to_json(pipeline: &Pipeline) -> serde_json::Value {
    let stages: Vec<_> = pipeline
        .stages
        .iter()
        .map(|stage| {
            json!({
                "id": stage.id(),
                "handler": stage.handler.as_ref().map(toml::Spanned::get_ref),
                "gate": stage.gate.as_ref().map(toml::Spanned::get_ref),
                "needs": stage.needed().collect::<Vec<_>>(),
                "config": stage.config.get_ref(),
            })
        })
        .collect();
    json!({
        "name": pipeline.name(),
        "description": pipeline.description,
        "budget": pipeline.budget,
        "input": pipeline.input.keys().collect::<Vec<_>>(),
        "stages": stages,
    })
}
