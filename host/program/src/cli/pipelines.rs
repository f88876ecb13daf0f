//! `pipelines`: the definitions of the active revision.

use callboard_core::operations::pipelines::{self, InputView, PipelineView};
use callboard_core::span::Span;
use clap::Subcommand;

use super::output::Answered;
use super::{Context, Failure};

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
        let app = context.app().await?;
        match self {
            Pipelines::List => {
                let all = pipelines::list(&app).await?;
                let header = ["pipeline", "stages", "description"];
                let rows = all.iter().map(row).collect();
                Ok(context.output.show(&header, rows, &all))
            }
            Pipelines::Show { name } => {
                let pipeline = pipelines::show(&app, &name).await?;
                Ok(show(context, &pipeline))
            }
        }
    }
}

fn row(pipeline: &PipelineView) -> Vec<String> {
    let stages = pipeline.stages.iter().map(|stage| stage.id.as_str());
    let stages: Vec<_> = stages.collect();
    vec![
        pipeline.name.clone(),
        stages.join(" → "),
        pipeline.description.clone(),
    ]
}

fn show(context: &Context, pipeline: &PipelineView) -> Answered {
    let output = context.output;
    let PipelineView {
        name, description, ..
    } = pipeline;
    output.labelled(&format!("{name}: "), description);
    output.say(format_args!("budget: {}", Span(pipeline.budget())));
    output.say("");
    let header = ["input", "required", "default", "description"];
    output.table(&header, pipeline.input.iter().map(input).collect());
    output.say("");
    let stages = pipeline.stages.iter();
    let stages = stages.map(|stage| vec![stage.id.clone(), stage.what(), stage.needs.join(", ")]);
    output.table(&["stage", "handler or gate", "needs"], stages.collect());
    output.json(pipeline)
}

fn input(input: &InputView) -> Vec<String> {
    let default = input.default.as_ref().map(ToString::to_string);
    let required = if input.required { "yes" } else { "no" };
    vec![
        input.key.clone(),
        required.to_owned(),
        default.unwrap_or_default(),
        input.description.clone(),
    ]
}
