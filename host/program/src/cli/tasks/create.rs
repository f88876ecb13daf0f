//! `tasks create`: ask for a piece of content.

use callboard_core::app::App;
use callboard_factory::operations::tasks::{self, TaskRequest};
use clap::Args;

use crate::cli::output::Answered;
use crate::cli::runs::Who;
use crate::cli::{Context, Failure, run};

/// A piece of content to ask for.
#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    /// What it is to be about. A pipeline whose input has a `topic` is given it.
    topic: String,
    /// The pipeline that makes it; `callboard pipelines list` names them.
    #[arg(long)]
    pipeline: String,
    /// A key of the input, `KEY=VALUE`; repeat it for each key. A value that is JSON is
    /// taken as such, everything else is a text. A relative path begins at this folder.
    #[arg(short, long = "input", value_name = "KEY=VALUE")]
    inputs: Vec<String>,
    /// What you call it: asked for again by the same key, it is the same task.
    #[arg(long)]
    key: Option<String>,
    /// If it was asked for before, ended, and its run was removed, have a new run make it.
    #[arg(long, requires = "key")]
    anew: bool,
    /// Carry its run out here, as far as it goes now.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    who: Who,
}

impl Create {
    pub(super) async fn run(self, context: &Context, app: &App) -> Result<Answered, Failure> {
        let folder = &run::here()?;
        let asked = TaskRequest {
            topic: &self.topic,
            pipeline: &self.pipeline,
            input: run::parse_inputs(&self.inputs)?,
            folder,
            key: self.key.as_deref(),
            anew: self.anew,
            by: &self.who.by,
        };
        let created = tasks::create(app, asked).await?;
        let (output, task) = (context.output, &created.task);
        if !created.takes_topic {
            output.warn(format_args!(
                "pipeline {} takes no topic: it is what the task is called until it has a draft",
                self.pipeline
            ));
        }
        let status = tasks::word(task.status);
        let how = if created.was_there {
            format!("was asked for before, and is {status}")
        } else {
            "is made by run ".to_owned() + &task.run
        };
        let said = format!("task {} {how}", task.short);
        if self.wait {
            output.progress(said);
            let run = run::carry_out(app, context, &task.run).await?;
            return Ok(run::report(context, &run));
        }
        output.say(said);
        output.next(format_args!("tasks show {}", task.short));
        Ok(output.json(task))
    }
}
