//! Prompts filled in with what a task has: what its handlers gave to a model, or would.

use callboard_core::app::App;
use callboard_core::operations::{OperationError, runs};
use callboard_core::outcome::Patch;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::tasks;
use crate::asking::Asking;
use crate::diary::bundle::Bundle;
use crate::diary::material::material as diary_material;
use crate::draft::Draft;
use crate::research::Source;
use crate::tables::posts;
use crate::writing::{Article, Brief, listed, material};

/// Published posts that a prompt is given.
const POSTS: u32 = 30;

/// The variables that prompts can be filled in with for a task: what its run has, as its handlers say it.
pub async fn of_task(app: &App, wanted: &str) -> Result<Patch, OperationError> {
    let task = tasks::show(app, wanted).await?;
    let keys = runs::keys(app, &task.task.run).await?;
    let mut variables = keys.clone();
    let mut give = |name: &str, text: String| variables.insert(name.to_owned(), text.into());
    if let Some(bundle) = read::<Bundle>(&keys, "bundle") {
        give("day", bundle.day.clone());
        give("bundle", diary_material(&bundle));
    }
    let brief: Brief = read(&keys, "brief").unwrap_or_default();
    if let Some(sources) = read::<Vec<Source>>(&keys, "sources") {
        give("brief", listed(&brief));
        give(
            "sources",
            material(&brief, &sources, Asking::default().material),
        );
    }
    if let Some(draft) = read::<Draft>(&keys, "draft") {
        let article = Article::of(&draft).map_err(|cause| {
            OperationError::failed(format!("the text of the draft cannot be read: {cause}"))
        })?;
        give("text", article.for_model());
        give("title", draft.title);
    }
    give("keywords", brief.keywords.join(", "));
    let all = app.store().read(posts::titled(POSTS)).await?;
    let lines = all
        .iter()
        .map(|(slug, title)| format!("[posts/{slug}] {title}"));
    give("posts", lines.collect::<Vec<_>>().join("\n"));
    let titles = all.iter().map(|(_, title)| title.as_str());
    give("published", titles.collect::<Vec<_>>().join("\n"));
    if let Some(found) = keys.get("feedback").and_then(Json::as_str) {
        give("findings", found.to_owned());
    }
    Ok(variables)
}

fn read<T: DeserializeOwned>(keys: &Patch, key: &str) -> Option<T> {
    serde_json::from_value(keys.get(key)?.clone()).ok()
}
