//! Prompts: those of the active revision, and what they say once they are filled in.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{OperationError, named};
use crate::app::{App, LoadedRevision};

/// What a model is told, with places for what differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Prompt")]
pub struct PromptView {
    /// Its name.
    pub name: String,
    /// The revision that it is of: it changes with every change of the workspace.
    pub revision: i64,
    /// What it is filled in with.
    pub variables: Vec<String>,
    /// The handlers that ask with it, of those that are used.
    pub handlers: Vec<String>,
    /// The template.
    pub template: String,
}

/// A prompt that is filled in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RenderedPrompt {
    /// Its name.
    pub name: String,
    /// The revision that it is of.
    pub revision: i64,
    /// What a model would be told.
    pub text: String,
}

/// Every prompt, by name.
pub async fn list(app: &App) -> Result<Vec<PromptView>, OperationError> {
    let loaded = app.active().await?;
    let names = loaded.definitions.prompts.keys();
    Ok(names.filter_map(|name| view(&loaded, name)).collect())
}

/// One prompt.
pub async fn show(app: &App, name: &str) -> Result<PromptView, OperationError> {
    let loaded = app.active().await?;
    view(&loaded, name).ok_or_else(|| unknown(&loaded, name))
}

/// What a prompt says with these variables, each of which it has to be given.
pub async fn render(
    app: &App,
    name: &str,
    variables: &Map<String, Json>,
) -> Result<RenderedPrompt, OperationError> {
    let loaded = app.active().await?;
    let prompts = &loaded.definitions.prompts;
    let prompt = prompts.get(name).ok_or_else(|| unknown(&loaded, name))?;
    let lacking = prompt.variables.iter();
    let lacking = lacking.filter(|it| !variables.contains_key(*it));
    let lacking: Vec<&str> = lacking.map(String::as_str).collect();
    if let Some(first) = lacking.first() {
        let problem = format!("prompt `{name}` is not given `{}`", lacking.join("`, `"));
        let mend = format!("write `--input {first}=VALUE`, or `--task TASK` for those of a task");
        return Err(OperationError::usage(problem).mend(mend));
    }
    let known = |key: &&String| prompt.variables.contains(key);
    let given = variables.iter().filter(|(key, _)| known(key));
    let given: Map<String, Json> = given
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let text = prompt.render(name, &Json::Object(given));
    Ok(RenderedPrompt {
        name: name.to_owned(),
        revision: loaded.revision,
        text: text.map_err(OperationError::failed)?,
    })
}

fn unknown(loaded: &LoadedRevision, name: &str) -> OperationError {
    let known = loaded.definitions.prompts.keys().map(String::as_str);
    named::unknown("prompt", name, known, "callboard prompts list")
}

fn view(loaded: &LoadedRevision, name: &str) -> Option<PromptView> {
    let prompt = loaded.definitions.prompts.get(name)?;
    let pipelines = loaded.definitions.pipelines.values();
    let used: Vec<&str> = pipelines.flat_map(|it| it.value.handlers()).collect();
    let entries = loaded.registry.iter();
    let asking = entries.filter(|entry| {
        let contract = &entry.contract;
        used.contains(&contract.name.as_str())
            && contract.needs.prompts.iter().any(|need| need.name == name)
    });
    Some(PromptView {
        name: name.to_owned(),
        revision: loaded.revision,
        variables: prompt.variables.clone(),
        handlers: asking.map(|entry| entry.contract.name.clone()).collect(),
        template: prompt.template().to_owned(),
    })
}
