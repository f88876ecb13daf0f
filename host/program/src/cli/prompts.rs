//! `prompts`: what models are told, and what that comes to.

use callboard_core::operations::prompts::{self, PromptView};
use callboard_factory::operations::prompts as factory;
use clap::Subcommand;

use super::output::Answered;
use super::run::parse_inputs;
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Prompts {
    /// Every prompt.
    List,
    /// One prompt with its template.
    Show {
        /// Its name.
        name: String,
    },
    /// What a prompt says once it is filled in.
    Render {
        /// Its name.
        name: String,
        /// Fill it in with what this task has.
        #[arg(long)]
        task: Option<String>,
        /// A variable, `KEY=VALUE`, before what a task has; repeat it for each.
        #[arg(short, long = "input", value_name = "KEY=VALUE")]
        inputs: Vec<String>,
    },
}

impl Prompts {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let (app, output) = (context.app().await?, context.output);
        match self {
            Prompts::List => {
                let all = prompts::list(&app).await?;
                let rows = all.iter().map(row).collect();
                Ok(output.show(&["prompt", "variables", "handlers"], rows, &all))
            }
            Prompts::Show { name } => {
                let prompt = prompts::show(&app, &name).await?;
                output.say(format_args!("variables: {}", prompt.variables.join(", ")));
                output.say(format_args!("handlers: {}", prompt.handlers.join(", ")));
                output.say(format_args!("revision: {}", prompt.revision));
                output.say("");
                output.text(format_args!("{}", prompt.template));
                Ok(output.json(&prompt))
            }
            Prompts::Render { name, task, inputs } => {
                let mut variables = match task {
                    Some(task) => factory::of_task(&app, &task).await?,
                    None => serde_json::Map::new(),
                };
                variables.extend(parse_inputs(&inputs)?);
                let rendered = prompts::render(&app, &name, &variables).await?;
                output.text(format_args!("{}", rendered.text));
                Ok(output.json(&rendered))
            }
        }
    }
}

fn row(prompt: &PromptView) -> Vec<String> {
    vec![
        prompt.name.clone(),
        prompt.variables.join(", "),
        prompt.handlers.join(", "),
    ]
}
