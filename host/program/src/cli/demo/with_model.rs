//! `demo --with-model`: an article that a model writes and judges, with pictures, from its topic to its post.

use std::path::Path;

use callboard_core::app::App;
use callboard_core::operations::runs::RunStatus;
use callboard_core::operations::{handlers, models, settings};
use callboard_core::outcome::Patch;
use callboard_core::workspace::Files;
use callboard_factory::operations::tasks::{self, TaskDetails, TaskRequest};
use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;
use toml::{Table, Value};

use super::{BY, approve, ended_badly, kept, step};
use crate::cli::tasks::tell;
use crate::cli::{Context, Failure, models as shown, run};

/// Who writes, and who draws.
#[derive(Debug, Args)]
pub(super) struct Servers {
    /// Have a model write an article, too, and judge it (pipeline `canonical_blog`): the address of its server,
    /// which speaks chat completions, as llama.cpp's does. `./just demo --with-model` starts one.
    #[arg(long, value_name = "URL", requires = "model")]
    with_model: Option<String>,

    /// That model, by the server's name for it.
    #[arg(long, value_name = "NAME", requires = "with_model")]
    model: Option<String>,

    /// Ask the model for little at a time, and wait for it for long, as a small one on a processor needs it.
    #[arg(long, requires = "with_model")]
    small: bool,

    /// Have pictures made for that article: the address of a server that speaks the SDXL server's protocol.
    #[arg(long, value_name = "URL", requires = "with_model")]
    pictures: Option<String>,
}

const PIPELINE: &str = "canonical_blog";
const FILE: &str = "pipelines/canonical_blog.toml";
const TOPIC: &str = "How keepers tended the Fastnet lighthouse";
/// What the article stands on, so that no page of the web has to be read.
const NOTES: &str = "The Fastnet lighthouse was lit in 1904 and stands 54 metres above the rock, the tallest of Ireland. \
    Keepers wrote down the weather every evening, trimmed the wick before dusk and polished the lens by hand each \
    morning, because soot on the glass costs a ship its way. Supplies came by boat, and in winter no boat could land \
    for weeks.";
/// What a small model can do, by the key of a stage's `config`: tokens of an answer, characters that it is shown,
/// and the seconds that it has, since all that asks it at once waits in line.
const SMALL: [(&str, i64); 3] = [
    ("max_tokens", 600),
    ("material", 4_000),
    ("wait_seconds", 900),
];
/// How long a stage may then take, and all of them.
const SMALL_STAGE: &str = "20m";
const SMALL_BUDGET: &str = "6h";
/// How often a run that waits for its model is taken up again.
const PATIENCE: usize = 5;
/// How many words are wanted of a small one.
const SMALL_WORDS: u32 = 120;

impl Servers {
    /// The article, and whether it is published; none if no model was named.
    pub(super) async fn article(
        &self,
        context: &Context,
        app: &App,
        folder: &Path,
    ) -> Result<Option<(TaskDetails, bool)>, Failure> {
        let (Some(url), Some(model)) = (&self.with_model, &self.model) else {
            return Ok(None);
        };
        self.set_up(context, app, folder, (url, model)).await?;
        step(
            context,
            &format!("Ask for an article (callboard tasks create … --pipeline {PIPELINE} --wait)"),
        );
        let asked = TaskRequest {
            topic: TOPIC,
            pipeline: PIPELINE,
            input: self.input(),
            folder,
            key: None,
            anew: false,
            by: BY,
        };
        let task = tasks::create(app, asked).await?.task;
        to_the_gate(context, app, &task.run).await?;
        step(
            context,
            "Read it at its gate: text, rails, pictures, costs (callboard tasks show)",
        );
        let details = tasks::show(app, &task.id).await?;
        tell(context.output, &details);
        step(
            context,
            "Approve it, flagged or not, as an editor may (callboard tasks approve)",
        );
        let (_, done) = approve(context, app, &details.task).await?;
        Ok(Some((tasks::show(app, &task.id).await?, done)))
    }

    fn input(&self) -> Patch {
        let mut input = Patch::new();
        input.insert("notes".into(), Json::from(NOTES));
        if self.small {
            input.insert("words".into(), Json::from(SMALL_WORDS));
        }
        input
    }

    /// Name the model for both roles, and who draws; the model is asked one thing, so that one that is not
    /// there is named before it is waited for.
    async fn set_up(
        &self,
        context: &Context,
        app: &App,
        folder: &Path,
        (url, model): (&str, &str),
    ) -> Result<(), Failure> {
        step(
            context,
            "Name the model that writes and judges, and who draws (callboard settings set)",
        );
        for (key, value) in self.values(url, model) {
            settings::set(app, &key, value.to_owned(), BY).await?;
            context.output.say(format_args!("{key} = {value}"));
        }
        if self.small {
            small(context, app, folder).await?;
        }
        let tested = models::test(app, "writer", false).await?;
        shown::tested(context.output, &tested);
        if tested.outcome == "done" {
            return Ok(());
        }
        let told = format!("role writer: {}", tested.answer);
        Err(Failure::new(shown::exit(&tested), told))
    }

    fn values<'v>(&'v self, url: &'v str, model: &'v str) -> Vec<(String, &'v str)> {
        let role = |role: &str| {
            [
                (format!("roles.{role}.url"), url),
                (format!("roles.{role}.model"), model),
            ]
        };
        let mut values = [role("writer"), role("critic")].concat();
        if let Some(pictures) = &self.pictures {
            values.push(("images.provider".to_owned(), "sdxl"));
            values.push(("images.url".to_owned(), pictures));
        }
        values
    }
}

/// Carry a run out until it stands before its gate. What a small model did not do the first time, it may do the next.
async fn to_the_gate(context: &Context, app: &App, id: &str) -> Result<(), Failure> {
    let mut run = run::carry_out(app, context, id).await?;
    for _ in 0..PATIENCE {
        if run.status != RunStatus::Waiting {
            break;
        }
        context.output.whole("waiting: ", &run.detail);
        let pause = Timestamp::now().duration_until(run.wake_at);
        tokio::time::sleep(pause.try_into().unwrap_or_default()).await;
        run = run::carry_out(app, context, id).await?;
    }
    match run.status {
        RunStatus::Gated => Ok(()),
        _ => Err(ended_badly(&run)),
    }
}

/// Apply a revision whose pipeline asks for what a small model can do.
async fn small(context: &Context, app: &App, folder: &Path) -> Result<(), Failure> {
    let files: Files = app.read()?.files;
    let problem = |told: &dyn std::fmt::Display| Failure::usage(format!("{FILE}: {told}"));
    let text = files.get(FILE).ok_or_else(|| problem(&"is missing"))?;
    let text = String::from_utf8_lossy(text);
    let mut pipeline: Table = toml::from_str(&text).map_err(|error| problem(&error))?;
    let stages = pipeline.get_mut("stage").and_then(Value::as_array_mut);
    for stage in stages.into_iter().flatten().filter_map(Value::as_table_mut) {
        let Some(handler) = stage.get("handler").and_then(Value::as_str) else {
            continue;
        };
        let config = handlers::show(app, handler).await?.config;
        if config["properties"].get("max_tokens").is_some() {
            shorten(stage, &config);
        }
    }
    pipeline.insert("budget".to_owned(), SMALL_BUDGET.into());
    kept(folder, FILE, pipeline.to_string().as_bytes())?;
    let [(_, tokens), (_, material), _] = SMALL;
    context.output.say(format_args!(
        "{FILE}: answers of {tokens} tokens, {material} characters of sources, {SMALL_STAGE} a stage"
    ));
    app.apply("what a small model can do").await?;
    Ok(())
}

/// A stage that asks a model, for a small one. `schema` is that of its handler's `config`.
fn shorten(stage: &mut Table, schema: &Json) {
    let config = stage
        .entry("config")
        .or_insert_with(|| Value::Table(Table::new()));
    for (key, value) in SMALL {
        if let Some(config) = config.as_table_mut()
            && schema["properties"].get(key).is_some()
        {
            config.insert(key.to_owned(), Value::Integer(value));
        }
    }
    stage.insert("timeout".to_owned(), SMALL_STAGE.into());
}
